"""Shots of an operator: simulation, model, wavelets, and the shots selected.

Users give arrays with or without a dimension of shots; `simulation.run` takes them with it. An
operator has that dimension where wavelets, records or positions have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.errors import DataError, GeometryError, ModelError
from fwicli.evaluation import Quantity
from fwicli.propagators.checks import entrance, failures, units
from fwicli.propagators.locations import ExtendedSource, FullField
from fwicli.simulation import Simulation, shape_of
from fwicli.survey.points import Points

Array = NDArray[Any]
Model = Mapping[str, Any] | Array
# The place of each role.
PLACES = {"wavelet": "sources", "gather": "receivers"}


@dataclass(frozen=True, eq=False)
class ShotSet:
    """Shots, and the model that they are propagated in.

    Attributes
    ----------
    simulation : Simulation
    model : dict of str to ndarray of shape (*grid,)
        All parameters of the equation, in one precision.
    shots : int
        Number of shots.
    several : bool
        Whether data have a dimension of shots.
    data : dict of str to ndarray of shape (shots, ...)
        The fixed ones of "wavelet" and "gather".
    changing : tuple of str
        Parameters that change.
    """

    simulation: Simulation
    model: Mapping[str, Array]
    shots: int
    several: bool
    data: Mapping[str, Array]
    changing: tuple[str, ...]

    @property
    def dtype(self) -> Any:
        """Precision of the model."""
        return next(iter(self.model.values())).dtype

    def dims_of(self, role: str) -> tuple[int, ...]:
        """Shape of wavelets or gathers of all shots."""
        each = self.data_of(role)
        return (self.shots, *each) if self.several else each

    def data_of(self, role: str) -> tuple[int, ...]:
        """Shape of the wavelets or gather of one shot."""
        return shape_of(self.simulation, PLACES[role], self.simulation.discretization.time.samples)

    @property
    def dims_of_model(self) -> tuple[int, ...]:
        """Shape of changes of the model: (*grid,) for one parameter, or (parameters, *grid)."""
        grid = self.simulation.discretization.grid.shape
        return grid if len(self.changing) == 1 else (len(self.changing), *grid)

    def select(self, which: Any) -> ShotSet:
        """The same for some of the shots.

        Raises
        ------
        IndexError
            If there are no such shots.
        """
        if not self.several:
            raise IndexError("there is only one shot, and no dimension of shots to select from")
        numbers = np.arange(self.shots)[which]
        if np.size(numbers) == 0:
            raise IndexError(f"no shot is selected of {self.shots}")
        index = np.atleast_1d(numbers)
        simulation = replace(
            self.simulation,
            **{n: p[index] if np.ndim(p) == 3 else p for n, p in self._positions().items()},
            counts={role: c[index] for role, c in self.simulation.counts.items()},
        )
        data = {role: values[index] for role, values in self.data.items()}
        return replace(
            self, simulation=simulation, shots=len(index), several=np.ndim(numbers) > 0, data=data
        )

    def _positions(self) -> dict[str, Any]:
        return {"sources": self.simulation.sources, "receivers": self.simulation.receivers}

    def inputs(self, groups: int = 1) -> dict[Quantity, Array]:
        """Model and positions of an evaluation, repeated for each group."""
        quantities = {
            Quantity("model", 0, name): values[None] for name, values in self.model.items()
        }
        for name, place in self._positions().items():
            if np.ndim(place) == 3:
                quantities[Quantity(name)] = repeated(place, groups)
        return quantities

    def places(self, shot: int) -> tuple[Any, Any]:
        """Sources and receivers of a shot."""
        sources, receivers = (
            p[shot][self._own(name, shot)] if np.ndim(p) == 3 else p
            for name, p in self._positions().items()
        )
        return sources, receivers

    def data_at(self, role: str, shot: int) -> Array:
        """Fixed data of a shot, without padding.

        Parameters
        ----------
        role : {"wavelet", "gather"}
        shot : int
            Number of the shot.

        Returns
        -------
        data : ndarray of shape (n, samples)
        """
        return np.asarray(self.data[role][shot][self._own(PLACES[role], shot)])

    def _own(self, place: str, shot: int) -> slice:
        """Rows of the sources or receivers of a shot; others are padding."""
        counts = self.simulation.counts
        return slice(int(counts[place][shot]) if place in counts else None)

    def changes(self, x: Array) -> dict[str, Array]:
        """Changes of the parameters by name, from (k, *dims_of_model) to (k, *grid) each."""
        grid = self.simulation.discretization.grid.shape
        parts = x.reshape(len(x), len(self.changing), *grid)
        return {name: parts[:, i] for i, name in enumerate(self.changing)}

    def stacked(self, named: Mapping[str, Array]) -> Array:
        """The transpose of `changes`."""
        parts = np.stack([named[name] for name in self.changing], axis=1)
        return parts.reshape(len(parts), *self.dims_of_model)


def repeated(values: Array, groups: int) -> Array:
    """Data of all shots, for each group.

    Parameters
    ----------
    values : ndarray of shape (shots, ...)
    groups : int
        Number of groups.

    Returns
    -------
    ndarray of shape (groups x shots, ...)
    """
    return np.concatenate([values] * groups) if groups > 1 else values


def checked_shots(
    simulation: Simulation,
    model: Model,
    shots: int | None = None,
    changing: str | Sequence[str] | None = None,
    **data: Any,
) -> ShotSet:
    """Shots and their model, checked.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to array of shape (*grid,), or array
        Parameters of the equation; the array alone where there is one.
    shots : int, optional
        Number of shots where neither data nor positions say it.
    changing : str or sequence of str, optional
        Parameters that change; by default all.
    **data : array of shape (n, samples) or (shots, n, samples)
        "wavelet" and "gather", as far as they are fixed.

    Returns
    -------
    ShotSet

    Raises
    ------
    ModelError, DataError, GeometryError
        If shapes or precisions do not fit, or the numbers of shots differ.
    """
    at = {name: _position(getattr(simulation, name)) for name in PLACES.values()}
    simulation = replace(simulation, **at)
    named = _model(simulation, model)
    arrays = {role: ndarrays.real(f"the {role}", _values(v), DataError) for role, v in data.items()}
    samples = simulation.discretization.time.samples
    counts = {name: len(p) for name, p in at.items() if np.ndim(p) == 3}
    counts |= {} if shots is None else {"shots": shots}
    for role, values in arrays.items():
        shape = shape_of(simulation, PLACES[role], samples)
        if values.shape[-len(shape) :] != shape or values.ndim > len(shape) + 1:
            of_shots = f", or (shots, {', '.join(map(str, shape))})"
            entrance.check_traces(role, values.shape, shape, PLACES[role], of_shots)
        if values.ndim > len(shape):
            counts[role] = len(values)
    if len(set(counts.values())) > 1 or 0 in counts.values():
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise GeometryError(f"the numbers of shots differ or are 0: {said}; give all the same")
    number = next(iter(counts.values()), 1)
    dtype = next(iter(named.values())).dtype
    ready = {
        role: np.broadcast_to(v, (number, *shape_of(simulation, PLACES[role], samples))).astype(
            dtype
        )
        for role, v in arrays.items()
    }
    return ShotSet(simulation, named, number, bool(counts), ready, _changing(simulation, changing))


def _values(values: Any) -> Any:
    """Without the history of a tensor."""
    return values.detach().cpu() if hasattr(values, "detach") else values


def _position(place: Any) -> Any:
    if isinstance(place, FullField | ExtendedSource | Points):
        return place
    return ndarrays.real("a position", _values(place), GeometryError).astype(float)


def _model(simulation: Simulation, model: Model) -> dict[str, Array]:
    """All parameters, in the order of the equation and in one precision."""
    names = simulation.parameters
    if not isinstance(model, Mapping):
        if len(names) > 1:
            raise ModelError(
                f"{simulation.discretization.equation} has the parameters {', '.join(names)}: give "
                f"them by name, as in {{{names[0]!r}: array, ...}}"
            )
        model = {names[0]: model}
    equation, grid = simulation.discretization.equation, simulation.discretization.grid
    entrance.check_names(equation, grid.ndim, model, whole=True)
    arrays = {
        name: ndarrays.real(f"parameter {name}", _values(values), ModelError)
        for name, values in model.items()
    }
    for name, values in arrays.items():
        entrance.check_on_grid(name, values.shape, grid)
    entrance.check_precision({name: str(values.dtype) for name, values in arrays.items()})
    # A copy: a history of the model must not outlive it.
    ready = {name: arrays[name].reshape(grid.shape).copy() for name in names}
    failures.check_model(equation, grid, ready)
    units.warn(equation, ready)
    return ready


def _changing(simulation: Simulation, changing: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names of the parameters that change."""
    if changing is None:
        return simulation.parameters
    names = (changing,) if isinstance(changing, str) else tuple(changing)
    unknown = [name for name in names if name not in simulation.parameters]
    if unknown or not names or len(set(names)) < len(names):
        raise ModelError(
            f"parameters {', '.join(map(repr, names)) or 'none'} cannot change; choose among "
            f"{', '.join(simulation.parameters)}, each once"
        )
    return names
