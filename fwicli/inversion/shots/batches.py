"""Batches of shots: what an iteration sees of a survey.

    phi_k(x) = 1 / p sum_{s in S_k} misfit_s(x)

with S_k the shots of iteration k and p the probability that a shot is among them, the same for
every shot, so that phi_k and its gradient are on average those of all shots. A batch is a function
of the seed, the stage and the iteration alone: an iteration that is repeated after a stop sees the
same shots, and all evaluations of one iteration do.

References: van Leeuwen and Herrmann (2013), Geophys. Prospect. 61(s1), 10-25, for random subsets;
Ha and Shin (2013), Geophysics 78, R101-R107, for subsets that come round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# How the shots of an iteration are chosen.
#   shuffled      a random order, in which every shot comes once before any comes again
#   random        a new random subset in every iteration
#   interleaved   every n-th shot along the line, from another first one in every iteration
ORDERS = ("shuffled", "random", "interleaved")


def generator(seed: int, stage: int, iteration: int) -> np.random.Generator:
    """Random numbers of one iteration, whatever was drawn before."""
    return np.random.Generator(np.random.PCG64([seed, stage, iteration]))


@dataclass(frozen=True)
class Batches:
    """Rule for the shots of each iteration.

    Parameters
    ----------
    size : int
        Most shots in an iteration.
    order : {"shuffled", "random", "interleaved"}
    seed : int
        Another one gives other shots.
    """

    size: int
    order: str = "shuffled"
    seed: int = 0

    def shots(self, count: int, stage: int, iteration: int) -> Array:
        """Numbers of the shots of an iteration out of `count`, increasing."""
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
        """1 / p, what the misfit of each shot counts."""
        if self.size >= count:
            return 1.0
        return count / self.size if self.order == "random" else float(self._batches(count))

    def _batches(self, count: int) -> int:
        """Batches in a round, of nearly one size: the last is not a small rest."""
        return -(-count // self.size)
