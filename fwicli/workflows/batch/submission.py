"""`fwi submit`: a run as a batch job that goes on by itself until the run is done."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from fwicli.config.loader import Loaded
from fwicli.config.site import SiteSection, seconds
from fwicli.config.sites import START
from fwicli.errors import ConfigError
from fwicli.execution.schedulers.registry import SCHEDULERS
from fwicli.workflows.assembly import sites
from fwicli.workflows.batch import array, script
from fwicli.workflows.inversion import branches
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder import job_record, outputs, submission
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.job_record import JobRecord
from fwicli.workflows.run_folder.names import SUBMITTED
from fwicli.workflows.run_folder.parts import PARTS


@dataclass(frozen=True)
class Submission:
    """A job that can be submitted.

    Attributes
    ----------
    loaded : Loaded
    folder : Path
        Of the run.
    record : JobRecord
    members : tuple of JobRecord
        Of an array; empty for a single job.
    scripts : dict of str to str
        Texts of the scripts by their names.
    warnings : tuple of str
        Of the plan of the run.
    """

    loaded: Loaded
    folder: Path
    record: JobRecord
    members: tuple[JobRecord, ...]
    scripts: dict[str, str]
    warnings: tuple[str, ...]

    @property
    def script(self) -> str:
        """Text of the script that is submitted."""
        return self.scripts[job_record.SCRIPT]

    def submit(self, resume: bool = False, force: bool = False) -> JobRecord:
        """Write the files of the job into the folder of the run, and submit it.

        Parameters
        ----------
        resume, force : bool
            Continue a run that was stopped, or overwrite it.

        Returns
        -------
        record : JobRecord
            With the number of the job.

        Raises
        ------
        ConfigError
            As for a run, or if there is a job already that waits or runs.
        ExecutionError
            If the batch system does not take the job.
        """
        scheduler = SCHEDULERS[self.record.scheduler]
        path = self.folder / job_record.RECORD
        _check_no_other(self.folder)
        array.check(self.folder, self.members, resume, force)
        run_folder = RunFolder(self.folder, self.loaded, beside=(PARTS,) if resume else ())
        files = {job_record.CONFIG: run_folder.resolved(), **self.scripts}
        submission.place(run_folder, resume, force, files, self._others())
        if self.loaded.start is not None:
            branches.submit(self.loaded, self.folder / SUBMITTED)
        # The job may begin before the number is told: it finds a record in any case.
        now = round(time.time(), 3)
        record = replace(self.record, submitted=now)
        record.write(path)
        for number, member in enumerate(self.members, 1):
            replace(member, submitted=now).write(self.folder / job_record.name(number))
        job = scheduler.submit(self.folder / job_record.SCRIPT)
        begun = job_record.read(path)
        if not begun.attempts:
            replace(begun, job=job).write(path)
        return replace(record, job=job)

    def _others(self) -> tuple[str, ...]:
        """Files of the job that it writes itself."""
        members = range(1, len(self.members) + 1)
        kinds = [job_record.RECORD, job_record.LOG]
        kinds += [job_record.SCRIPT] if array.PATTERN in self.scripts else []
        names = [job_record.name(member, kind) for member in members for kind in kinds]
        branch = () if self.loaded.start is None else (SUBMITTED,)
        return (job_record.RECORD, job_record.LOG, *names, *branch)


def prepare(loaded: Loaded, folder: Path, site: str | None, members: int = 1) -> Submission:
    """Check the config of a run, and describe its job.

    Parameters
    ----------
    loaded : Loaded
    folder : Path
        Of the run.
    site : str, optional
        Name of the site; by default `execution.site`, or the only one there is.
    members : int
        Jobs of an array; 1 for a single job.

    Returns
    -------
    submission : Submission

    Raises
    ------
    ConfigError
        If there is no such site, or if there are more members than shots.
    ProblemsError
        If the run is impossible.
    """
    name, section = chosen_site(site or loaded.config.execution.site)
    folder = folder.absolute()
    plan = make_plan(loaded)
    record = record_of(name, section, loaded.kind)
    of_members: list[JobRecord] = []
    if members > 1:
        of_members = array.members(record, members, plan.acquisition.shots)
        record = replace(record, members=members)
    scripts = _scripts(section, folder, members)
    return Submission(loaded, folder, record, tuple(of_members), scripts, tuple(plan.warnings))


def _scripts(site: SiteSection, folder: Path, members: int) -> dict[str, str]:
    """Texts of scripts by their names: of the job, and of one member of an array alone.

    A member that goes on is submitted by itself where its batch system requeues no jobs, or where
    a site forbids it.
    """
    scheduler, arguments = SCHEDULERS[site.scheduler], ("job", str(folder))
    job = script.request(site, job_name(folder), folder / job_record.LOG, members)
    texts = {job_record.SCRIPT: script.script(scheduler, site, job, arguments)}
    if members > 1:
        job = replace(job, log=folder / array.MARKS[1], members=1)
        text = script.script(scheduler, site, job, (*arguments, "--member", "0"))
        texts[array.PATTERN] = text
    return texts


def record_of(name: str, site: SiteSection, kind: str) -> JobRecord:
    """Record of a job that is going to be submitted.

    Parameters
    ----------
    name : str
        Of the site.
    site : SiteSection
    kind : str
        Command that the job runs.

    Returns
    -------
    record : JobRecord
    """
    return JobRecord(
        scheduler=site.scheduler,
        site=name,
        kind=kind,
        version=metadata.version("fwicli"),
        walltime=seconds(site.walltime),
        notice=site.notice,
        cores=site.cores,
        memory=None if site.memory is None else site.memory * script.GIGABYTE,
        scratch=site.scratch,
    )


def chosen_site(name: str | None) -> tuple[str, SiteSection]:
    """Name and section of a site; of the only one, if none is named.

    Raises
    ------
    ConfigError
        If there is none, or several and none is named.
    """
    known_sites = sites.all_sites()
    if name is not None:
        return name, known_sites.of(name)
    if len(known_sites.sections) == 1:
        return next(iter(known_sites.sections.items()))
    if not known_sites.sections:
        raise ConfigError(f"no cluster is described in {known_sites.file}; {START}")
    raise ConfigError(
        f"{known_sites.file} names {', '.join(known_sites.sections)}; choose one with --site, or "
        f"`execution.site` of the config"
    )


def job_name(folder: Path) -> str:
    """Name of a job in lists of the batch system, with letters that all of them take."""
    return "fwi-" + (re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-") or "run")


def _check_no_other(folder: Path) -> None:
    """Check that no job of the run waits or runs; a member of an array may be a job by itself."""
    states: dict[str, str] = {}
    for path in sorted(folder.glob("job*.json")):
        if not outputs.JOB.fullmatch(path.name) or not path.stat().st_size:
            continue
        record = job_record.read(path)
        if record.state in job_record.ENDS or not record.job or record.job in states:
            continue
        scheduler = SCHEDULERS[record.scheduler]
        state = states[record.job] = scheduler.state(record.job)
        if state != "gone":
            raise ConfigError(
                f"job {record.job} of {folder} is {state} already; wait for it, or cancel it "
                f"first, as by `{scheduler.cancelling} {record.job}`"
            )
