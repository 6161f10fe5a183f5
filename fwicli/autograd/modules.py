"""The functions as layers of a network, which store their fixed arguments.

Tensors that require a gradient are parameters of the module, all others buffers; both move and are
saved with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fwicli.autograd import functions
from fwicli.autograd.functions import Model
from fwicli.deprecation import renamed_keywords
from fwicli.simulation import Simulation


class _Layer(nn.Module):
    """Keeps waves and a model."""

    @renamed_keywords(waves="simulation")
    def __init__(self, simulation: Simulation, model: Model) -> None:
        super().__init__()
        self.simulation = simulation
        self._alone = not isinstance(model, Mapping)
        named = functions._named(simulation, model)
        self._names = tuple(named)
        for name, values in named.items():
            self._keep(f"model_{name}", values)

    def _keep(self, name: str, values: Any) -> None:
        tensor = torch.as_tensor(values)
        if isinstance(tensor, nn.Parameter):
            self.register_parameter(name, tensor)
        elif tensor.requires_grad and tensor.is_leaf:
            self.register_parameter(name, nn.Parameter(tensor))
        else:
            self.register_buffer(name, tensor)

    @property
    def model(self) -> Model:
        """The model, as it was given."""
        named = {name: getattr(self, f"model_{name}") for name in self._names}
        return next(iter(named.values())) if self._alone else named


class Forward(_Layer):
    """The layer q -> F(p) q (see `functions.forward`)."""

    def forward(self, wavelet: Tensor) -> Tensor:
        """Gathers for source time functions."""
        return functions.forward(self.simulation, self.model, wavelet)


class Adjoint(_Layer):
    """The layer d -> F(p)^T d (see `functions.adjoint`)."""

    def forward(self, gather: Tensor) -> Tensor:
        """Adjoint field at the sources."""
        return functions.adjoint(self.simulation, self.model, gather)


class Jacobian(_Layer):
    """The layer dp -> J(p, q) dp (see `functions.jacobian`)."""

    @renamed_keywords(waves="simulation")
    def __init__(self, simulation: Simulation, model: Model, wavelet: Any) -> None:
        super().__init__(simulation, model)
        self._keep("wavelet", wavelet)

    def forward(self, perturbation: Model) -> Tensor:
        """Changes of the gathers."""
        return functions.jacobian(self.simulation, self.model, self.wavelet, perturbation)


class JacobianAdjoint(_Layer):
    """The layer r -> J(p, q)^T r (see `functions.jacobian_adjoint`)."""

    @renamed_keywords(waves="simulation")
    def __init__(self, simulation: Simulation, model: Model, wavelet: Any) -> None:
        super().__init__(simulation, model)
        self._keep("wavelet", wavelet)

    def forward(self, gather: Tensor) -> dict[str, Tensor] | Tensor:
        """Images, summed over shots."""
        return functions.jacobian_adjoint(self.simulation, self.model, self.wavelet, gather)
