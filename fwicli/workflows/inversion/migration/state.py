"""How far a least-squares migration has come, in memory and on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import ownership
from fwicli.errors import DataError
from fwicli.files import hdf5
from fwicli.imaging.least_squares.solver import LinearState

Array = NDArray[Any]

# Prefix of the names of arrays and numbers that belong to the solver.
METHOD = "method_"


@dataclass(frozen=True)
class MigrationState:
    """State from which `--resume` goes on bit for bit.

    Attributes
    ----------
    solver : LinearState
    illumination : ndarray of shape (*image grid,)
        Energy of the source fields, which scales the unknown.
    simulations : int
        Propagations so far.
    seconds : float
        Time spent so far [s].
    ended : bool
        Whether no step leads further.
    """

    solver: LinearState
    illumination: Array
    simulations: int = 0
    seconds: float = 0.0
    ended: bool = False
    course: Array = field(default_factory=lambda: np.zeros(0))

    def write(self, path: Path) -> None:
        """Write it to a file."""
        solver = self.solver
        arrays = {"y": solver.y, "illumination": self.illumination, "course": self.course}
        if solver.filters.size:
            arrays["filters"] = solver.filters
        arrays |= {f"{METHOD}{name}": values for name, values in solver.arrays.items()}
        numbers: dict[str, Any] = {
            "stage": 0,
            "iterates": solver.iteration,
            "shots": len(solver.filters),
            "energy": solver.energy,
            "start": solver.start,
            "simulations": self.simulations,
            "seconds": self.seconds,
            "ended": self.ended,
        }
        numbers |= {f"{METHOD}{name}": value for name, value in solver.numbers.items()}
        hdf5.write_state(path, arrays, numbers)

    @classmethod
    def read(cls, path: Path, shape: tuple[int, ...]) -> MigrationState:
        """Read it from a file.

        Parameters
        ----------
        path : Path
        shape : tuple of int
            Of the image.

        Returns
        -------
        state : MigrationState

        Raises
        ------
        DataError
            If something is missing or of another shape, as in a file that is damaged.
        TrustError
            If somebody else could have written it.
        """
        ownership.open_run_file(path).close()
        arrays, numbers = hdf5.read_state(path)
        try:
            return cls._of(arrays, numbers, shape)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{path} is not the state of a least-squares migration ({error}), so that it "
                f"cannot be continued; begin it anew with --force"
            ) from error

    @classmethod
    def _of(
        cls, arrays: Mapping[str, Array], numbers: Mapping[str, Any], shape: tuple[int, ...]
    ) -> MigrationState:
        own = {n.removeprefix(METHOD): v for n, v in arrays.items() if n.startswith(METHOD)}
        for name, values in {**own, "y": arrays["y"]}.items():
            if values.shape != shape:
                raise ValueError(f"`{name}` has the shape {values.shape}, and the image {shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"`{name}` holds values that are no numbers")
        solver = LinearState(
            int(numbers["iterates"]),
            arrays["y"],
            float(numbers["energy"]),
            float(numbers["start"]),
            arrays.get("filters", np.zeros((int(numbers["shots"]), 0))),
            own,
            {
                name.removeprefix(METHOD): float(value)
                for name, value in numbers.items()
                if name.startswith(METHOD)
            },
        )
        return cls(
            solver,
            arrays["illumination"],
            int(numbers["simulations"]),
            float(numbers["seconds"]),
            bool(numbers["ended"]),
            arrays["course"],
        )
