"""The script of a batch job: directives, set-up of the node, and `fwi job` in the end.

The shell is replaced by `fwi job`, which thus receives the signals that the batch system sends to
the script alone. Every start of the job, the first or a later one, is the same command.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from fwicli.config.site import SiteSection, seconds
from fwicli.execution.schedulers.scheduler import JobRequest, Scheduler
from fwicli.workflows.assembly import sites
from fwicli.workflows.run_folder.outputs import WRITTEN

# Variables of the submission that a job needs as well.
HANDED_ON = ("FWI_CACHE", sites.VARIABLE)
GIGABYTE = 1e9


def request(site: SiteSection, name: str, log: Path, members: int = 1) -> JobRequest:
    """Resources that a job asks of a site.

    Parameters
    ----------
    site : SiteSection
    name : str
        Of the job, in lists of the batch system.
    log : Path
    members : int
        Of an array.

    Returns
    -------
    request : JobRequest
    """
    return JobRequest(
        name=name,
        log=log.absolute(),
        walltime=seconds(site.walltime),
        notice=site.notice,
        cores=site.cores,
        memory=None if site.memory is None else site.memory * GIGABYTE,
        queue=site.queue,
        account=site.account,
        members=members,
    )


def script(
    scheduler: Scheduler, site: SiteSection, job: JobRequest, arguments: tuple[str, ...]
) -> str:
    """Text of a script.

    Parameters
    ----------
    scheduler : Scheduler
    site : SiteSection
    job : JobRequest
    arguments : tuple of str
        Of `fwi`, at the end of the script.

    Returns
    -------
    text : str
    """
    program = _program(site)
    command = " ".join([program, *map(shlex.quote, arguments)])
    missing = shlex.quote(
        f"fwi: on this node `{program}` does not start; see to `modules`, `environment` and "
        f"`setup` of the site"
    )
    lines = [
        # Modules are functions of a shell that someone logs in with.
        "#!/bin/bash -l" if site.modules else "#!/bin/bash",
        f"# {WRITTEN} {metadata.version('fwicli')}; `fwi submit` writes it anew",
        *(f"{scheduler.mark} {option}" for option in scheduler.options(job)),
        *(f"{scheduler.mark} {option}" for option in site.directives),
        *([] if scheduler.logs else [f"exec >>{scheduler.log_of(job)} 2>&1"]),
        f"cd {shlex.quote(str(Path.cwd()))} || exit 4",
        *_handed_on(os.environ),
        *sites.prologue(site),
        f"{program} --version >/dev/null || {{ echo {missing} >&2; exit 4; }}",
        f"exec {command}",
    ]
    return "\n".join(lines) + "\n"


def _handed_on(environment: Mapping[str, str]) -> list[str]:
    stated = {name: environment[name] for name in HANDED_ON if environment.get(name)}
    return [
        f"export {name}={shlex.quote(str(Path(value).absolute()))}"
        for name, value in stated.items()
    ]


def _program(site: SiteSection) -> str:
    """How fwi is called: that of the site's environment, or the one that runs now."""
    if site.environment is not None:
        return "python -m fwicli"
    return f"{shlex.quote(sys.executable)} -m fwicli"
