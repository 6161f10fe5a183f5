"""Part of `speed_beside_deepwave.py`: seconds and peak memory of one operator in a process.

The process prepares, runs once to compile, load and touch what it needs, and then runs when it is
told to; others may run before and after it, or at the same time. Its memory is the largest that was
resident, less what was resident after the imports.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from timed_operators import CODES, Problem

# Modules that a code needs; imported before memory counts.
MODULES = {
    "fwi": ["fwicli.propagators.propagator"],
    "Deepwave": ["deepwave"],
    "Devito": ["examples.seismic.acoustic"],
    "C": [],
}


class Contestant:
    """The parent's side of such a process, as a context."""

    def __init__(self, code: str, operator: str, problem: Problem) -> None:
        self.name = f"{code} {operator}"
        self.problem = problem
        task = {"code": code, "operator": operator, "shape": problem.shape, "steps": problem.steps}
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps({**task, "threads": problem.threads})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # OpenMP reads this once, when it is loaded.
            env={**os.environ, "OMP_NUM_THREADS": str(problem.threads)},
        )
        self.base = self.answer()["base"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def run(self) -> float:
        """Seconds of a run."""
        self.start()
        return float(self.answer()["seconds"])

    def memory(self) -> float:
        """Peak resident memory, less that of the imports [bytes]."""
        self._tell("memory")
        return float(self.answer()["peak"]) - self.base

    def start(self) -> None:
        """Begin a run without waiting for its end."""
        self._tell("run")

    def answer(self) -> dict[str, Any]:
        """Wait for what the process answers."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} on {self.problem.shape} has ended early")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


def resident(which: str) -> float:
    """Resident memory of this process, now (VmRSS) or at most (VmHWM) [bytes]."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [x for x in status.read_text().splitlines() if x.startswith(which)]
        return 1024.0 * float(line.split()[1])
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def say(**values: float) -> None:
    """Answer the parent."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    """The child's side: prepare, then answer until there are no more questions."""
    task = json.loads(sys.argv[1])
    for module in MODULES[task["code"]]:
        __import__(module)
    base = resident("VmRSS")
    problem = Problem(tuple(task["shape"]), task["steps"], task["threads"])
    make = CODES[task["code"]]
    if task["code"] == "Deepwave":
        # It keeps nothing from run to run: a small problem loads what it needs.
        make(Problem((24,) * len(problem.shape), 4, problem.threads), task["operator"])()
    run = make(problem, task["operator"])
    if task["code"] != "Deepwave":
        run()
    say(base=base)
    for line in sys.stdin:
        if line.strip() == "memory":
            say(peak=resident("VmHWM"))
            continue
        started = time.perf_counter()
        run()
        say(seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
