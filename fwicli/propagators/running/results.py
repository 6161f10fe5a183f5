"""Request of a gradient run, and the result of a shot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from fwicli.propagators.discretization import Discretization
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.running.shared_memory import SharedSlot
from fwicli.propagators.symbolic.component_names import prefix

Array = NDArray[Any]


@dataclass(frozen=True)
class GradientRequest:
    """Derivatives and images that an adjoint run accumulates, and where its history is stored.

    Parameters
    ----------
    n_directions : int
        Number of directions along which the equation is differentiated (see `directions`).
    derivatives : collection of (int, str), optional
        Components of the gradient and names of parameters; by default the last component, for all
        parameters of the discretization.
    images : tuple of str
        "gradient", and names of imaging conditions (see `imaging_conditions`).
    at_sources : bool
        Whether the adjoint field is recorded at the sources.
    slot : SharedSlot, optional
        Shared memory for the history. A history that is complete there is used: no gathers are
        modelled. The derivatives must be those for the slot's parameters.
    """

    n_directions: int = 0
    derivatives: Collection[tuple[int, str]] | None = None
    images: tuple[str, ...] = ("gradient",)
    at_sources: bool = False
    slot: SharedSlot | None = None

    def forward_signature(self, discretization: Discretization) -> Signature:
        """Signature of the forward kernel that makes the history."""
        n = self.n_directions
        if self.slot is not None:
            return history_signature(discretization, n, self.slot)
        # A lifted system has sources in the layer, too: it is not run backwards.
        edges = discretization.history.kind == "boundary" and not n
        kind = "edges" if edges else "history"
        return discretization.signature(
            "forward", **{kind: True}, n_directions=n, **self._parameters()
        )

    def adjoint_signature(self, discretization: Discretization, n_directions: int) -> Signature:
        """Signature of the kernel that propagates backwards and accumulates.

        Parameters
        ----------
        discretization : Discretization
        n_directions : int
            Number of directions of the adjoint source, which may be fewer.

        Returns
        -------
        Signature
        """
        return discretization.signature(
            "gradient",
            images=self.images,
            n_directions=n_directions,
            recorded=self.at_sources,
            **self._parameters(),
        )

    def _parameters(self) -> dict[str, Any]:
        """Parameters of the lifted equation, where some derivatives are named."""
        if self.derivatives is None:
            return {}
        # A component of the gradient for p is the last of that for another component of p.
        last = 2**self.n_directions - 1
        return {
            "parameters": tuple(sorted({f"{prefix(last ^ c)}{n}" for c, n in self.derivatives}))
        }


def history_signature(
    discretization: Discretization, n_directions: int, slot: SharedSlot
) -> Signature:
    """Signature of the forward kernel that makes a history in shared memory.

    Parameters
    ----------
    discretization : Discretization
    n_directions : int
    slot : SharedSlot

    Returns
    -------
    Signature
    """
    return discretization.signature(
        "forward", history=True, n_directions=n_directions, parameters=slot.parameters
    )


@dataclass(frozen=True)
class ShotResult:
    """Gathers, derivatives and images of one shot, by component.

    Attributes
    ----------
    gathers : dict of int to ndarray of shape (n_receivers, samples)
        Modelled gather [Pa], and its derivatives along directions; empty if the history was in
        shared memory already.
    at_sources : dict of int to ndarray of shape (n_sources, samples)
        Adjoint field recorded at the sources, if requested.
    gradients : dict of int to dict of str to ndarray
        Derivative with respect to each parameter, on the model's grid.
    images : dict of str to ndarray
        Other images, on the model's grid, by name.
    """

    gathers: dict[int, Array] = field(default_factory=dict)
    at_sources: dict[int, Array] = field(default_factory=dict)
    gradients: dict[int, dict[str, Array]] = field(default_factory=dict)
    images: dict[str, Array] = field(default_factory=dict)

    @property
    def gather(self) -> Array:
        """Modelled gather [Pa], of shape (n_receivers, samples)."""
        return self.gathers[0]

    @property
    def gradient(self) -> dict[str, Array]:
        """Derivative with respect to each parameter; empty if not requested."""
        return self.gradients.get(0, {})

    @property
    def product(self) -> dict[str, Array]:
        """Product of a second derivative with a perturbation, by parameter."""
        (product,) = self.gradients.values()
        return product
