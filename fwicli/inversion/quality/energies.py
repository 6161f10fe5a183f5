"""Shots that recorded no waves, though the others did.

A shot is dead if its amplitude is far below that of the others, or if no first arrival stands out
from noise in its traces, although the others have many and are louder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.first_arrivals import pick_onsets
from fwicli.inversion.quality.faults import Fault

Array = NDArray[Any]

# Amplitudes of a shot relative to the median of all: below the first it is dead, below the second
# if it has fewer picks than this share of the median.
FAINT, WEAK, FEW = 0.01, 0.6, 0.2
# Fewest shots that can be compared, and fewest traces of the others with a pick.
SHOTS, STANDING = 3, 0.1


@dataclass(frozen=True)
class Energy:
    """Energy of a shot.

    Attributes
    ----------
    amplitude : float
        Root mean square of all samples [Pa].
    standing : float
        Share of the traces in which a first arrival stands out from noise.
    """

    amplitude: float
    standing: float


def energy(gather: Array, interval: float, frequency: float) -> Energy:
    """Energy of a shot.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
        Traces that are not silent.
    interval : float
        Sampling interval [s].
    frequency : float
        Middle of the band of the records [Hz].

    Returns
    -------
    energy : Energy
    """
    if gather.size == 0 or not np.any(gather):
        return Energy(0.0, 0.0)
    picked = np.isfinite(pick_onsets(gather, interval, frequency))
    amplitude = float(np.sqrt((np.asarray(gather, dtype=np.float64) ** 2).mean()))
    return Energy(amplitude, float(picked.mean()))


def dead_shots(
    shots: Sequence[Energy],
    names: Sequence[int],
    typical_shots: Sequence[Energy] = (),
    compared: int = 0,
) -> Fault | None:
    """The fault of dead shots; None if there are none, or too few shots to compare.

    Parameters
    ----------
    shots : sequence of Energy
    names : sequence of int
        Their numbers in the survey.
    typical_shots : sequence of Energy, optional
        Shots that they are compared with; by default these shots.
    compared : int, optional
        Number of shots that were looked at, these and stronger ones; by default these shots.

    Returns
    -------
    fault : Fault or None
    """
    amplitude = np.array([s.amplitude for s in shots])
    standing = np.array([s.standing for s in shots])
    others = typical_shots or shots
    typical = float(np.median([s.amplitude for s in others])) if len(others) >= SHOTS else 0.0
    if not typical > 0:
        return None
    usual = float(np.median([s.standing for s in others]))
    dead = amplitude <= FAINT * typical
    if usual > STANDING:
        dead |= (amplitude <= WEAK * typical) & (standing <= FEW * usual)
    numbers = np.flatnonzero(dead)
    if not numbers.size:
        return None
    loudest = float(amplitude[numbers].max() / typical)
    dead_names = [names[int(n)] for n in numbers]
    words = ", ".join(map(str, dead_names[:10])) + (", ..." if len(numbers) > 10 else "")
    one = len(numbers) == 1
    return Fault(
        "dead_shot",
        f"{'shot' if one else 'shots'} {words} {'is' if one else 'are'} dead "
        f"({len(numbers)} of {compared or len(shots)} shots): "
        f"{'its' if one else 'their'} amplitude is {loudest:.2g} times that of the others, and "
        f"first arrivals stand out in {100 * float(standing[numbers].max()):.0f}% of "
        f"{'its' if one else 'their'} traces, "
        f"and in {100 * usual:.0f}% of those of the others",
        {"shots": dead_names, "amplitude_ratio": loudest},
    )
