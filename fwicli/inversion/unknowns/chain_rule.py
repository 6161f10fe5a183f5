"""Between the unknowns of an inversion and the parameters of the wave equation.

    x -> variables y -> properties c of the earth -> c on the grid of the waves -> parameters p

Each arrow has a derivative and its transpose; see `variables`, `survey.regridding` and
`propagators.equations.properties`. The gradient applies the transposes in reverse order.

Second derivatives need the change of p, and of the gradient, along a direction v of x. Both are
differences of fourth order,

    f'(x) v = [8 (f(x + h v) - f(x - h v)) - (f(x + 2 h v) - f(x - 2 h v))] / 12 h

The arrows are closed formulas, averages and filters: smooth, and cheap beside the waves. With h v
at most 1e-3 of the size of x, the differences have an error and a round-off of 1e-12 of the
derivative, far below the round-off of the waves. Combinations such as moduli of shear differ by
orders of magnitude from mud to rock. Unless they are logarithmic, their changes are relative to the
values at each point, or to a share of the largest (`Variable.smallest`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.inversion.unknowns.variables import Variables
from fwicli.propagators.equations import properties, registry
from fwicli.propagators.equations.equation import ROUND_OFF, call
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import Regridding, with_means

Array = NDArray[Any]
Named = Mapping[str, Array]

# Largest change of x in the differences, relative to its size, and weights by distance in steps.
RELATIVE = 1e-3
WEIGHTS = {1: 2 / 3, 2: -1 / 12}


@dataclass(frozen=True)
class ParameterMap:
    """The parameters of an equation as a function of the unknowns.

    Parameters
    ----------
    equation : str
        Name of the equation.
    variables : Variables
        Meaning of the blocks of x.
    others : mapping of str to ndarray of shape grid.shape
        Properties by name; those that the variables determine are ignored.
    regridding : Regridding, optional
        From the grid of x to that of the waves, if they differ.
    """

    equation: str
    variables: Variables
    others: Mapping[str, Array]
    regridding: Regridding | None = None

    def exact(self) -> ParameterMap:
        """The same map in double precision, which differences need."""
        return replace(self, others={n: o.astype(float) for n, o in self.others.items()})

    def size(self, x: Array) -> Array:
        """Size of x in each block, or at each point, which its changes are relative to."""
        largest = np.abs(x).max(axis=tuple(range(1, x.ndim)), keepdims=True)
        largest = np.maximum(largest, self.variables.first_change(x))
        sizes = np.array(np.broadcast_to(largest, x.shape))
        for block, variable in enumerate(self.variables.blocks):
            sizes[block] = np.maximum(np.abs(x[block]), variable.smallest * sizes[block])
        return sizes

    def diagonal(self, x: Array, where: NDArray[np.bool_]) -> Array:
        """Sum of the squared derivatives of the equation's parameters, by each element of x.

        Times the energy of the waves, this is the diagonal of the Hessian. Each parameter counts
        relative to its mean square at the points `where`, in units of that of the first parameter
        that depends on the block. In most equations this is the only one, the compressibility.
        Tapers do not count: a preconditioner that contained their inverse would cancel them.

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Unknowns.
        where : ndarray of bool, of shape grid.shape
            Points over which the mean squares are taken.

        Returns
        -------
        diagonal : ndarray of shape (n_blocks, *grid.shape)
        """
        earth = self.earth(x)
        parameters = properties.parameters(self.equation, earth)
        total, scales = np.zeros(x.shape), np.zeros(len(x))
        for name, values in parameters.items():
            unit = (values[where] ** 2).mean()
            ones = {name: np.ones(values.shape)}
            slopes = self.variables.untapered.gradient(x, earth, self._derivative(earth, ones))
            for block, slope in enumerate(slopes):
                if unit > 0 and slope.any():
                    scales[block] = scales[block] or unit
                    total[block] += scales[block] / unit * slope**2
        return total

    def _derivative(
        self, earth: Mapping[str, Array], derivatives: Mapping[str, Array]
    ) -> Callable[[str], Array]:
        """Derivatives by properties, from those by the equation's parameters on the same grid."""

        def by(name: str) -> Array:
            return properties.gradient(self.equation, earth, derivatives, name)

        return by

    def by_x(self, x: Array, derivatives: Mapping[str, Array]) -> Array:
        """Derivative by x from those by the equation's parameters.

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Unknowns.
        derivatives : mapping of str to ndarray
            By parameter, on the grid of the waves.

        Returns
        -------
        gradient : ndarray of shape (n_blocks, *grid.shape)
        """
        earth = self.earth(x)
        by = self._derivative(self._propagated(earth), derivatives)
        regridding = self.regridding
        if regridding is None:
            return self.variables.gradient(x, earth, by)
        fine = self._model(regridding, earth)
        return self.variables.gradient(x, earth, lambda n: regridding.gradient_to_fine(fine, by, n))

    def _propagated(self, earth: dict[str, Array]) -> dict[str, Array]:
        """Properties on the grid of the waves."""
        if self.regridding is None:
            return earth
        return dict(self.regridding.model_to_coarse(self._model(self.regridding, earth)).properties)

    def _model(self, regridding: Regridding, earth: dict[str, Array]) -> EarthModel:
        """Properties on the grid of x as a model."""
        model = EarthModel.of(regridding.fine, earth)
        return with_means(model, registry.load(self.equation).properties)

    def earth(self, x: Array) -> dict[str, Array]:
        """All properties, on the grid of x."""
        return self.variables.earth(self.variables.unpack(x), self.others)

    def parameters(self, x: Array) -> dict[str, Array]:
        """Parameters of the equation at x, on the grid of the waves.

        Raises
        ------
        ModelError
            If one is not a finite number somewhere, or outside the limits of the equation.
        """
        self._check_limits(x)
        with np.errstate(invalid="ignore", divide="ignore"):
            parameters = self.unchecked_parameters(x)
        for name, values in parameters.items():
            count = int((~np.isfinite(values)).sum())
            if count:
                raise ModelError(
                    f"the parameter `{name}` of the equation `{self.equation}` is not a finite "
                    f"number at {count} points of a model with {self.variables.ranges(x)}; narrow "
                    f"the bounds of the inversion"
                )
        return parameters

    def unchecked_parameters(self, x: Array) -> dict[str, Array]:
        """Parameters of the equation at x, unchecked."""
        return properties.parameters(self.equation, self._propagated(self.earth(x)))

    def _check_limits(self, x: Array) -> None:
        """Make sure that the equation has a stable solution in the model at x."""
        stated = registry.load(self.equation)
        earth = stated.complete(self.earth(x), x.ndim - 1)
        for limit in stated.limits:
            count = int(np.sum(call(limit.margin, earth) < -ROUND_OFF))
            if count:
                raise ModelError(
                    f"a model with {self.variables.ranges(x)} is outside the limits of the "
                    f"equation at {count} points: {limit.rule}; narrow the bounds of the inversion"
                )


def directional_derivative(
    f: Callable[[Array], Named], x: Array, v: Array, size: Array
) -> dict[str, Array]:
    """Derivatives of named arrays along a direction.

    Parameters
    ----------
    f : callable
        Arrays by name, at a vector.
    x, v : ndarray of shape (n_blocks, ...)
        Vector and direction.
    size : ndarray of shape (n_blocks, 1, ...)
        Size of x in each block, which its changes are relative to.

    Returns
    -------
    derivatives : dict of str to ndarray
        Under the names and with the shapes of f(x).
    """
    largest = float(np.abs(v / size).max())
    if largest == 0:
        return {name: np.zeros(values.shape) for name, values in f(x).items()}
    h = RELATIVE / largest
    total: dict[str, Array] = {}
    for distance, weight in WEIGHTS.items():
        up, down = (f(x + side * distance * h * v) for side in (1, -1))
        for name, values in up.items():
            part = weight / h * (values.astype(np.float64) - down[name])
            total[name] = total[name] + part if name in total else part
    return total
