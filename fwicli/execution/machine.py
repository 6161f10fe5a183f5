"""Cores and memory that this machine offers a run, within the limits of control groups."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
# Size from which arrays have pages of their own [bytes], and glibc's number of this option.
LARGE, MMAP_THRESHOLD = 1 << 20, -3
MEMBERSHIP = Path("/proc/self/cgroup")
# Variables that tell the cores of a batch job on this node, by a variable that its jobs have.
ALLOCATED = {
    "SLURM_JOB_ID": "SLURM_CPUS_ON_NODE",
    "PBS_JOBID": "NCPUS",
    "LSB_JOBID": "LSB_DJOB_NUMPROC",
    "SGE_TASK_ID": "NSLOTS",
}


def cores() -> int:
    """Cores that this process may use: those of its affinity, or fewer by a quota of CPU time.

    In a batch job they are at most those that the job was allocated.
    """
    if hasattr(os, "sched_getaffinity"):
        bound = len(os.sched_getaffinity(0))
    else:
        bound = os.cpu_count() or 1
    return max(1, int(min(bound, _quota(), _allocated())))


def processor() -> str:
    """Name of the processor, as its maker gives it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def available() -> int:
    """Memory of this machine, or the limit of the control group of this process [bytes].

    In a job of SLURM it is at most what the job was allocated on this node.
    """
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")]
    if os.environ.get("SLURM_JOB_ID"):
        text = os.environ.get("SLURM_MEM_PER_NODE", "")
        limits += [int(text) * 2**20] if text.isdecimal() else []
    for name in ("memory.max", "memory.limit_in_bytes"):
        limits += [_number(group / name) for group in _groups("memory")]
    return min(limit for limit in limits if limit > 0)


def killed_for_memory() -> int | None:
    """Number of processes that the kernel has killed for lack of memory so far; None if unknown.

    It counts the control group of this process, or the machine if there is no group.
    """
    for group in _groups("memory"):
        for name in ("memory.events", "memory.oom_control"):
            with suppress(OSError, ValueError):
                return _entry(group / name, "oom_kill")
    with suppress(OSError, ValueError):
        return _entry(Path("/proc/vmstat"), "oom_kill")
    return None


def peak_memory() -> int:
    """Largest memory of this process and its workers on this machine so far [bytes].

    The sum of their peaks, in which shared pages count once; workers that have ended count no more.
    It is 0 where the kernel does not tell it.
    """
    program, total, waiting = _program(os.getpid()), 0, [os.getpid()]
    while waiting:
        process = waiting.pop()
        with suppress(OSError, ValueError):
            if _program(process) == program:  # not compilers
                total += 1024 * _kilobytes(process)
                waiting += _children(process)
    return total


def return_memory() -> None:
    """Return the memory of large arrays to the system as soon as they are freed.

    By default, the C library adapts to the largest freed array. It keeps up to 32 MB each for later
    use, and a process holds more memory than it uses.
    """
    with suppress(OSError, AttributeError):
        import ctypes  # late: a check does not need it

        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)


def _program(process: int) -> str:
    """File that a process runs; empty if it is not known."""
    with suppress(OSError):
        return str(Path(f"/proc/{process}/exe").readlink())
    return ""


def _kilobytes(process: int) -> int:
    """Peak of the memory of a process [kB]: its present share, and what it has freed since."""
    folder = Path(f"/proc/{process}")
    share = _entry(folder / "smaps_rollup", "Pss:")
    return share + _entry(folder / "status", "VmHWM:") - _entry(folder / "status", "VmRSS:")


def _children(process: int) -> list[int]:
    """Numbers of the processes that a process has started."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(number) for path in lists for number in path.read_text().split()]


def _allocated() -> float:
    """Cores of the batch job that this process belongs to; infinite outside of one."""
    texts = [os.environ.get(v, "") for job, v in ALLOCATED.items() if os.environ.get(job)]
    return min((float(text) for text in texts if text.isdecimal() and int(text)), default=math.inf)


def _quota() -> float:
    """Cores that the CPU quota of the control groups corresponds to; infinite without a quota."""
    quota = math.inf
    for group in _groups("cpu"):
        with suppress(OSError, ValueError):
            runtime, period = (group / "cpu.max").read_text().split()
            if runtime != "max":
                quota = min(quota, float(runtime) / float(period))
        runtime_us = _number(group / "cpu.cfs_quota_us")
        period_us = _number(group / "cpu.cfs_period_us")
        if runtime_us > 0 and period_us > 0:
            quota = min(quota, runtime_us / period_us)
    return quota


def _groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups of this process, innermost first, for one resource.

    In a container, the group may have its outside name, for which no folder exists; the mounted
    root is then the group of the container.
    """
    with suppress(OSError, ValueError):
        for line in MEMBERSHIP.read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            named = controllers.split(",")
            if controllers and controller not in named:
                continue
            for root in [GROUPS / controllers, GROUPS / controller] if controllers else [GROUPS]:
                if root.is_dir():
                    group = root / name.lstrip("/")
                    yield from (g for g in (group, *group.parents) if _inside(g, root))
                    break


def _inside(group: Path, root: Path) -> bool:
    return group == root or root in group.parents


def _number(path: Path) -> int:
    """The number in a file of a control group; 0 if there is none."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return 0


def _entry(path: Path, name: str) -> int:
    """A named number in a file of the kernel."""
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == [name]:
            return int(words[1])
    raise ValueError(f"{path} does not say {name}")
