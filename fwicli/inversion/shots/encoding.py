"""Source encoding: several shots in one simulation.

Waves are linear in their sources. Shots that fire together, each with a sign c_s and a delay t_s,
therefore record the sum of their records with the same signs and delays:

    F(m) sum_s c_s q_s(t - t_s) = sum_s c_s [F(m) q_s](t - t_s)

One simulation so gives the misfit of a whole group. With r_s the residual of shot s, least squares
of the sum contains the terms of the shots and their cross-talk,

    1/2 |sum_s c_s r_s|**2 = sum_s 1/2 |r_s|**2 + sum_{s < s'} c_s c_s' <r_s, r_s'>

For independent random signs the cross-talk is zero on average. It decreases with the number of
averaged realisations and, as every iteration draws a new code, with the iterations. A code is a
function of the seed, the stage and the iteration alone.

Delays are whole samples, so that records and wavelets are shifted alike and exactly. The last
samples of a delayed shot are lost at the end of the record.

References: Krebs et al. (2009), Geophysics 74, WCC177-WCC188, for signs; Romero et al. (2000),
Geophysics 65, 426-436, for delays; Boonyasiriwat and Schuster (2010), SEG Expanded Abstracts 29,
3120-3124, for new codes in every iteration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError
from fwicli.inversion.shots.batches import generator
from fwicli.survey.acquisition import Acquisition

Array = NDArray[Any]

# Added to the stage, so that codes and batches of one seed have different random numbers.
STREAM = 1 << 20


@dataclass(frozen=True)
class Code:
    """The shots that fire together, with signs and delays.

    Attributes
    ----------
    shots : ndarray of int, of shape (n,)
        Numbers of the shots.
    signs : ndarray of shape (n,)
        +1 or -1.
    delays : ndarray of int, of shape (n,)
        [samples].
    """

    shots: Array
    signs: Array
    delays: Array

    def wavelets(self, wavelets: Array) -> Array:
        """Source time functions of the shots, with signs and delays.

        Parameters
        ----------
        wavelets : ndarray of shape (n, samples)
            Of the shots of the code, in their order.
        """
        return np.stack([self.coded(number, w) for number, w in enumerate(wavelets)])

    def records(self, data: Array) -> Array:
        """The gather of shape (n_receivers, samples) of all sources together.

        Parameters
        ----------
        data : ndarray of shape (n, n_receivers, samples)
            Of the shots of the code, in their order.
        """
        total = np.zeros(data.shape[1:], np.float64)
        for number, gather in enumerate(data):
            total += self.coded(number, gather.astype(np.float64))
        return total.astype(data.dtype)

    def coded(self, number: int, traces: Array) -> Array:
        """Traces of one shot, with its sign and delay.

        Parameters
        ----------
        number : int
            Number of the shot in the code.
        traces : ndarray of shape (..., samples)

        Returns
        -------
        coded : ndarray of shape (..., samples)
        """
        delay = int(self.delays[number])
        coded = np.zeros_like(traces)
        coded[..., delay:] = self.signs[number] * traces[..., : traces.shape[-1] - delay]
        return coded


@dataclass(frozen=True)
class Encoding:
    """Rule for the codes of each iteration.

    Parameters
    ----------
    sources : int or None
        Largest number of shots in one simulation; None for all.
    realisations : int
        Codes that are averaged in an iteration, each with all of its shots.
    polarity : bool
        Whether signs are random.
    delay : float
        Longest delay [s].
    seed : int
        Another seed gives other codes.
    """

    sources: int | None = None
    realisations: int = 1
    polarity: bool = True
    delay: float = 0.0
    seed: int = 0

    def codes(self, shots: Array, interval: float, stage: int, iteration: int) -> tuple[Code, ...]:
        """Codes of an iteration: every realisation contains all shots once, in random groups.

        Parameters
        ----------
        shots : ndarray of int
            Numbers of the shots of the iteration.
        interval : float
            Sampling interval [s].
        stage, iteration : int
            Numbers from 0.

        Returns
        -------
        codes : tuple of Code
        """
        random = generator(self.seed, stage + STREAM, iteration)
        longest = int(self.delay / interval + 1e-9)
        groups = 1 if self.sources is None else -(-len(shots) // self.sources)
        codes = []
        for _ in range(self.realisations):
            for group in np.array_split(random.permutation(shots), groups):
                n = len(group)
                signs = random.choice([-1.0, 1.0], n) if self.polarity else np.ones(n)
                delays = random.integers(0, longest, n, endpoint=True)
                codes.append(Code(np.sort(group), signs, delays))
        return tuple(codes)


def check_spread(acquisition: Acquisition) -> None:
    """Make sure that all shots have the same receivers, as their sum is compared.

    Raises
    ------
    GeometryError
        If the receivers of a shot lie elsewhere than those of the first.
    """
    first = acquisition.receivers_of(0)
    for shot in range(acquisition.shots):
        receivers = acquisition.receivers_of(shot)
        if receivers is first and acquisition.recorded_by(shot) == acquisition.recorded_by(0):
            continue
        if len(receivers) != len(first):
            raise GeometryError(
                f"shot {shot} has {len(receivers)} receivers and shot 0 has {len(first)}, and "
                f"shots can be encoded only where all are recorded by the same receivers; leave "
                f"out `encode`, or use batches of shots, as in `inversion.shots: {{batch: 8}}`"
            )
        alike = acquisition.recorded_by(shot) == acquisition.recorded_by(0)
        if np.abs(receivers - first).max() <= 1e-3 and alike:
            continue
        differ = "lie elsewhere than" if alike else "record other components than"
        raise GeometryError(
            f"the receivers of shot {shot} {differ} those of shot 0, and shots can be encoded only "
            f"where all are recorded by the same receivers; leave out `encode`, or use batches of "
            f"shots, as in `inversion.shots: {{batch: 8}}`"
        )
