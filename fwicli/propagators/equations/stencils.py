"""Weights of centred differences: Taylor's, or the best over a band of wavenumbers.

A second difference on the points, and a slope half a cell away, along an axis of spacing h,

    d2f/dx2 (x)         ~  sum_j c_j (f(x + j h) - 2 f(x) + f(x - j h)) / h**2,   j = 1 ... N
    df/dx (x + h / 2)   ~  sum_j a_j (f(x + j h) - f(x - (j - 1) h)) / h,         j = 1 ... N

see the wavenumber k as K,

    (K h)**2 = 2 sum_j c_j (1 - cos(j k h)),        K h = 2 sum_j a_j sin((j - 1/2) k h),

and waves travel K / k times as fast, time stepping aside. Weights of Taylor's series have the order
2 N: they are exact for k = 0 and fail towards short waves. Optimised weights have the same reach,
and |K / k - 1| <= 1e-4 from the longest waves to the shortest possible (a Chebyshev approximation,
solved as a linear programme). With reach 4 that is 3.8 points per wavelength, where Taylor's need
6.5 for the same. On finer grids Taylor's are the better ones.

An absorbing layer grows where the second difference is below the square of the slopes that act in
the layer (see `absorbing`). The optimised ones keep above them at all wavenumbers.

References: Holberg (1987), Geophysical Prospecting 35, 629-655, and Liu (2013), Geophysics 78,
T113-T132, for differences that are the best over a band; Etgen (2007), SEG expanded abstracts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import PhysicsError

STENCILS = ("taylor", "optimised")

# Largest error of the velocity in the band of optimised weights.
ERROR = 1e-4
# Weights c_1 ... c_N by order.
SECOND: dict[int, tuple[float, ...]] = {
    6: (1.561851169, -0.17622534, 0.015916691),
    8: (1.69838668, -0.253985668, 0.043433755, -0.004584239),
    10: (1.789225773, -0.316613181, 0.075623615, -0.015647354, 0.001886884),
    12: (1.849659594, -0.363591511, 0.105856591, -0.03101343, 0.007381559, -0.001009083),
    14: (
        *(1.89044859, -0.397803581, 0.131120275, -0.047101601, 0.015827376, -0.004253802),
        0.000652273,
    ),
    16: (
        *(1.918488835, -0.422531621, 0.151039896, -0.061626244, 0.025254504, -0.009487086),
        *(0.002841349, -0.000480549),
    ),
}
# Weights a_1 ... a_N by order.
HALF: dict[int, tuple[float, ...]] = {
    6: (1.188781055, -0.074106058, 0.006727426),
    8: (1.220912287, -0.095935072, 0.0161125, -0.001967084),
    10: (1.239278543, -0.110405639, 0.024848545, -0.00571701, 0.000868304),
    12: (1.250128463, -0.119704368, 0.031596176, -0.009738419, 0.002726088, -0.000496556),
    14: (
        *(1.256821415, -0.125730263, 0.03645241, -0.013194273, 0.004837589, -0.001574456),
        0.00033446,
    ),
    16: (
        *(1.261137829, -0.129736028, 0.039891856, -0.015908081, 0.006780827, -0.002804792),
        *(0.00103465, -0.00025051),
    ),
}


@dataclass(frozen=True)
class Stencil:
    """Order and kind of the differences in space.

    Parameters
    ----------
    order : int
        Twice the reach N; even.
    weights : {"taylor", "optimised"}

    Raises
    ------
    PhysicsError
        If there are no such weights, or none of that order.
    """

    order: int
    weights: str = "taylor"

    def __post_init__(self) -> None:
        if self.weights not in STENCILS:
            raise PhysicsError(
                f"there is no stencil {self.weights!r}; choose {' or '.join(STENCILS)}"
            )
        if self.optimised and self.order not in SECOND:
            raise PhysicsError(
                f"there are no optimised stencils of order {self.order}; choose an order of "
                f"{', '.join(map(str, SECOND))}, or `stencil: taylor`"
            )

    @classmethod
    def of(cls, order: int | Stencil) -> Stencil:
        """The stencil itself, or Taylor's of an order."""
        return order if isinstance(order, Stencil) else cls(order)

    @property
    def optimised(self) -> bool:
        """Whether the weights are the best over a band."""
        return self.weights == "optimised"

    @property
    def second(self) -> list[float]:
        """Weights c_0, ..., c_N of the second difference for a spacing of 1, c_0 = -2 sum c_j."""
        half = self.order // 2
        square = math.factorial(half) ** 2
        sides = (
            SECOND[self.order]
            if self.optimised
            else [
                2
                * (-1) ** (j + 1)
                * square
                / (j**2 * math.factorial(half - j) * math.factorial(half + j))
                for j in range(1, half + 1)
            ]
        )
        return [-2 * sum(sides), *sides]

    @property
    def half(self) -> NDArray[np.float64]:
        """Weights at 1/2, 3/2, ... cells of the difference half a cell on, for a spacing of 1."""
        count = self.order // 2
        if self.optimised:
            return np.array(HALF[self.order])
        distances = np.arange(count) + 0.5
        powers = 2 * distances ** (2 * np.arange(count)[:, None] + 1)
        return np.asarray(np.linalg.solve(powers, np.eye(count)[0]))

    @property
    def largest_square(self) -> float:
        """The largest (K h)**2, which limits the time step.

        It is that of the second difference; of optimised slopes, if theirs is larger.
        """
        largest = 4 * sum(self.second[1::2])
        if self.optimised:
            slope = 2 * sum((-1) ** j * a for j, a in enumerate(HALF[self.order]))
            largest = max(largest, slope**2)
        return largest
