"""The operators of a wave equation on a grid: F, F^T, J and J^T.

With q the source time functions, d the gather and p the model parameters,

    forward            d  = F(p) q
    adjoint            q' = F(p)^T d
    jacobian           dd = J(p, q) dp,         J = dF(p) q / dp
    jacobian_adjoint   g  = J(p, q)^T r

All four are exact transposes and derivatives of each other for the discrete scheme, including the
absorbing layer, the points, the resampling in time and the padding of the model. A source is a
point source of the continuum: q(t) delta(x - x_s), with q in [Pa] in 2D and [Pa m] in 3D; or an
extended one, or a whole wave field (see `locations`). Whole fields of shape (samples, *grid) may
take the place of gathers of shape (n_receivers, samples).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Self

from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.deprecation import renamed_fields
from fwicli.errors import DataError
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import properties as equations
from fwicli.propagators.locations import Locations
from fwicli.propagators.running.kernel_run import Model
from fwicli.propagators.running.pool import RunnerPool
from fwicli.propagators.running.results import GradientRequest, ShotResult
from fwicli.propagators.running.shot import ShotRunner
from fwicli.propagators.sampling.resampling import Resampling

Array = NDArray[Any]


@renamed_fields(axis="time")
class Propagator:
    """Operators of one wave equation on one grid and time axis.

    Any number of threads may use it at the same time. Each call has its own arrays, which are
    allocated on first use and reused for the next shot. There are as many sets of arrays as there
    were calls at the same time, but no more than the machine has cores. Pickles and copies come
    without arrays.

    Parameters
    ----------
    discretization : Discretization
    quiet : bool
        Whether implausible units raise no warning.

    Examples
    --------
    A record of waves in two layers, and the gradient for it as an adjoint source:

    >>> import numpy as np
    >>> from fwicli import Propagator, ricker, times
    >>> vp = np.full((101, 61), 2000.0)  # (x, z) [m/s]
    >>> vp[:, 30:] = 2500.0
    >>> F = Propagator.for_model(vp, spacing=10.0, dt=0.004, samples=150, frequency=12.0)
    >>> wavelet = ricker(times(0.004, 150), 12.0)[None]
    >>> source = np.array([[500.0, 20.0]])  # (x, z) [m]
    >>> receivers = np.stack([np.arange(0.0, 1001.0, 20.0), np.full(51, 20.0)], axis=1)
    >>> model = F.parameters(vp=vp)
    >>> gather = F.forward(model, wavelet, source, receivers)
    >>> gather.shape
    (51, 150)
    >>> gradient = F.jacobian_adjoint(model, gather, wavelet, source, receivers)
    >>> {name: image.shape for name, image in gradient.items()}
    {'m': (101, 61)}
    """

    def __init__(self, discretization: Discretization, quiet: bool = False) -> None:
        self.discretization = discretization
        self.grid = discretization.grid
        self.time = discretization.time
        self.layer = discretization.layer
        self.precision = discretization.precision
        self.resampling = Resampling(self.time, self.precision)
        self.quiet = quiet
        self._pool = RunnerPool(discretization, quiet)

    def __reduce__(self) -> tuple[type[Self], tuple[Discretization, bool]]:
        """Arguments of a copy; arrays stay in this process."""
        return type(self), (self.discretization, self.quiet)

    @classmethod
    def for_model(cls, vp: Any, spacing: float | tuple[float, ...], **options: Any) -> Propagator:
        """The propagator for an earth model, with a stable time step (see the example above).

        Parameters
        ----------
        vp : ndarray of shape (nx, nz) or (nx, ny, nz), or None
            P velocity [m/s]; None for equations without P waves.
        spacing : float or tuple of float
            Grid spacing [m].
        **options
            `dt` [s], `frequency` [Hz], and `samples` or `duration` [s]; for more see
            `Discretization.for_model`.

        Returns
        -------
        Propagator
        """
        return cls(Discretization.for_model(vp, spacing, **options))

    def parameters(self, **properties: Any) -> dict[str, Array]:
        """Parameters of the equation from physical properties, as in `parameters(vp=vp)`.

        Parameters
        ----------
        **properties
            `vp` [m/s], and others that the equation has (see `equations.properties`).

        Returns
        -------
        dict of str to ndarray
            The model that the operators take.
        """
        rock = self.discretization.of_rock(properties)
        values = equations.parameters(self.discretization.equation, rock)
        return {name: array.astype(self.precision) for name, array in values.items()}

    def forward(
        self, model: Model, wavelet: Array, sources: Locations, receivers: Locations
    ) -> Array:
        """Model one gather, d = F q.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : ndarray of shape (n_points, ndim), ExtendedSource or FullField
            Positions [m], which need not lie on grid points; or places of other kinds.

        Returns
        -------
        gather : ndarray of shape (n_receivers, samples)
            Pressure [Pa]; the first sample is t = 0.

        Raises
        ------
        ModelError, DataError
            If parameters or sources are not finite, or parameters are not positive that must be.
        StabilityError
            If the waves do not stay finite; it says where, when, and the likely cause.
        """
        with self.runner() as runner:
            return runner.forward_components({0: model}, {0: wavelet}, sources, receivers, 0)[0]

    def adjoint(
        self, model: Model, gather: Array, sources: Locations, receivers: Locations
    ) -> Array:
        """Back-propagate a gather, q' = F^T d; the exact transpose of `forward`.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        gather : ndarray of shape (n_receivers, samples)
        sources, receivers : Locations

        Returns
        -------
        wavelet : ndarray of shape (n_sources, samples)
            Adjoint field at the sources.
        """
        with self.runner() as runner:
            return runner.adjoint_components({0: model}, {0: gather}, sources, receivers, 0)[0]

    def source_weights_adjoint(
        self, model: Model, gather: Array, wavelet: Array, receivers: Locations
    ) -> Array:
        """Transpose of modelling with extended sources, w -> F (w q), for fixed q.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        gather : ndarray of shape (n_receivers, samples)
        wavelet : ndarray of shape (n_sources, samples)
            q, a source time function for each volume source.
        receivers : ndarray of shape (n_points, ndim), or other locations
            Positions [m].

        Returns
        -------
        weights : ndarray of shape (n_sources, *grid.shape)
            The derivative with respect to the weights of an `ExtendedSource` of sources.
        """
        with self.runner() as runner:
            return runner.source_weights_adjoint(model, gather, wavelet, receivers)

    def jacobian(
        self,
        model: Model,
        perturbation: Model,
        wavelet: Array,
        sources: Locations,
        receivers: Locations,
    ) -> Array:
        """First-order change of the gather, dd = J dp (Born modelling).

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        perturbation : mapping of str to ndarray
            Change of each parameter, on the model's grid.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations

        Returns
        -------
        change : ndarray of shape (n_receivers, samples)
            Change of the pressure [Pa].
        """
        models = {0: model, 1: perturbation}
        with self.runner() as runner:
            return runner.forward_components(models, {0: wavelet}, sources, receivers, 1)[1]

    def jacobian_adjoint(
        self, model: Model, gather: Array, wavelet: Array, sources: Locations, receivers: Locations
    ) -> dict[str, Array]:
        """Transpose of `jacobian`, g = J^T d: the gradient for an adjoint source d.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        gather : ndarray of shape (n_receivers, samples)
            Adjoint source.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations

        Returns
        -------
        gradient : dict of str to ndarray
            For each parameter, on the model's grid. Exact if the discretisation keeps every step
            of the history; else the sum over time is taken at the steps that are kept.
        """
        return self.images(model, lambda _: gather, wavelet, sources, receivers).gradient

    def gauss_newton(
        self,
        model: Model,
        perturbation: Model,
        wavelet: Array,
        sources: Locations,
        receivers: Locations,
    ) -> dict[str, Array]:
        """Gauss-Newton Hessian of half the squared residual, J^T J dp.

        Parameters
        ----------
        model, perturbation : mapping of str to ndarray
            Parameters of the equation, and changes of them, on the model's grid.
        wavelet : ndarray of shape (n_sources, samples)
        sources, receivers : Locations

        Returns
        -------
        product : dict of str to ndarray
            For each parameter, on the model's grid.
        """
        at = sources, receivers
        no_residual = lambda _, change: (None, change)  # noqa: E731
        return self.curvature(model, perturbation, no_residual, wavelet, *at, kinds=()).product

    def hessian(
        self,
        model: Model,
        perturbation: Model,
        residual: Array,
        wavelet: Array,
        sources: Locations,
        receivers: Locations,
    ) -> dict[str, Array]:
        """Hessian of half the squared residual, H dp = J^T J dp + (dJ[dp])^T r.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        perturbation : mapping of str to ndarray
            dp, a change of each parameter, on the model's grid.
        residual : ndarray of shape (n_receivers, samples)
            r = F q - d at the model [Pa].
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations

        Returns
        -------
        product : dict of str to ndarray
            For each parameter, on the model's grid; exact where every step is kept.
        """
        residual, at = ndarrays.real("the residual", residual, DataError), (sources, receivers)
        with_residual = lambda _, change: (residual, change)  # noqa: E731
        return self.curvature(model, perturbation, with_residual, wavelet, *at, kinds=()).product

    def curvature(
        self,
        model: Model,
        perturbation: Model,
        residual: Callable[[Array, Array], tuple[Array | None, Array]],
        wavelet: Array,
        sources: Locations,
        receivers: Locations,
        kinds: tuple[str, ...] = ("illumination",),
    ) -> ShotResult:
        """The product of a Hessian with a perturbation, and images from the same propagations.

        For a function phi(F q) it is J^T W J dp + (dJ[dp])^T r, with r its derivative by the
        gather and W the second one.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        perturbation : mapping of str to ndarray
            Change of each parameter, on the model's grid.
        residual : callable
            From the modelled gather d and its change J dp to r and to W J dp, all of shape
            (n_receivers, samples). With None for r the product is that of Gauss and Newton, for
            three propagations, not four.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations
        kinds : tuple of str
            Names of imaging conditions (see `imaging_conditions`); for other parameters see
            `hessian`.

        Returns
        -------
        ShotResult
            Its `product` is that of the Hessian.
        """

        def adjoint(gathers: dict[int, Array]) -> tuple[int, dict[int, Array]]:
            derivative, change = residual(gathers[0], gathers[1])
            # The multipliers of Gauss and Newton are those of a gradient, whose source is W J dp.
            return (0, {0: change}) if derivative is None else (1, {0: derivative, 1: change})

        models = {0: model, 1: perturbation}
        request = GradientRequest(1, images=("gradient", *kinds))
        with self.runner() as runner:
            return runner.gradient_components(
                models, {0: wavelet}, adjoint, sources, receivers, request
            )

    def images(
        self,
        model: Model,
        residual: Callable[[Array], Array],
        wavelet: Array,
        sources: Locations,
        receivers: Locations,
        kinds: tuple[str, ...] = ("gradient",),
    ) -> ShotResult:
        """Model a gather, propagate a residual of it backwards, and correlate the two.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        residual : callable
            From the modelled gather to the adjoint source, both of shape
            (n_receivers, samples).
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations
        kinds : tuple of str
            "gradient", and names of imaging conditions (see `imaging_conditions`).

        Returns
        -------
        ShotResult
            With the modelled gather, the gradient and images.
        """
        with self.runner() as runner:
            return runner.gradients_of_each(
                {0: model},
                {0: wavelet},
                lambda gathers: [(0, {0: residual(gathers[0])})],
                sources,
                receivers,
                GradientRequest(images=kinds),
            )[0]

    def runner(self) -> AbstractContextManager[ShotRunner]:
        """A shot runner for one call: operators by component, with derivatives of any order."""
        return self._pool.runner()
