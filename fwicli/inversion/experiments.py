"""Experiments: one propagation each, and what its gather is compared with.

An experiment is a shot of the survey, or something made of shots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.misfits import Misfit
from fwicli.survey.gathers import Gathers
from fwicli.survey.windows import Window

Array = NDArray[Any]


@dataclass(frozen=True)
class Experiment:
    """Sources, receivers and the comparison of one propagation.

    Parameters
    ----------
    source : ndarray of shape (n_sources, ndim)
        Positions [m].
    wavelet : ndarray of shape (n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    receivers : ndarray of shape (n_receivers, ndim)
        Positions [m].
    comparison : Comparison
    window : Window, optional
        What of the grid of the waves is propagated; all of it if there is none.
    """

    source: Array
    wavelet: Array
    receivers: Array
    comparison: Comparison
    window: Window | None = None


def experiments(
    gathers: Gathers, misfit: Misfit, windows: Sequence[Window] = ()
) -> tuple[Experiment, ...]:
    """An experiment for every shot.

    Parameters
    ----------
    gathers : Gathers
        Observed data of a band, with the wavelet of the band.

    Raises
    ------
    DataError
        If there is no wavelet.
    """
    acquisition, wavelet = gathers.acquisition, gathers.wavelet
    if wavelet is None:
        raise DataError("the data come without a wavelet; give one as `wavelet`")
    return tuple(
        Experiment(
            acquisition.source(shot),
            wavelet.reshape(1, -1),
            acquisition.receivers_of(shot),
            Comparison(gathers.data[shot], gathers.interval, misfit),
            windows[shot] if windows else None,
        )
        for shot in range(acquisition.shots)
    )
