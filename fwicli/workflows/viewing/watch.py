"""Life as a watch sees it: a counter that grows, by the clock of the watch alone."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fwicli.workflows.run_folder.status import RUNNING, SILENCE
from fwicli.workflows.viewing.status import DEAD, QUIET, RunReport


class Watch:
    """Signs of life of runs that are looked at again and again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, float]] = {}

    def look(self, reports: Sequence[RunReport]) -> None:
        """Correct reports by when their counters last grew.

        Parameters
        ----------
        reports : sequence of RunReport
            Of the same runs each time.
        """
        now = time.monotonic()
        for report in reports:
            beat, since = self._last.get(report.folder, (-1, now))
            if report.beat != beat:
                grown = beat >= 0
                self._last[report.folder] = report.beat, now
                if grown and report.state == DEAD and report.silent_seconds is not None:
                    # Clocks are apart: the run is alive.
                    report.state, report.error, report.notes = RUNNING, "", []
            elif report.state == RUNNING and report.silent_seconds is not None:
                _judge(report, now - since)


def _judge(report: RunReport, silent: float) -> None:
    """Say how long a watch has seen no sign of life."""
    if silent > QUIET:
        report.notes = [f"no sign of life for {silent:.0f} s of this watch"]
    if silent > SILENCE:
        report.state, report.error = DEAD, f"no sign of life from {report.host} while watched"
