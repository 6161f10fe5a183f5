"""Batches of shots: the part of a survey that one iteration uses.

    phi_k(x) = 1 / p sum_{s in S_k} misfit_s(x)

with S_k the shots of iteration k and p the probability that a shot is among them, equal for all
shots, so that phi_k and its gradient are on average those of all shots. A batch is a function of
the seed, the stage and the iteration alone. All evaluations of an iteration use the same shots,
also when it is repeated after an interruption.

References: van Leeuwen and Herrmann (2013), Geophys. Prospect. 61(s1), 10-25, for random subsets;
Ha and Shin (2013), Geophysics 78, R101-R107, for cyclic subsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Rules by which shots are chosen.
#   shuffled      a random order; every shot is used once before any is used again
#   random        a new random subset in every iteration
#   interleaved   every n-th shot along the line, with another first shot in every iteration
ORDERS = ("shuffled", "random", "interleaved")


def generator(seed: int, stage: int, iteration: int) -> np.random.Generator:
    """Random numbers of one iteration, independent of earlier draws.

    Parameters
    ----------
    seed : int
        Seed of the run.
    stage, iteration : int
        Numbers from 0.

    Returns
    -------
    generator : numpy.random.Generator
    """
    return np.random.Generator(np.random.PCG64([seed, stage, iteration]))


@dataclass(frozen=True)
class Batches:
    """Rule for the shots of each iteration.

    Parameters
    ----------
    size : int
        Largest number of shots in an iteration.
    order : {"shuffled", "random", "interleaved"}
        See `ORDERS`.
    seed : int
        Another seed selects other shots.
    """

    size: int
    order: str = "shuffled"
    seed: int = 0

    def shots(self, count: int, stage: int, iteration: int) -> Array:
        """Shots of an iteration.

        Parameters
        ----------
        count : int
            Number of shots of the survey.
        stage, iteration : int
            Numbers from 0.

        Returns
        -------
        shots : ndarray of int
            Numbers of the shots, increasing.
        """
        if self.size >= count:
            return np.arange(count)
        if self.order == "random":
            draw = generator(self.seed, stage, iteration).permutation(count)
            return np.sort(draw[: self.size])
        batches = self._batches(count)
        turn, number = divmod(iteration, batches)
        random = generator(self.seed, stage, turn)
        if self.order == "interleaved":
            return np.arange(random.permutation(batches)[number], count, batches)
        return np.sort(np.array_split(random.permutation(count), batches)[number])

    def weight(self, count: int) -> float:
        """1 / p, the weight of the misfit of each shot."""
        if self.size >= count:
            return 1.0
        return count / self.size if self.order == "random" else float(self._batches(count))

    def _batches(self, count: int) -> int:
        """Number of batches in a round; their sizes differ by at most one."""
        return -(-count // self.size)
