"""Runs that go from iterate to iterate, in one process or in the jobs of an array.

In one process, the run has the executor of its config. In an array, each process leads the run or
runs shots for the one that leads (see `membership`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.execution import Executor
from fwicli.workflows.assembly import executors
from fwicli.workflows.planning.costs import forecast
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.log_file import worker_output
from fwicli.workflows.run_folder.progress import Progress, Silent

Summary = dict[str, Any]


@dataclass(frozen=True)
class Destination:
    """Folder of a run, and what happens to a run that is there.

    Parameters
    ----------
    folder : Path
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    """

    folder: Path
    resume: bool = False
    force: bool = False


@dataclass(frozen=True)
class IterativeRun:
    """A kind of run.

    Parameters
    ----------
    folder : callable
        From (loaded, path, whether a run is continued) to its folder, which is not open yet.
    iterate : callable
        From (plan, loaded, folder, executor, progress) to the summary of the run.
    continued : callable, optional
        From (loaded, path) to the config of a run that is continued; by default that of now.
    """

    folder: Callable[[Loaded, Path, bool], RunFolder]
    iterate: Callable[[Plan, Loaded, RunFolder, Executor, Progress], Summary]
    continued: Callable[[Loaded, Path], Loaded] = lambda loaded, _: loaded

    def run(self, loaded: Loaded, place: Destination, progress: Progress | None) -> Summary:
        """Run it by the engine of its config.

        Parameters
        ----------
        loaded : Loaded
        place : Destination
        progress : Progress or None

        Returns
        -------
        summary : dict of str to object
        """
        folder, progress = place.folder, progress or Silent()
        execution = loaded.config.execution
        if execution.engine == "files":
            return self._in_array(loaded, place, progress)
        loaded = self.continued(loaded, folder) if place.resume else loaded
        plan = make_plan(loaded)
        with (
            self._opened(plan, loaded, place) as opened,
            executors.start(
                execution, plan.workers, partial(worker_output, opened.file)
            ) as executor,
        ):
            return self.iterate(plan, loaded, opened, executor, progress)

    def _in_array(self, loaded: Loaded, place: Destination, progress: Progress) -> Summary:
        """Lead the run, or run shots for the process that leads."""
        from fwicli.workflows.inversion import membership  # late: other runs do without

        first = self.continued(loaded, place.folder)

        def lead(executor: Executor, begun: bool) -> Summary:
            own = self.continued(loaded, place.folder) if begun else first
            plan = make_plan(own)
            with self._opened(plan, own, Destination(place.folder, resume=begun)) as opened:
                return self.iterate(plan, own, opened, executor, progress)

        return membership.run(first, place.folder, make_plan(first).workers, place.force, lead)

    @contextmanager
    def _opened(self, plan: Plan, loaded: Loaded, place: Destination) -> Iterator[RunFolder]:
        """The folder of a run, which writes its log there."""
        run_folder = self.folder(loaded, place.folder, place.resume)
        run_folder.open(place.resume, place.force)
        plan.agree(run_folder)
        forecast.note(plan, loaded, run_folder)
        with run_folder.logging():
            yield run_folder
