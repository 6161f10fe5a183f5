"""The folder of a run: what it was told, where it ran, what it read, how it went.

    config.yaml         the resolved config: it can be run again as it is
    environment.json    versions, host, revision, compiler and fingerprints of the inputs
    plan.json           time, memory and disk that were planned
    progress.jsonl      one line a step
    log.txt             what was said
    status.json         sign of life, for `fwi status`
    *.h5, *.png         results
    manifest.txt        names of these files, which alone a later run may remove

A folder with a result is never overwritten unless told so, and is continued only with the config
that it was begun with, or one that extends it. Files that a killed run has left half written are
removed when the next one begins there. Files that no run has written stay as they are, and so do
inputs: a run that would replace them is refused before anything is touched.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.disk import atomic, ownership
from fwicli.errors import ConfigError, ExecutionError
from fwicli.workflows.run_folder import inputs, job_record, lock, outputs, settings
from fwicli.workflows.run_folder.heartbeat import Heartbeat, iterations
from fwicli.workflows.run_folder.log_file import LogFile
from fwicli.workflows.run_folder.manifest import FOLDERS, MANIFEST, Manifest
from fwicli.workflows.run_folder.names import START
from fwicli.workflows.run_folder.outputs import CONFIG, ENVIRONMENT, LOG, PROGRESS, REPORT
from fwicli.workflows.run_folder.provenance import provenance as provenance
from fwicli.workflows.run_folder.settings import Allowed, no_change
from fwicli.workflows.run_folder.status import STATUS

# In the environment of runs that have not made a decision yet if they lack it; runs of versions
# that knew no such decision have no mark.
DECIDES = "decides_all"

log = logging.getLogger("fwicli")


class RunFolder:
    """Folder of one run.

    Parameters
    ----------
    allowed : callable, optional
        Whether a value of the config may change in a run that is continued; none by default.
    rule : str
        Which values may change, in words.
    beside : sequence of str
        Names of files and folders that may be there before the run.
    """

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        allowed: Allowed = no_change,
        rule: str = "",
        beside: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.loaded = loaded
        self.extended: list[str] = []
        # Writes files that a new run begins from; it returns entries for the environment.
        self.beginning: Callable[[], Mapping[str, Any]] = dict
        self.continued = False
        self._manifest: Manifest | None = None
        self._allowed, self._rule, self._beside = allowed, rule, beside
        self._settings = json.loads(loaded.config.model_dump_json())
        self.heartbeat = Heartbeat(loaded.kind, iterations(self._settings))

    def open(self, resume: bool, force: bool) -> bool:
        """Make the folder ready; return whether a run is continued.

        Parameters
        ----------
        resume, force : bool
            Continue a run that was stopped, or overwrite it.

        Returns
        -------
        continued : bool

        Raises
        ------
        ConfigError
            If it holds a run and is neither to be continued nor overwritten, if there is nothing
            to continue, if the config or an input has changed, or if the run would remove or
            replace an input or what no run has written.
        TrustError
            If another user could have written what would be read.
        ExecutionError
            If it cannot be written to.
        """
        ownership.check_folder(self.path)
        if resume and not self.path.is_dir():
            raise ConfigError(f"there is no run in {self.path} to resume; leave out --resume")
        self.make()
        lock.hold(self.path)
        try:
            resume = resume and not self._is_submitted()
            if resume:
                self._check_owners()
            removed = self.preview(resume, force)
            if resume:
                self._continue()
                self.continued = True
                return True
            if removed:
                names = ", ".join(removed)
                log.info("removing what an earlier run has written into %s: %s", self.path, names)
            self.manifest.remove(removed)
            self._list_logs()
            environment: dict[str, Any] = {**provenance(), **self.beginning(), DECIDES: True}
            environment["inputs"] = inputs.fingerprints(self._settings)
            self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
            # Last: a folder with a config is one with a run that can be continued.
            self._write(CONFIG, self.resolved())
        except BaseException:
            self._release()
            raise
        return False

    def preview(self, resume: bool, force: bool) -> list[str]:
        """Check whether the run may begin or go on; names of the files that it removes before.

        Parameters
        ----------
        resume, force : bool
            Continue a run that was stopped, or overwrite it.

        Returns
        -------
        names : list of str

        Raises
        ------
        ConfigError
            As in `open`; nothing is touched.
        """
        self._manifest = Manifest(self.path)
        exists = self._holds_run()
        if resume and not exists:
            raise ConfigError(f"there is no run in {self.path} to resume; leave out --resume")
        if exists and not self.manifest.present:
            self._recognise()
        there = [n for n in self.manifest.names if os.path.lexists(self.path / n)]
        own = [n for n in there if self._owns(n)]
        if not resume and not force:
            self._is_free(exists, own)
        self._check_names(resume)
        # Somebody else's by now, and not in the way.
        self.manifest.disown(set(there) - set(own))
        replaced = {self.path / n for n in outputs.names(self.loaded)}
        if resume:
            # Its own config and start may be what it is continued with: they are not written again.
            replaced -= {self.path / CONFIG, self.path / START}
        # The job that begins the run has written its files before.
        of_job = [] if force else [n for n in own if outputs.JOB.fullmatch(n)]
        removed = [] if resume else [n for n in own if n not in of_job]
        inputs.protect(self.loaded, [*replaced, *self.manifest.there(removed)])
        return removed

    def resolved(self) -> str:
        """The config as YAML, which can be run again."""
        text = settings.as_yaml(self._settings)
        return f"{outputs.RESOLVED} {metadata.version('fwicli')}\n{text}"

    @property
    def manifest(self) -> Manifest:
        """The list of files that runs have written into the folder."""
        if self._manifest is None:
            self._manifest = Manifest(self.path)
        return self._manifest

    def file(self, name: str) -> Path:
        """Path of a file or folder that the run is going to write; it is put onto the list.

        Raises
        ------
        ConfigError
            If somebody else's file, folder or link bears the name.
        """
        return self.manifest.claim(name)

    def _check_owners(self) -> None:
        """Check that nobody else could have written what a run that goes on reads."""
        for name in (CONFIG, ENVIRONMENT, PROGRESS):
            if os.path.lexists(self.path / name):
                ownership.open_run_file(self.path / name).close()
        for name in FOLDERS:
            ownership.check_folder(self.path / name)

    def _release(self) -> None:
        """Leave the folder to others."""
        lock.release(self.path)

    def make(self) -> None:
        """Make the folder, if it is not there, and check that it can be written to."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ConfigError(
                f"{self.path} cannot be the folder of a run: it is, or lies below, a file or a "
                f"link to nothing; choose another folder with -o"
            ) from None
        except PermissionError as error:
            raise _unwritable(self.path) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise _unwritable(self.path)

    def _holds_run(self) -> bool:
        if self.manifest.present:
            return self.manifest.owns(CONFIG) and (self.path / CONFIG).is_file()
        names = (CONFIG, ENVIRONMENT)
        return all(outputs.recognised(self.path / n, listed=False) for n in names)

    def _is_submitted(self) -> bool:
        """Whether a job has been submitted that is to begin the run, and has not."""
        return self.manifest.owns(job_record.RECORD) and not self._holds_run()

    def _is_free(self, exists: bool, names: list[str]) -> None:
        """Check that nothing is there but what the beginning of a run has left."""
        if exists:
            raise ConfigError(
                f"{self.path} already holds a run; continue it with --resume, overwrite it with "
                f"--force, or choose another folder with -o"
            )
        beginning = {ENVIRONMENT, MANIFEST, *self._beside}
        beginning |= {n for n in names if n.startswith(".") or outputs.JOB.fullmatch(n)}
        if lock.other_names(self.path) - beginning:
            raise ConfigError(f"{self.path} is not empty; choose another folder with -o")

    def _check_names(self, resume: bool) -> None:
        """Check that the names of the run are free, or those of files of earlier runs."""
        for name in (LOG, PROGRESS):
            if resume and (self.path / name).is_symlink():
                raise ConfigError(
                    f"{self.path / name} is a link, and a run does not write through links; put "
                    f"the file itself there, or remove the link"
                )
        for name in (*outputs.names(self.loaded), MANIFEST):
            path = self.path / name
            own = self.manifest.present if name == MANIFEST else self._owns(name)
            if resume and self.manifest.owns(name):
                # Damaged ones are only read, and have messages of their own.
                own = own or name in (CONFIG, ENVIRONMENT) or outputs.damaged(path)
            if os.path.lexists(path) and not own:
                raise ConfigError(
                    f"{path} is in the way: the run writes a file of this name, and no run has "
                    f"written the one that is there; move it, or choose another folder with -o"
                )

    def _owns(self, name: str) -> bool:
        path = self.path / name
        listed = self.manifest.present or name in outputs.WITHIN
        return self.manifest.owns(name) and outputs.recognised(path, listed)

    def _recognise(self) -> None:
        """List what a version without lists has written, as far as it can be told."""
        names = [n for n in outputs.everything() if outputs.recognised(self.path / n, False)]
        folders = [n for n in outputs.WITHIN if outputs.own_folder(self.path / n)]
        self.manifest.names |= dict.fromkeys([*names, *folders])

    def _continue(self) -> None:
        """Make the folder of a run that was stopped ready."""
        self._check_unchanged()
        if not self.manifest.present:
            self.manifest.adopt(())  # what was recognised
            for name in outputs.WITHIN:
                if self.manifest.owns(name):
                    Manifest(self.path / name).adopt(p.name for p in (self.path / name).iterdir())
        self.manifest.settle()
        self._list_logs()

    def _list_logs(self) -> None:
        """List files that may be written before they are asked for, as by `fwi report`."""
        for name in (LOG, PROGRESS, *(n for n in (REPORT,) if not os.path.lexists(self.path / n))):
            self.file(name)

    def decided(self, name: str, value: Any, before: Any = None) -> Any:
        """A decision from the beginning of the run; `value`, if it only begins.

        Parameters
        ----------
        name : str
        value : mapping, list, number or text
            A decision that depends on the machine, and that the result depends on.
        before : mapping, list, number or text, optional
            Decision of runs that were begun by versions without it.

        Returns
        -------
        value : object
        """
        environment = self._environment()
        decisions = environment.setdefault("decided", {})
        if name not in decisions:
            earlier = self.continued and DECIDES not in environment
            decisions[name] = before if earlier and before is not None else value
        elif isinstance(value, list) and len(decisions[name]) < len(value):
            # A run that is extended: what is new is decided now.
            decisions[name] += value[len(decisions[name]) :]
        else:
            return decisions[name]
        self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
        return decisions[name]

    def _environment(self) -> dict[str, Any]:
        return settings.read_environment(self.path / ENVIRONMENT)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Write what is said to the log of the folder as well; afterwards others may work there."""
        handler = LogFile(self.file(LOG), encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            with self.heartbeat.beating(self.file(STATUS)):
                yield
        finally:
            log.removeHandler(handler)
            handler.close()
            try:
                self.manifest.settle()
            finally:
                self._release()

    def step(self, record: Mapping[str, Any]) -> None:
        """Add a line to the progress."""
        with ownership.appending(self.file(PROGRESS)) as file:
            line = json.dumps({"time": round(time.time(), 3), **record})
            file.write(f"{line}\n".encode())

    def rewind(self, done: Callable[[Mapping[str, Any]], bool]) -> None:
        """Take back steps that the state of a killed run does not know, and half a line."""
        path = self.path / PROGRESS
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if _is_done(line, done)]
        remaining = "".join(f"{line}\n" for line in lines)
        if remaining != text:
            self._write(PROGRESS, remaining)

    def _write(self, name: str, text: str) -> None:
        with atomic.replacing(self.file(name)) as new:
            new.write_text(text, encoding="utf-8")

    def _check_unchanged(self) -> None:
        begun, now = settings.read(self.path / CONFIG), settings.without_none(self._settings)
        changed, extended = settings.changes(begun, now, self._allowed)
        if changed:
            rule = f" ({self._rule})" if self._rule else ""
            raise ConfigError(
                f"the config differs from the one that {self.path} was begun with, so the result "
                f"would not be that of one run: {'; '.join(changed)}; undo this{rule}, or begin "
                f"anew with --force or another -o"
            )
        environment, marks = self._environment(), inputs.fingerprints(self._settings)
        for name, mark in marks.items():
            if not inputs.is_same(environment["inputs"].get(name, mark), mark):
                raise ConfigError(
                    f"{name} has changed since the run in {self.path} was begun; put it back, or "
                    f"begin anew with --force or another -o"
                )
        if extended:
            inputs.protect(self.loaded, [self.path / CONFIG])
            environment["inputs"] |= marks
            self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
            self._write(CONFIG, self.resolved())
            self.extended = extended


def _unwritable(folder: Path) -> ExecutionError:
    return ExecutionError(
        f"{folder} cannot be written to: you have no permission, or its file system is read-only; "
        f"choose another folder with -o"
    )


def _is_done(line: str, done: Callable[[Mapping[str, Any]], bool]) -> bool:
    try:
        return done(json.loads(line))
    except ValueError:
        return False
