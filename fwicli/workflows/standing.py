"""How far an inversion has come, in memory and on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import hdf5
from fwicli.inversion.lbfgs import State

Array = NDArray[Any]


@dataclass
class Standing:
    """How far an inversion has come: what `--resume` needs to go on bit for bit.

    Attributes
    ----------
    stage : int
        Number of the stage, from 0.
    base : mapping of str to ndarray
        Properties that change, as they were at the beginning of the stage, on the model's grid.
    state : State or None
        Of the optimizer in this stage; None before its first evaluation.
    weight : ndarray or None
        Preconditioner of the stage.
    iterates, simulations : int
        Steps and wave simulations of all stages.
    seconds : float
        Time spent before this process.
    ended : bool
        Whether no step of the stage leads further.
    """

    stage: int
    base: Mapping[str, Array]
    state: State | None = None
    weight: Array | None = None
    iterates: int = 0
    simulations: int = 0
    seconds: float = 0.0
    ended: bool = False

    def write(self, path: Path) -> None:
        """Write it to a file."""
        arrays = {f"base_{name}": values for name, values in self.base.items()}
        numbers: dict[str, Any] = {
            "stage": self.stage,
            "iterates": self.iterates,
            "simulations": self.simulations,
            "seconds": self.seconds,
            "ended": self.ended,
        }
        if self.state is not None:
            arrays |= {"x": self.state.x, "gradient": self.state.gradient}
            if self.state.steps:
                arrays |= {"steps": np.stack(self.state.steps)}
                arrays |= {"changes": np.stack(self.state.changes)}
            numbers |= {
                "value": self.state.value,
                "iteration": self.state.iteration,
                "evaluations": self.state.evaluations,
            }
        if self.weight is not None:
            arrays["weight"] = self.weight
        hdf5.write_state(path, arrays, numbers)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a step of the progress is one of those that led here."""
        iteration = -1 if self.state is None else self.state.iteration
        return (record["stage"], record["iteration"]) <= (self.stage + 1, iteration)

    @classmethod
    def read(cls, path: Path) -> Standing:
        """Read it from a file."""
        arrays, numbers = hdf5.read_state(path)
        state = None
        if "x" in arrays:
            state = State(
                arrays["x"],
                float(numbers["value"]),
                arrays["gradient"],
                tuple(arrays.get("steps", ())),
                tuple(arrays.get("changes", ())),
                int(numbers["iteration"]),
                int(numbers["evaluations"]),
            )
        return cls(
            int(numbers["stage"]),
            {n.removeprefix("base_"): v for n, v in arrays.items() if n.startswith("base_")},
            state,
            arrays.get("weight"),
            int(numbers["iterates"]),
            int(numbers["simulations"]),
            float(numbers["seconds"]),
            bool(numbers.get("ended", False)),
        )
