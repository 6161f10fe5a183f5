"""Paths of waves through an earth model, as times spent at each velocity.

A path between two points leaves the straight line between them by

    z(s) - z_line(s) = a sin(pi s),        0 < s < 1,        T(a) = int |dx| / c

downwards or upwards. By Fermat's principle waves run where their time T is stationary. Starting
at a = 0, the path is bent as long as its time falls: a direct wave in water stays in the water,
although waves below the floor may be faster, and where velocities grow with depth it dives. A path
down to the end of the model and back is that of reflections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# From positions of shape (n, ndim) [m] to velocities of shape (n,) [m/s].
Velocity = Callable[[Array], Array]

# Points of a path, and steps that it may be bent by.
POINTS = 65
STEPS = 64


@dataclass(frozen=True)
class WavePath:
    """A path of waves.

    Attributes
    ----------
    shot : int
        Number of the shot.
    length : float
        [m]
    velocity, time : ndarray of shape (n,)
        Velocity [m/s], and time that waves travel with it [s].
    """

    shot: int
    length: float
    velocity: Array
    time: Array

    def within(self, duration: float) -> WavePath:
        """The part of the path that waves run through within a time [s], from its begin."""
        before = np.cumsum(self.time) - self.time
        time = np.clip(duration - before, 0.0, self.time)
        length = float((time * self.velocity).sum())
        return WavePath(self.shot, min(length, self.length), self.velocity, time)


def between(
    source: Array, receiver: Array, velocity: Velocity, step: float, shot: int = 0
) -> WavePath:
    """Path from a source to a receiver, bent from the straight line as long as its time falls.

    Parameters
    ----------
    source, receiver : ndarray of shape (ndim,)
        [m]
    velocity : callable
        Velocity at positions (n, ndim) [m/s].
    step : float
        By which it is bent at once [m].
    shot : int
        Number of the shot.

    Returns
    -------
    path : WavePath
    """
    share = np.linspace(0, 1, POINTS)[:, None]
    straight, bend = source + share * (receiver - source), np.sin(np.pi * share[:, 0])

    def bent(amplitude: float) -> WavePath:
        points = straight.copy()
        points[:, -1] += amplitude * bend
        return _along(points, velocity, shot)

    best = [bent(0.0)]
    for side in (step, -step):
        path = best[0]
        for count in range(1, STEPS):
            further = bent(count * side)
            if further.time.sum() >= path.time.sum():
                break
            path = further
        best.append(path)
    return min(best, key=lambda path: float(path.time.sum()))


def down_and_back(source: Array, end: float, velocity: Velocity, shot: int = 0) -> WavePath:
    """Path from a source down to a depth [m] and back.

    Parameters
    ----------
    source : ndarray of shape (ndim,)
        [m]
    end : float
        Depth [m].
    velocity : callable
        Velocity at positions (n, ndim) [m/s].
    shot : int
        Number of the shot.

    Returns
    -------
    path : WavePath
        Its parts hold the ways down and up, at the same velocities.
    """
    points = np.repeat(source[None], POINTS, axis=0)
    points[:, -1] = np.linspace(source[-1], end, POINTS)
    one_way = _along(points, velocity, shot)
    return WavePath(shot, 2 * one_way.length, one_way.velocity, 2 * one_way.time)


def of_shots(
    shots: Iterator[tuple[int, Array, Array]], end: float, velocity: Velocity, step: float
) -> list[WavePath]:
    """Paths of shots: to receivers at all of their farthest distance, half and a quarter, and down.

    Parameters
    ----------
    shots : iterator of (int, ndarray of shape (ndim,), ndarray of shape (n_receivers, ndim))
        Number, source and receivers of each [m].
    end : float
        Depth of the end of the model [m].
    velocity : callable
        Velocity at positions (n, ndim) [m/s].
    step : float
        By which paths are bent at once [m].

    Returns
    -------
    paths : list of WavePath
    """
    paths = []
    for shot, source, receivers in shots:
        distance = np.linalg.norm(receivers - source, axis=1)
        distances = distance.max() * np.array([1.0, 0.5, 0.25])
        chosen = {int(np.abs(distance - d).argmin()) for d in distances}
        paths += [between(source, receivers[n], velocity, step, shot) for n in sorted(chosen)]
        paths.append(down_and_back(source, end, velocity, shot))
    return paths


def _along(points: Array, velocity: Velocity, shot: int) -> WavePath:
    """The path along straight lines between points, with the velocities at their middles."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    values = velocity(0.5 * (points[1:] + points[:-1]))
    return WavePath(shot, float(lengths.sum()), values, lengths / values)
