"""How far an inversion has come, in memory and on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import ownership
from fwicli.errors import DataError
from fwicli.files import hdf5
from fwicli.inversion.optimizers.optimizer import State

Array = NDArray[Any]

# Prefix of the names of arrays and numbers that belong to the method of the optimizer.
METHOD = "method_"


@dataclass
class InversionState:
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
            arrays |= {f"{METHOD}{name}": values for name, values in self.state.arrays.items()}
            numbers |= {f"{METHOD}{name}": value for name, value in self.state.numbers.items()}
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
    def read(cls, path: Path) -> InversionState:
        """Read it from a file.

        Raises
        ------
        DataError
            If something is missing or of another type, as in a file that is damaged.
        TrustError
            If somebody else could have written it.
        """
        ownership.open_run_file(path).close()
        arrays, numbers = hdf5.read_state(path)
        try:
            return cls._of(arrays, numbers)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{path} is not the state of an inversion ({error}), so that it cannot be "
                f"continued; begin it anew with --force"
            ) from error

    def check(self, path: Path, base: Mapping[str, Array]) -> None:
        """Make sure that it is of a run that changes these properties, on their grid.

        Parameters
        ----------
        path : Path
            Of the state, for the message.
        base : mapping of str to ndarray
            Properties that the run changes, on the grid of its model.

        Raises
        ------
        DataError
            If it is not.
        """
        shapes = {name: values.shape for name, values in self.base.items()}
        expected = {name: values.shape for name, values in base.items()}
        if shapes != expected:
            raise DataError(
                f"{path} holds {shapes or 'no properties'}, and the inversion changes {expected}; "
                f"it belongs to another run: begin this one anew with --force"
            )

    @classmethod
    def _of(cls, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> InversionState:
        """From arrays and numbers of a file, which must fit together."""
        state = None
        for name, values in arrays.items():
            own = name.startswith(METHOD)
            if not own and not (values.size and np.isfinite(values).all()):
                raise ValueError(f"`{name}` is empty or holds values that are no numbers")
        if "x" in arrays and arrays["x"].shape != arrays["gradient"].shape:
            raise ValueError("`x` and `gradient` have different shapes")
        if "x" in arrays:
            state = State(
                arrays["x"],
                float(numbers["value"]),
                arrays["gradient"],
                int(numbers["iteration"]),
                int(numbers["evaluations"]),
                _named(METHOD, arrays),
                {name: float(value) for name, value in _named(METHOD, numbers).items()},
            )
        return cls(
            int(numbers["stage"]),
            _named("base_", arrays),
            state,
            arrays.get("weight"),
            int(numbers["iterates"]),
            int(numbers["simulations"]),
            float(numbers["seconds"]),
            bool(numbers.get("ended", False)),
        )


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values whose names begin with a prefix, by the rest of their names."""
    return {n.removeprefix(prefix): v for n, v in values.items() if n.startswith(prefix)}
