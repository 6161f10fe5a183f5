"""Images of contrasts of properties: relative ones of velocity, density and impedance.

    condition       changes by s                    at constant
    velocity        d ln vp = s                     density
    impedance       d ln rho = s                    velocity
    tomographic     d ln vp = s, d ln rho = -s      impedance
    density         d ln rho = s                    velocity, as impedance
    epsilon, delta  d epsilon = s, d delta = s      all others

In an equation with k = 1 / (rho vp**2) and 1 / rho the impedance changes both by -s: the image is
inverse scattering, which sees waves thrown back and is blind to those that go on. The tomographic
one is its counterpart, blind to waves thrown back. Their sum is the image of velocity, 2 m times
the cross-correlation of the second derivative of one field with the other.

References: Whitmore and Crawley (2012), SEG Technical Program Expanded Abstracts, 1-6; Op 't Root,
Stolk and de Hoop (2012), Journal de Mathematiques Pures et Appliquees 98, 211-238.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.conditions.condition import Condition
from fwicli.propagators.equations import properties

Array = NDArray[Any]


class Contrast(Condition):
    """An image of a change of physical properties."""

    shares: ClassVar[Mapping[str, float]]
    """Change of each property for an image of one: relative for `vp` and `rho`."""

    def perturbation(self, image: Array) -> dict[str, Array]:
        """Changes of the parameters."""
        complete = self._properties()
        changes = {name: scale * image for name, scale in self._scales(complete).items()}
        return properties.perturbation(self.equation, complete, changes)

    def image(self, gradients: Mapping[str, Array]) -> Array:
        """The image of gradients."""
        complete, total = self._properties(), np.zeros(self.earth.grid.shape)
        for name, scale in self._scales(complete).items():
            total += scale * properties.gradient(self.equation, complete, gradients, name)
        return total

    def _properties(self) -> dict[str, Array]:
        """Properties in double precision: products of float32 would show in dot tests.

        The density is that of water where the model has none.
        """
        shape = self.earth.grid.shape
        default = {"rho": np.full(shape, 1000.0)} if "rho" in self.shares else {}
        return {n: np.asarray(v, float) for n, v in {**default, **self.earth.properties}.items()}

    def _scales(self, complete: Mapping[str, Array]) -> dict[str, Any]:
        """Change of each property for an image of one, from all properties."""
        return {
            name: share * (complete[name] if name in ("vp", "rho") else 1.0)
            for name, share in self.shares.items()
        }


class Velocity(Contrast):
    """Relative change of P velocity at constant density: the image of full-waveform inversion."""

    name, shares = "velocity", {"vp": 1.0}


class Impedance(Contrast):
    """Relative change of impedance at constant velocity: inverse scattering."""

    name, shares = "inverse_scattering", {"rho": 1.0}


class Tomographic(Contrast):
    """Relative change of velocity at constant impedance: the counterpart of inverse scattering."""

    name, shares = "tomographic", {"vp": 1.0, "rho": -1.0}


class Density(Contrast):
    """Relative change of density at constant velocity, by which the impedance changes as much."""

    name, shares = "density", {"rho": 1.0}


class Epsilon(Contrast):
    """Change of Thomsen's epsilon."""

    name, shares = "epsilon", {"epsilon": 1.0}


class Delta(Contrast):
    """Change of Thomsen's delta."""

    name, shares = "delta", {"delta": 1.0}
