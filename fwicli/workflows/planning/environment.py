"""Needs of a run that the machine must meet, checked before it: compiler, folders, room, cores."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.disk import cache, ownership
from fwicli.errors import CompilerError, TrustError
from fwicli.execution import cores
from fwicli.propagators import history
from fwicli.propagators.kernels import toolchain
from fwicli.workflows.planning.costs import forecast, grid_errors
from fwicli.workflows.planning.nodes import Nodes
from fwicli.workflows.planning.plan import Plan, make_plan

# Room that any run needs for temporary files [bytes].
LEAST = 32e6


def examined(loaded: Loaded, folder: Path, nodes: Nodes | None = None) -> Plan:
    """The plan of a run with the state of the machine, and warnings where that falls short.

    Parameters
    ----------
    loaded : Loaded
    folder : Path
        Where the run would write.
    nodes : Nodes, optional
        That the run is to have; by default this machine.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ProblemsError
        With everything that makes the run impossible anywhere.
    """
    planned = make_plan(loaded, nodes)
    warnings: list[str] = []
    planned.environment = {
        "cores": cores(),
        **_compiler(planned, loaded, warnings),
        **_temporary(planned, warnings),
        **_output(planned, folder, warnings),
    }
    threads = planned.workers * planned.stages[0].threads
    if threads > cores() and nodes is None:
        warnings.append(
            f"{planned.workers} x {planned.stages[0].threads} threads of the workers share "
            f"{cores()} cores, as this process may use no more; lower `execution.workers` or "
            f"`execution.threads`"
        )
    planned.warnings += [*warnings, *grid_errors.warnings(planned)]
    planned.costs = forecast.summary(planned, loaded)
    return planned


def _compiler(planned: Plan, loaded: Loaded, warnings: list[str]) -> dict[str, Any]:
    """The compiler, and where kernels are folders."""
    trouble = toolchain.trouble()
    if trouble is not None and not _all_compiled(planned, loaded):
        warnings.append(trouble)
    folders = cache.places()
    warnings += folders.refused
    if not folders.writable:
        warnings.append(
            "compiled kernels cannot be kept: set FWI_CACHE to a folder that you can write"
        )
    section: dict[str, Any] = {"compiler": "none that works"}
    with suppress(CompilerError):
        chosen = toolchain.compiler(trial=True)
        if trouble is None:
            section["compiler"] = toolchain.version(chosen.command) or chosen.command[0]
        if chosen.ignored:
            section["flags_not_used"] = " ".join(chosen.ignored)
    return section | {"kernel_cache": str(next(iter(folders.writable), "none"))}


def _all_compiled(planned: Plan, loaded: Loaded) -> bool:
    """Whether no kernel of a run has to be compiled."""
    for number, stage in enumerate(planned.stages):
        kernels = (
            *planned.verb.kernels(loaded.config, number),
            planned.acquisition.components_of_shots,
        )
        if stage.discretization().missing_kernels(*kernels):
            return False
    return True


def _temporary(planned: Plan, warnings: list[str]) -> dict[str, Any]:
    """The folder for temporary files, which long histories go to."""
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:
        warnings.append("there is no folder for temporary files; set TMPDIR to one with room")
        return {"temporary_folder": "none"}
    chosen = os.environ.get("TMPDIR")
    if chosen and Path(chosen).absolute() != folder.absolute():
        warnings.append(
            f"TMPDIR={chosen} cannot be written, or is full; {folder} is used in its place"
        )
    needed = LEAST + planned.at_once * max(
        (
            history.snapshots(s.steps, s.history_step) * s.demand().snapshot
            for s in planned.stages
            if s.history.kind == "disk"
        ),
        default=0,
    )
    return {"temporary_folder": str(folder)} | _room(
        folder, needed, "temporary", "set TMPDIR to a folder with more", warnings
    )


def _output(planned: Plan, folder: Path, warnings: list[str]) -> dict[str, Any]:
    """The folder of the run: whether it can be written, and takes the results."""
    above = folder.absolute()
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        warnings.append(
            f"{above} cannot be written, so that the run cannot write to {folder}; choose another "
            f"folder with -o"
        )
    try:
        ownership.check_folder(folder)
    except TrustError as error:
        warnings.append(str(error))
    if above.is_dir() and not _locks(above):
        warnings.append(
            f"the file system of {above} has no locks: do not start two runs in one folder"
        )
    advice = "choose a folder with more with -o"
    return {"output_folder": str(folder)} | _room(
        above, planned.verb.output_bytes(planned), "output", advice, warnings
    )


def _room(
    folder: Path, needed: float, name: str, advice: str, warnings: list[str]
) -> dict[str, Any]:
    """Room on the disk of a folder; a warning if it is too small."""
    try:
        total, _, free = shutil.disk_usage(folder)
    except OSError:
        return {}
    if not total:  # some file systems do not tell
        return {}
    if needed > free:
        warnings.append(
            f"{folder} has {free / 1e6:.0f} MB of room, and the run needs about "
            f"{needed / 1e6:.0f} MB of {name} files; {advice}"
        )
    return {f"{name}_free_mb": round(free / 1e6), f"{name}_needed_mb": round(needed / 1e6, 1)}


def _locks(folder: Path) -> bool:
    """Whether the file system of a folder knows locks."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
        finally:
            os.close(descriptor)
    return True
