"""An inversion by the jobs of an array: each process leads it, or runs shots for the leader.

All processes are started with the same command. The first one leads. If the leader ends before the
run does, another process continues the run from its folder, as `--resume` does, with the same bits.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.errors import ConfigError, ExecutionError, FwiError
from fwicli.execution import Executor, Processes
from fwicli.execution.exchange.leader import Leader
from fwicli.execution.exchange.member import Member
from fwicli.execution.exchange.place import Deposed, End, ForeignError, Place
from fwicli.workflows.run_folder import lock, settings
from fwicli.workflows.run_folder.outputs import CONFIG

Summary = dict[str, Any]
# Runs the inversion with an executor; the flag says whether the run was begun before.
Lead = Callable[[Executor, bool], Summary]

FORCE = (
    "with `engine: files` every job of the array would begin the run anew; leave out --force, and "
    "remove the folder or choose another with -o to begin anew"
)

log = logging.getLogger("fwicli")


def run(loaded: Loaded, folder: Path, workers: int, force: bool, lead: Lead) -> Summary:
    """Take part in an inversion until it has ended.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi invert`.
    folder : Path
        Folder of the run.
    workers : int
        Shots that this process runs at once.
    force : bool
        Whether the run is to be begun anew, which is refused.
    lead : callable
        Runs the inversion, with an executor.

    Returns
    -------
    summary : dict of str to object
        Of the run if this process has led it to its end, else of the shots run here.

    Raises
    ------
    ConfigError
        If another run is at work in the folder, or one with another config or version.
    FwiError
        As the run that this process takes part in.
    """
    if force:
        raise ConfigError(FORCE)
    folder.mkdir(parents=True, exist_ok=True)
    description = {"group": {"code": code(), "settings": _settings(loaded)}}
    place = Place(folder, description, lambda other: _check(folder, description, other))
    # Worker processes also for one shot at once: this process can then leave a slow one to others.
    with closing(Processes(workers)) as executor:
        member = Member(place, executor)
        while True:
            if place.may_lead() and _joined(place) and place.lead():
                summary = _lead(place, Leader(place, executor, workers), folder, lead)
                if summary is not None:
                    return summary
                continue
            place.join()
            try:
                end = member.serve()
            except BaseException:
                place.leave()
                raise
            if end is not None:
                place.leave()
                return _ended(end, folder, member)


def _joined(place: Place) -> bool:
    place.join()
    return True


def _lead(place: Place, leader: Leader, folder: Path, lead: Lead) -> Summary | None:
    """Lead the run to its end; None if another process was faster to take this one for dead."""
    begun = (folder / CONFIG).exists()
    log.info("this process leads the run in %s%s", folder, ", which goes on" if begun else "")
    lock.hold_as_member(folder)
    try:
        summary = lead(leader, begun)
        place.end(End())
    except Deposed:
        log.warning("warning: another process leads the run: it took this one for dead")
        return None
    except Exception as error:
        # The members end with the same error.
        with suppress(OSError, Deposed):
            place.end(End(ForeignError.of(error)))
        raise
    finally:
        lock.release(folder)
        place.step_down()
        place.leave()
    return summary


def _ended(end: End, folder: Path, member: Member) -> Summary:
    """Summary of a member; the error of the run, if it has failed."""
    if end.fault is None:
        return {"result": str(folder), "shots_run_here": member.shots}
    error = end.fault.raised()
    if isinstance(error, FwiError):
        raise error
    raise ExecutionError(
        f"the run in {folder} has failed on {end.fault.host} with "
        f"{type(error).__name__}: {error}; see the log of that job"
    ) from error


def _check(folder: Path, mine: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse to work beside another run, or for one of another config or version."""
    leader = f"process {other.get('process')} on {other.get('host')}"
    group = other.get("group")
    if group is None:
        lock.check_free(folder)
        return
    own = mine["group"]
    if group == own:
        return
    with suppress(lock.BusyError):
        lock.check_free(folder)
        return  # the leader is dead
    if group["code"] != own["code"]:
        raise ConfigError(
            f"{leader}, which leads the run in {folder}, has the code {group['code']}, and this "
            f"process has {own['code']}; install the same version on all nodes"
        )
    changed = [
        f"{key}: {old!r} there, {new!r} here"
        for key, old, new in settings.differences(group["settings"], own["settings"])
    ]
    if changed:
        raise ConfigError(
            f"{leader} leads the run in {folder} with another config: {'; '.join(changed)}; begin "
            f"all jobs of an array with one config, or choose another folder with -o"
        )


def _settings(loaded: Loaded) -> dict[str, Any]:
    """Settings that the result depends on."""
    everything = settings.without_none(json.loads(loaded.config.model_dump_json()))
    return {name: value for name, value in everything.items() if name not in settings.FREE}


@cache
def code() -> str:
    """Version of the program, and a digest of its source."""
    source = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*.py")):
        digest.update(path.relative_to(source).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{metadata.version('fwicli')} ({digest.hexdigest()[:12]})"
