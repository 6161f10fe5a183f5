"""The files of a batch job in the folder of the run that it is to begin or continue."""

from __future__ import annotations

from collections.abc import Mapping

from fwicli.disk import atomic, ownership
from fwicli.workflows.run_folder import lock, parts
from fwicli.workflows.run_folder.folder import RunFolder


def place(
    run_folder: RunFolder,
    resume: bool,
    force: bool,
    files: Mapping[str, str],
    others: tuple[str, ...] = (),
) -> None:
    """Make the folder ready for a job and write its files.

    Parameters
    ----------
    run_folder : RunFolder
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    files : mapping of str to str
        Text of the files of the job by name.
    others : tuple of str
        Names of files that the job itself writes.

    Raises
    ------
    ConfigError
        If the folder holds a run and is neither to be continued nor overwritten, if there is
        nothing to continue, or if a file of somebody else is in the way.
    TrustError
        If another user could have written it.
    ExecutionError
        If it cannot be written to.
    """
    ownership.check_folder(run_folder.path)
    run_folder.make()
    lock.hold(run_folder.path)
    try:
        # The jobs of an array continue its parts; the run itself has not begun then.
        in_parts = bool(parts.stored(run_folder.path))
        run_folder.preview(resume and not in_parts, force)
        if not resume:
            parts.discard(run_folder.path)
            run_folder.manifest.remove()
        for name, text in files.items():
            with atomic.replacing(run_folder.file(name)) as new:
                new.write_text(text, encoding="utf-8")
        for name in others:
            run_folder.file(name).touch(mode=0o644)
    finally:
        lock.release(run_folder.path)
