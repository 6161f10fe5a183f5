"""A site: the cluster that batch jobs are submitted to, and what they ask of it.

Sites are a user's own, and the same for all configs: they are read from one file (see `sites`).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fwicli.config.values import Count, Positive, Section

SCHEDULERS = ("slurm", "pbs", "lsf", "sge")
# Hours, minutes and seconds, and days before them.
WALLTIME = re.compile(r"(?:(\d{1,3})-)?(\d{1,3}):([0-5]\d):([0-5]\d)")
# Beginnings of the lines of a script that a scheduler reads.
MARKS = ("#SBATCH", "#PBS", "#BSUB", "#$")


def seconds(walltime: str) -> int:
    """Length of a walltime such as `12:00:00` or `1-12:00:00` [s].

    Raises
    ------
    ValueError
        If it is no walltime, or none at all.
    """
    match = WALLTIME.fullmatch(walltime)
    if match is None:
        raise ValueError("must be hours, minutes and seconds, as in 12:00:00 or 2-00:00:00")
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    length = ((24 * days + hours) * 60 + minutes) * 60 + rest
    if length == 0:
        raise ValueError("must be longer than 0 s")
    return length


def _walltime(value: str) -> str:
    seconds(value)
    return value


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text that can be printed")
    return value


def _directive(value: str) -> str:
    if value.startswith("#"):
        raise ValueError(f"leave out {', '.join(MARKS)}: it is put before the line")
    return _line(value)


Line = Annotated[str, AfterValidator(_line)]
Walltime = Annotated[str, AfterValidator(_walltime)]
Directive = Annotated[str, AfterValidator(_directive)]


class SiteSection(Section):
    """A cluster, and what a job asks of it."""

    scheduler: Literal["slurm", "pbs", "lsf", "sge"]
    """This batch system takes the jobs."""
    queue: Line | None = None
    """Jobs wait in this queue, which SLURM calls a partition; by default that of the site."""
    account: Line | None = None
    """Jobs are charged to this account or project."""
    walltime: Walltime = "01:00:00"
    """A job ends after this time, as in 12:00:00 or 2-00:00:00."""
    notice: Annotated[Count, Field(ge=10)] = 120
    """A run saves and ends before its walltime does, by this time [s]."""
    cores: Count = 1
    """A job gets this number of cores on one node."""
    memory: Positive | None = None
    """A job gets this memory on a node; by default that of the site [GB]."""
    modules: list[Line] = Field(default=[])
    """These modules are loaded first, as by `module load`."""
    environment: Line | None = None
    """This virtual environment, which holds fwi, is activated; by default that of the command."""
    setup: list[Line] = Field(default=[])
    """These lines of shell run before fwi, after modules and environment."""
    scratch: Line | None = None
    """Temporary files go into this folder, as `$SCRATCH`; by default into `TMPDIR` of the node."""
    directives: list[Directive] = Field(default=[])
    """These options of the batch system are added to the script, as `--constraint=milan`."""

    @model_validator(mode="after")
    def _agree(self) -> SiteSection:
        if self.notice >= seconds(self.walltime):
            raise ValueError(
                f"`notice` of {self.notice} s is not shorter than `walltime` of {self.walltime}, "
                f"so that no run would begin; lower `notice`, or raise `walltime`"
            )
        return self
