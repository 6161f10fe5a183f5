"""The node that a job runs on, compared with the needs of the run: checked before it begins."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.disk import cache
from fwicli.execution import available, cores
from fwicli.propagators.kernels import toolchain
from fwicli.workflows.run_folder.job_record import JobRecord

# Memory that the system itself may take of a node [share].
OWN = 0.1


@dataclass(frozen=True)
class Finding:
    """One thing that was checked on a node.

    Attributes
    ----------
    name, value : str
    problem : str
        Why the value does not do, and what to do; empty if it does.
    fatal : bool
        Whether a run cannot go on with it.
    """

    name: str
    value: str
    problem: str = ""
    fatal: bool = True

    def summary(self) -> dict[str, Any]:
        """Plain values by name."""
        return asdict(self)


def findings(record: JobRecord, folder: Path, kernel: bool = False) -> list[Finding]:
    """Check this node.

    Parameters
    ----------
    record : JobRecord
        Of the job.
    folder : Path
        Of the run.
    kernel : bool
        Whether a small kernel is compiled and run, too, which takes some seconds.

    Returns
    -------
    findings : list of Finding
    """
    checks = [_host(), *_program(record), *_folders(record, folder), *_resources(record)]
    return [*checks, *(_kernel() if kernel else _compiler())]


def _host() -> Finding:
    return Finding("host", f"{socket.gethostname()}, {platform.machine()}")


def _program(record: JobRecord) -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()}, {sys.executable}")
    version = metadata.version("fwicli")
    differs = (
        f"the job was submitted by fwi {record.version}, and this node runs {version}; let "
        f"`environment` of the site name the environment that you submit from"
    )
    yield Finding("fwi", version, "" if version == record.version else differs)


def _folders(record: JobRecord, folder: Path) -> Iterator[Finding]:
    problem = _unwritable(folder)
    if problem:
        problem = (
            f"{folder} cannot be written from this node ({problem}); choose a folder with -o that "
            f"all nodes see"
        )
    yield Finding("run folder", str(folder), problem)
    scratch = Path(tempfile.gettempdir())
    free = shutil.disk_usage(scratch).free
    problem = _unwritable(scratch)
    if problem:
        problem = f"temporary files cannot be written to {scratch} ({problem}); set `scratch`"
    elif record.scratch is not None and str(scratch) in ("/tmp", "/var/tmp", "/usr/tmp"):
        problem = f"`scratch: {record.scratch}` is not used: it cannot be written on this node"
    yield Finding("scratch", f"{scratch}, {free / 1e9:.4g} GB free", problem)
    places = cache.places()
    problem = "" if places.writable else "compiled kernels cannot be kept; set FWI_CACHE"
    yield Finding("kernel cache", str(next(iter(places.writable), "none")), problem, fatal=False)


def _unwritable(folder: Path) -> str:
    """Why a file cannot be written into a folder; empty if it can."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".fwi-") as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _resources(record: JobRecord) -> Iterator[Finding]:
    count = cores()
    fewer = (
        f"the site asks for {record.cores} cores, and the job has {count}; see to `cores` and "
        f"`directives` of the site"
    )
    yield Finding("cores", str(count), fewer if count < record.cores else "", fatal=False)
    memory, least = available(), (record.memory or 0.0) * (1 - OWN)
    less = (
        f"the site asks for {(record.memory or 0) / 1e9:.4g} GB, and the job has "
        f"{memory / 1e9:.4g} GB; see to `memory` and `directives` of the site"
    )
    yield Finding("memory", f"{memory / 1e9:.4g} GB", less if memory < least else "", fatal=False)


def _compiler() -> Iterator[Finding]:
    """The compiler, tried on a line of C."""
    trouble = toolchain.trouble()
    if trouble is not None:
        places = cache.places()
        compiled = any(place.is_dir() and any(place.iterdir()) for place in places.readable)
        # Kernels that were compiled elsewhere may be all that the run needs.
        yield Finding("compiler", "none that works", trouble, fatal=not compiled)
        return
    command = toolchain.compiler(trial=True).command
    yield Finding("compiler", toolchain.version(command) or command[0])


def _kernel() -> Iterator[Finding]:
    """The compiler, and waves on a few points by a kernel that it makes."""
    checked = list(_compiler())
    yield from checked
    if checked[0].problem:
        return
    try:
        peak = _waves()
    except Exception as error:
        problem = f"a small kernel does not run: {type(error).__name__}: {error}"
        yield Finding("kernel", "fails", problem)
        return
    good = np.isfinite(peak) and peak > 0
    problem = "" if good else "a small kernel computes nonsense; try another compiler by CC"
    yield Finding("kernel", f"runs, largest pressure {peak:.4g} Pa", problem)


def _waves() -> float:
    """Largest pressure that a small model records [Pa]."""
    from fwicli.propagators.absorbing import AbsorbingLayer  # late: Devito
    from fwicli.propagators.discretization import Discretization
    from fwicli.propagators.propagator import Propagator
    from fwicli.propagators.sampling.stability import time_axis
    from fwicli.survey.grid import Grid

    grid = Grid((21, 21), (10.0, 10.0), (0.0, 0.0))
    axis = time_axis(0.002, 40, 2000.0, grid.spacing, 8)
    propagator = Propagator(Discretization("acoustic", grid, axis, AbsorbingLayer(5, 2000.0, 20.0)))
    slowness = np.full(grid.shape, 2000.0**-2)
    wavelet = np.sin(np.linspace(0, np.pi, 40))[None]
    gather = propagator.forward(
        {"m": slowness}, wavelet, np.array([[100.0, 50.0]]), np.array([[100.0, 150.0]])
    )
    return float(np.abs(gather).max())
