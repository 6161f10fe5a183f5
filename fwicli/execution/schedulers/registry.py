"""Batch systems by the name that a site gives them."""

from __future__ import annotations

from fwicli.execution.schedulers.lsf import Lsf
from fwicli.execution.schedulers.pbs import Pbs
from fwicli.execution.schedulers.scheduler import Scheduler
from fwicli.execution.schedulers.sge import GridEngine
from fwicli.execution.schedulers.slurm import Slurm

SCHEDULERS: dict[str, Scheduler] = {s.name: s for s in (Slurm(), Pbs(), Lsf(), GridEngine())}
