"""Images from the correlation of the two fields themselves, without a derivative in time.

A potential c in m u_tt = laplacian(u) + c u + q scatters the field c u, so that its image is the
cross-correlation sum_t u v. Born modelling for m scatters -dm u_tt: with q'_tt = q it scatters the
field of q itself. The correlation is thus an exact pair in every equation:

    correlation     d = J(q') dk,        dk = -s,        q'_tt = q

with k the compressibility, the first parameter of every equation.

Of constant density, the impedance comes the same way. With u = w sqrt(rho), a change s of ln rho at
constant velocity in k u_tt = div(grad(u) / rho) + q leaves to first order

    w_tt / vp**2 - laplacian(w) - laplacian(s) w / 2 = q        where s is zero at the sources,

so that inverse scattering is the correlation behind a Laplacian, dm = -laplacian(s) / 2. The
Laplacian is that of cosines, exact for all wavelengths of the grid, and symmetric. The tomographic
image is that of velocity less this one, and takes a Born modelling for each.

References: Claerbout (1971), Geophysics 36, 467-481; Zhang and Sun (2009), First Break 27(1),
53-59; Op 't Root, Stolk and de Hoop (2012), Journal de Mathematiques Pures et Appliquees 98,
211-238.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.conditions.condition import Condition
from fwicli.imaging.spectra import laplacian
from fwicli.propagators.equations import registry
from fwicli.survey.model import EarthModel
from fwicli.survey.signals.integrals import twice_integrated

Array = NDArray[Any]


class CrossCorrelation(Condition):
    """Zero-lag cross-correlation of the source field and the back-propagated records."""

    name: ClassVar[str] = "correlation"
    accumulated: ClassVar[str] = "correlation"

    def wavelet(self, wavelet: Array, interval: float) -> Array:
        """The wavelet integrated twice over time."""
        return twice_integrated(wavelet, interval)

    def perturbation(self, image: Array) -> dict[str, Array]:
        """Changes of the compressibility."""
        return {self._compressibility: -image}

    def image(self, gradients: Mapping[str, Array]) -> Array:
        """The image of the gradient for the compressibility."""
        return -np.asarray(gradients[self._compressibility], dtype=float)

    @property
    def _compressibility(self) -> str:
        """Name of the first parameter of the equation."""
        return next(iter(registry.load(self.equation).parameters(self.earth.grid.ndim)))


class ConstantDensityImpedance(CrossCorrelation):
    """Relative change of impedance at constant velocity, in an equation without a density.

    Parameters
    ----------
    equation : str
    earth : EarthModel
    sign : float
        Factor of the image.
    """

    name: ClassVar[str] = "inverse_scattering"

    def __init__(self, equation: str, earth: EarthModel, sign: float = 1.0) -> None:
        super().__init__(equation, earth)
        self.sign = sign

    def perturbation(self, image: Array) -> dict[str, Array]:
        """Changes of the squared slowness."""
        return super().perturbation(0.5 * self.sign * laplacian(image, self.earth.grid.spacing))

    def image(self, gradients: Mapping[str, Array]) -> Array:
        """The image of the gradient for the squared slowness."""
        correlation = super().image(gradients)
        return 0.5 * self.sign * laplacian(correlation, self.earth.grid.spacing)
