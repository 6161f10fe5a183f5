"""Checks of models, traces and positions before waves are propagated.

The operators of a propagator, those of `fwicli.operators` and the functions of `fwicli.autograd`
take models, traces and positions of the user's own. Here names, shapes and kinds of numbers are
checked, with the sizes that the user knows. Unambiguous values are converted; no value is repeated
to fit, and no missing value is taken from elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.errors import DataError, GeometryError, ModelError
from fwicli.propagators.checks import failures, units
from fwicli.propagators.checks.loaded_model import LoadedModel
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.kernels.imaging_conditions import CONDITIONS
from fwicli.propagators.symbolic.component_names import prefix
from fwicli.survey.grid import Grid

Array = NDArray[Any]
Shape = tuple[int, ...]

HALF = np.dtype(np.float16)


@dataclass(frozen=True)
class Entrance:
    """The checks of one propagator.

    Parameters
    ----------
    discretization : Discretization
    quiet : bool
        Whether units that give the properties of no rock go without a warning.
    loaded : LoadedModel
        The model that the arrays of kernels hold; it is not checked again.
    """

    discretization: Discretization
    quiet: bool = False
    loaded: LoadedModel = field(default_factory=LoadedModel)

    def models(self, models: Mapping[int, Any], n_directions: int) -> dict[int, dict[str, Array]]:
        """Parameters, component 0, and changes of them by component, on the grid.

        Parameters
        ----------
        models : mapping of int to mapping of str to ndarray
            Parameters, component 0, and changes of them.
        n_directions : int
            Number of directions of the components.

        Returns
        -------
        dict of int to dict of str to ndarray

        Raises
        ------
        ModelError
            If one is unknown, missing, of another shape or kind, not finite, or not positive where
            it must be.
        """
        discretization = self.discretization
        self._components("models", models, n_directions)
        parts: dict[int, dict[str, Array]] = {}
        for component in sorted({0, *models}):
            part: Any = models.get(component)
            check_names(
                discretization.equation, discretization.grid.ndim, part, whole=not component
            )
            parts[component] = {
                name: _parameter(name, values, discretization.grid, bool(component))
                for name, values in part.items()
            }
            named = {f"{prefix(component)}{n}": values for n, values in parts[component].items()}
            others = {n: values for n, values in named.items() if not self.loaded.holds(n, values)}
            failures.check_model(discretization.equation, discretization.grid, others)
            if others and not component:
                self.loaded.ranges = {}
        if not self.quiet:
            self.loaded.ranges = self.loaded.ranges or units.ranges(
                discretization.equation, parts[0]
            )
            units.warn(discretization.equation, parts[0], self.loaded.ranges)
        return parts

    def traces(self, role: str, data: Any, expected: Shape) -> Array:
        """Traces that are injected, of shape (n, samples) or (samples, *grid).

        Parameters
        ----------
        role : str
            Name for messages, "wavelet" or "gather".
        data : array_like
        expected : tuple of int
            The shape that fits.

        Returns
        -------
        ndarray

        Raises
        ------
        DataError
            If it has another shape or kind, or is not finite.
        """
        traces = ndarrays.real(f"the {role}", data, DataError)
        if traces.dtype == HALF:
            traces = traces.astype(np.float64)
        if traces.ndim == 1 and expected[:-1] == (1,):
            traces = traces[None]
        check_traces(role, traces.shape, expected)
        return traces

    def wavelets(self, wavelet: Any) -> Array:
        """Source time functions of extended sources, as many as there are, of shape (n, samples).

        Raises
        ------
        DataError
            If they have another shape or kind, or are not finite.
        """
        time, array = self.discretization.time, ndarrays.real("the wavelet", wavelet, DataError)
        count = len(array) if array.ndim == 2 else 1
        traces = self.traces("wavelet", wavelet, (count, time.samples))
        failures.check_traces(traces, time.interval)
        return traces

    def components(self, role: str, values: Mapping[int, Any], n_directions: int) -> None:
        """Make sure that something enters, along directions that there are.

        Parameters
        ----------
        role : str
            Name for messages.
        values : mapping of int to ndarray
            Values by component.
        n_directions : int
            Number of directions of the components.

        Raises
        ------
        DataError
            If nothing does, or along others.
        """
        if not values:
            raise DataError(f"there is no {role}: without one there are no waves")
        self._components(f"{role}s", values, n_directions)

    def images(
        self, kinds: Collection[str], derivatives: Collection[tuple[int, str]] | None
    ) -> None:
        """Refuse unknown images, and gradients of unknown parameters.

        Parameters
        ----------
        kinds : tuple of str
            "gradient", and names of imaging conditions (see `imaging_conditions`).
        derivatives : collection of (int, str), optional
            Components of the gradient and names of parameters.

        Raises
        ------
        DataError, ModelError
            If one is unknown.
        PhysicsError
            If the equation has no such image.
        """
        there = ("gradient", *CONDITIONS)
        unknown = [kind for kind in kinds if kind not in there]
        if unknown or isinstance(kinds, str):
            raise DataError(
                f"there is no image `{kinds if isinstance(kinds, str) else unknown[0]}`; choose a "
                f"tuple of some of {', '.join(there)}"
            )
        if derivatives is not None:
            discretization = self.discretization
            names = dict.fromkeys(name for _, name in derivatives)
            check_names(discretization.equation, discretization.grid.ndim, names, whole=False)

    def _components(self, what: str, values: Mapping[int, Any], n_directions: int) -> None:
        beyond = sorted(c for c in values if not 0 <= c < 2**n_directions)
        if beyond:
            raise DataError(
                f"{what} have a component {beyond[0]}; with {n_directions} directions there are "
                f"those from 0 to {2**n_directions - 1}"
            )


# --- models --------------------------------------------------------------------------------------


def check_names(equation: str, ndim: int, model: Any, whole: bool) -> None:
    """Make sure that a model, or a change of one, has parameters that the equation has.

    Parameters
    ----------
    equation : str
    ndim : int
        Number of space dimensions.
    model : mapping of str to ndarray
        Parameters, or changes of them, by name.
    whole : bool
        Whether all parameters are needed; of a change those that are left out are zero.

    Raises
    ------
    ModelError
        If one is unknown, or missing.
    """
    formulas = registry.load(equation).parameters(ndim)
    if not isinstance(model, Mapping):
        what = "the model" if whole else "the change of the model"
        first = next(iter(formulas))
        raise ModelError(
            f"{what} of {equation} is {ndarrays.kind_of(model)}; give its parameters by name, as "
            f"in {{{first!r}: array}}; {_advice(equation, ndim)}"
        )
    unknown = [name for name in model if name not in formulas]
    missing = [name for name in formulas if name not in model] if whole else []
    if unknown or missing:
        parts = [f"has no `{'`, `'.join(map(str, unknown))}`"] if unknown else []
        parts += [f"needs `{'`, `'.join(missing)}`, too"] if missing else []
        raise ModelError(f"{equation} {' and '.join(parts)}; {_advice(equation, ndim)}")
    if not model:
        raise ModelError(
            f"the change of the model of {equation} is empty; {_advice(equation, ndim)}"
        )


def _advice(equation: str, ndim: int) -> str:
    stated = registry.load(equation)
    names, first = ", ".join(stated.parameters(ndim)), stated.leading
    return (
        f"its parameters are {names}, where {units.formulas(equation, ndim)}: "
        f"`Propagator.parameters({first}={first})`, or `autograd.parameters` for tensors, makes "
        f"them from {first} [m/s] and other properties"
    )


def check_on_grid(name: str, shape: Sequence[int], grid: Grid, change: bool = False) -> None:
    """Make sure that a parameter, or a change of one, has a value at each point of the grid.

    Axes of one before those of the grid are allowed.

    Parameters
    ----------
    name : str
    shape : sequence of int
        Shape of the parameter.
    grid : Grid
    change : bool
        Whether it is a change of the parameter.

    Raises
    ------
    ModelError
        If it has not.
    """
    shape = tuple(shape)
    own, before = shape[-grid.ndim :], shape[: -grid.ndim]
    if own == grid.shape and all(n == 1 for n in before):
        return
    axes = ", ".join(grid.axes)
    hint = ""
    if not shape:
        hint = f"; for one value everywhere give numpy.full({grid.shape}, value)"
    elif own != grid.shape and sorted(shape) == sorted(grid.shape):
        hint = f"; it looks transposed: the axes are ({axes}), z down"
    said = f"the change of {name}" if change else name
    raise ModelError(
        f"{said} has the shape {shape}, the grid {grid.shape}: a model has a value at each of its "
        f"points ({axes}){hint}"
    )


def check_precision(kinds: Mapping[str, str]) -> None:
    """Make sure that parameters are all in float32, or all in float64.

    Parameters
    ----------
    kinds : mapping of str to str
        Kinds of numbers, by the names of parameters.

    Raises
    ------
    ModelError
        If they are not.
    """
    if len(set(kinds.values())) > 1 or not set(kinds.values()) <= {"float32", "float64"}:
        said = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise ModelError(
            f"parameters are {said}; waves are propagated in float32 or in float64, the same for "
            f"all of them: convert them"
        )


def _parameter(name: str, values: Any, grid: Grid, change: bool) -> Array:
    """A parameter, or a change of one, on the grid."""
    said = f"the change of {name}" if change else name
    array = ndarrays.real(said, values, ModelError)
    check_on_grid(name, array.shape, grid, change)
    if array.dtype == HALF:
        raise ModelError(
            f"{said} is in float16, which has three digits, and fewer below 6e-5: make it in "
            f"float32 from the start"
        )
    return array.reshape(grid.shape)


# --- traces and positions ------------------------------------------------------------------------


def check_traces(
    role: str, shape: Shape, expected: Shape, place: str = "", shots: str = ""
) -> None:
    """Make sure that traces are as many as there are points, and as long as the time axis.

    Parameters
    ----------
    role : str
        Their name in messages, as "wavelet" or "gather".
    shape, expected : tuple of int
        (n, samples), or (samples, *grid) for a whole wave field.
    place : {"", "sources", "receivers"}
        Where they are.
    shots : str
        Other possible shapes, with a dimension of shots.

    Raises
    ------
    DataError
        If they have another shape.
    """
    if shape == expected:
        return
    hint = ""
    if len(expected) == 2:
        n, samples = expected
        if shape[-2:] == (samples, n):
            hint = "; it looks transposed: traces are (n, time)"
        elif shape and shape[-1] == samples and n > 1 and shape[-2:-1] != (n,):
            hint = f"; nothing is repeated: give {n} traces, one for each point"
        elif shape and shape[-1] != samples:
            hint = f"; the time axis has {samples} samples"
    elif shape[-1:] == expected[:1]:
        hint = "; the samples come first, before the points of the grid"
    at = f"with these {place} it needs" if place else "it needs"
    raise DataError(f"the {role} has the shape {tuple(shape)}; {at} {expected}{shots}{hint}")


def positions(what: str, values: Any, grid: Grid) -> NDArray[np.float64]:
    """Positions [m] of shape (n, ndim).

    Parameters
    ----------
    what : str
        Name for messages.
    values : array_like
    grid : Grid

    Returns
    -------
    ndarray of shape (n, ndim)

    Raises
    ------
    GeometryError
        If there is no position, or they have another shape or kind, or are not finite.
    """
    place = ndarrays.real(what, values, GeometryError)
    axes, ndim = ", ".join(grid.axes), grid.ndim
    if place.ndim == 1 and place.size == ndim:
        place = place[None]
    if not place.size:
        raise GeometryError(f"{what} are empty, of shape {place.shape}: give one position at least")
    if place.ndim != 2 or place.shape[1] != ndim:
        hint = ""
        if place.ndim == 2 and (ndim, place.shape[1]) == (2, 3):
            hint = "; leave out y"
        elif place.ndim == 2 and place.shape[0] == ndim:
            hint = "; they look transposed: one row is one point"
        raise GeometryError(
            f"{what} have the shape {place.shape}; positions need (n, {ndim}), {axes} [m] of each "
            f"point{hint}"
        )
    bad = ~np.isfinite(place).all(axis=1)
    if bad.any():
        first = int(np.argmax(bad))
        where = ", ".join(f"{x:g}" for x in place[first])
        raise GeometryError(f"{what}: point {first} is at ({where}) m; a position must be finite")
    return np.asarray(place, dtype=np.float64)
