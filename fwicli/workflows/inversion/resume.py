"""Rule of how the config of an inversion may change when it is continued: it may be extended.

The result has to be that of one run which was begun with the new config. Stages that were begun
stay as they are, but for the number of iterations of the last of them, which may be any that is
not done yet; so may those of the stages to come, and stages may be added behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwicli.workflows.inversion.state import InversionState

ITERATIONS = re.compile(r"inversion\.stages\.(\d+)\.iterations")
STAGE = re.compile(r"inversion\.stages\.(\d+)")
RULE = (
    "what may change are the iterations of the stage that was begun last, down to those which are "
    "done, and of stages after it, and stages that are added at the end"
)


@dataclass(frozen=True)
class ResumeRule:
    """How far an inversion has come, which cannot be changed.

    Parameters
    ----------
    stage : int
        The last that was begun, from 0; -1 for none.
    iterations : int
        Those done in it.
    """

    stage: int = -1
    iterations: int = 0

    @classmethod
    def read(cls, path: Path) -> ResumeRule:
        """From the state of a run, if it has one yet."""
        if not path.exists():
            return cls()
        run_state = InversionState.read(path)
        return cls(run_state.stage, 0 if run_state.state is None else run_state.state.iteration)

    def allows(self, key: str, old: Any, new: Any) -> bool:
        """Whether a value may change; one that was not there, or is no more, is None.

        Parameters
        ----------
        key : str
            Of the config, joined by dots.
        old, new : object
            None for a value that is absent.

        Returns
        -------
        allowed : bool
        """
        added = STAGE.fullmatch(key)
        if added is not None:
            return old is None
        match = ITERATIONS.fullmatch(key)
        if match is None or not isinstance(new, int):
            return False
        number = int(match[1])
        return number > self.stage or (number == self.stage and new >= self.iterations)
