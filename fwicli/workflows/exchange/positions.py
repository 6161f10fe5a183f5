"""Statistics of positions: extents, offsets, fold, repeated and impossible positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import ordered

Array = NDArray[Any]

# Positions are told apart to this [m].
RESOLUTION = 1e-3
# Bins of the histogram of offsets.
BINS = 10
# Largest plausible distance of a receiver from its source [m], and depth of either [m].
FARTHEST, DEEPEST = 200e3, 20e3
# Plausible distance of the farthest receiver over the length of the record [m/s].
SLOWEST, FASTEST = 5.0, 20e3
# A position at the origin is odd if it lies this many median distances from its neighbours.
ISOLATED = 10.0


@dataclass(frozen=True)
class PositionStatistics:
    """Statistics of an acquisition.

    Parameters
    ----------
    acquisition : Acquisition
    duration : float
        Length of the records [s].
    """

    acquisition: Acquisition
    duration: float

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return ("x", "z") if self.acquisition.ndim == 2 else ("x", "y", "z")

    @cached_property
    def shot_of(self) -> NDArray[np.int64]:
        """Shot of each trace."""
        counts = [len(self.acquisition.receivers_of(s)) for s in range(self.acquisition.shots)]
        return np.repeat(np.arange(self.acquisition.shots), counts)

    @cached_property
    def receivers(self) -> Array:
        """Receiver of each trace, shape (n_traces, ndim) [m]."""
        shots = range(self.acquisition.shots)
        return np.concatenate([self.acquisition.receivers_of(s) for s in shots]).astype(float)

    @cached_property
    def sources(self) -> Array:
        """Source of each trace, shape (n_traces, ndim) [m]."""
        return self.acquisition.sources[self.shot_of].astype(float)

    @cached_property
    def distances(self) -> Array:
        """Distance of each receiver from its source [m]."""
        return np.asarray(np.linalg.norm(self.receivers - self.sources, axis=1))

    @cached_property
    def offsets(self) -> Array:
        """Horizontal distance of each receiver from its source [m]."""
        return np.asarray(np.linalg.norm((self.receivers - self.sources)[:, :-1], axis=1))

    @cached_property
    def fold(self) -> tuple[Array, Array]:
        """Midpoints of bins (n_bins, ndim - 1) [m] and the number of traces in each.

        A bin is half as wide as the receivers are apart.
        """
        midpoints = 0.5 * (self.receivers + self.sources)[:, :-1]
        midpoints = midpoints[np.isfinite(midpoints).all(axis=1)]
        width = 0.5 * _typical(self.acquisition.receivers_of(0)[:, :-1]) or 1.0
        bins, counts = np.unique(np.rint(midpoints / width), axis=0, return_counts=True)
        return bins * width, counts

    def contents(self) -> dict[str, Any]:
        """Numbers for a report."""
        counts = np.bincount(self.shot_of, minlength=self.acquisition.shots)
        numbers: dict[str, Any] = {
            "shots": self.acquisition.shots,
            "traces": int(counts.sum()),
            "receivers_per_shot": [int(counts.min()), int(counts.max())],
            "keys": self._keys(),
        }
        offsets = self.offsets[np.isfinite(self.offsets)]
        if not offsets.size:
            return numbers
        traces, edges = np.histogram(offsets, BINS)
        fold = self.fold[1]
        levels, bins = np.unique(fold, return_counts=True)
        return numbers | {
            "offset_m": [float(offsets.min()), float(offsets.max())],
            "fold": [int(fold.min()), int(fold.max())],
            "offset_histogram": {"edges_m": edges.tolist(), "traces": traces.tolist()},
            "fold_histogram": {"fold": levels.tolist(), "midpoints": bins.tolist()},
        }

    def _keys(self) -> dict[str, dict[str, Any]]:
        """Ends and number of different values of each coordinate."""
        keys = {}
        for name, points in (("source", self.acquisition.sources), ("receiver", self.receivers)):
            for axis, values in zip(self.axes, points.T.astype(float), strict=True):
                finite = values[np.isfinite(values)]
                keys[f"{name}_{axis}"] = {
                    "from": float(finite.min()) if finite.size else None,
                    "to": float(finite.max()) if finite.size else None,
                    "different": len(np.unique(np.rint(finite / RESOLUTION))),
                    "unit": "m",
                }
        return keys

    # --- oddities ---------------------------------------------------------------------------------

    def odd(self) -> Iterator[str]:
        """Sentences on oddities with the positions."""
        yield from self._unknown()
        yield from self._repeated_sources()
        yield from self._repeated_receivers()
        yield from self._origin()
        yield from self._far()

    def above_zero(self) -> Iterator[str]:
        """Sentences on sources and receivers that all lie above z = 0, which points down."""
        for name, points in (("sources", self.acquisition.sources), ("receivers", self.receivers)):
            z = points[np.isfinite(points).all(axis=1), -1]
            if z.size and z.max() < 0:
                yield (
                    f"all {name} lie above z = 0, which points down, at z from {z.min():.4g} to "
                    f"{z.max():.4g} m: elevations, or depths with the wrong sign?"
                )

    def _unknown(self) -> Iterator[str]:
        for name, points in (("sources", self.acquisition.sources), ("receivers", self.receivers)):
            unknown = int((~np.isfinite(points)).any(axis=1).sum())
            if unknown:
                yield f"{unknown} of {len(points)} {name} have a position that is not a number"

    def _repeated_sources(self) -> Iterator[str]:
        sources = self.acquisition.sources
        kinds = ordered(self.acquisition.components[1])
        # A sensor of several components is a source of several kinds, by reciprocity.
        each = map(self.acquisition.emitted_by, range(self.acquisition.shots))
        numbers = [kinds.index(kind) for kind in each] if len(kinds) > 1 else 0 * sources[:, 0]
        groups = _groups(np.column_stack((numbers, sources)))
        if not groups:
            return
        first = groups[0]
        if len(first) == len(sources):
            yield (
                f"all {len(sources)} shots have their source at {_place(sources[0])}: the keys of "
                f"the source do not vary"
            )
            return
        yield (
            f"{sum(map(len, groups))} shots share {len(groups)} source positions, as shots "
            f"{first[0]} and {first[1]} at {_place(sources[first[0]])}: repeated, or other shots "
            f"with wrong keys?"
        )

    def _repeated_receivers(self) -> Iterator[str]:
        shots, example, last = [], "", None
        for shot in range(self.acquisition.shots):
            points = self._by_component(shot)
            if points is last and shots and shots[-1] == shot - 1:
                shots.append(shot)  # the same receivers in every shot
                continue
            groups = [] if points is last else _groups(points)
            last = points
            if groups:
                shots.append(shot)
                count = sum(map(len, groups))
                example = example or (
                    f"{count} of {len(points)} traces of shot {shot} share {len(groups)} receiver "
                    f"positions, as traces {groups[0][0]} and {groups[0][1]} at "
                    f"{_place(points[groups[0][0]][-self.acquisition.ndim :])}"
                )
        if shots:
            more = f", and in {len(shots) - 1} more shots" if len(shots) > 1 else ""
            yield f"{example}{more}: traces twice, or keys that do not vary?"

    def _by_component(self, shot: int) -> Array:
        """Positions of the receivers of a shot, with the number of the component if they differ."""
        points = self.acquisition.receivers_of(shot)
        rows = self.acquisition.rows_by_component(shot) if self._mixed else {}
        if len(rows) < 2:
            return points
        column = np.zeros((len(points), 1))
        for number, own in enumerate(rows.values()):
            column[own] = number
        return np.hstack((column, points))

    @cached_property
    def _mixed(self) -> bool:
        return len(self.acquisition.components[0]) > 1

    def _origin(self) -> Iterator[str]:
        """Positions of zeros that no neighbours explain: headers that were never filled."""
        for name, points in (("sources", self.acquisition.sources), ("receivers", self.receivers)):
            places = np.unique(points[np.isfinite(points).all(axis=1)], axis=0)
            zero = ~places.any(axis=1)
            others = places[~zero]
            if not zero.any() or len(others) < 2:
                continue
            nearest = float(np.linalg.norm(others, axis=1).min())
            if nearest > ISOLATED * _typical(others):
                count = int((~points.any(axis=1)).sum())
                yield (
                    f"{count} of {len(points)} {name} lie at zero in all coordinates, and the "
                    f"nearest other one {nearest:.4g} m away: keys that were never filled?"
                )

    def _far(self) -> Iterator[str]:
        deepest = np.nanmax(np.abs(np.concatenate((self.sources, self.receivers))[:, -1]))
        if deepest > DEEPEST:
            yield (
                f"a depth or elevation of {deepest:.4g} m is larger than {DEEPEST:g} m: a scalar "
                f"or unit that makes no sense?"
            )
        farthest = float(np.nanmax(self.distances))
        if farthest > FARTHEST:
            yield (
                f"a receiver lies {farthest:.4g} m from its source, farther than {FARTHEST:g} m: "
                f"a scalar or unit that makes no sense, or keys of another survey?"
            )
        speed = farthest / self.duration if self.duration else 0.0
        if farthest and not SLOWEST <= speed <= FASTEST:
            yield (
                f"the farthest receiver is {farthest:.4g} m away and the records last "
                f"{self.duration:.4g} s, {speed:.3g} m/s: the unit of positions, their scalar, or "
                f"the sampling interval is wrong by a factor"
            )


def odd_points(points: Array, name: str) -> Iterator[str]:
    """Sentences on oddities of points that belong to no shots, as those of a table.

    Parameters
    ----------
    points : ndarray of shape (n, ndim)
        [m]; depth last.
    name : str
        Of the points, in the plural.

    Yields
    ------
    sentence : str
    """
    groups = _groups(points)
    if groups:
        yield (
            f"{sum(map(len, groups))} of {len(points)} {name} share {len(groups)} positions, as "
            f"numbers {groups[0][0] + 1} and {groups[0][1] + 1} at {_place(points[groups[0][0]])}"
        )
    plane = points[:, :-1]
    zero = ~plane.any(axis=1)
    others = plane[~zero]
    if zero.any() and len(others) > 1:
        nearest, typical = float(np.linalg.norm(others, axis=1).min()), _typical(others)
        if typical and nearest > ISOLATED * typical:
            yield (
                f"{int(zero.sum())} of {len(points)} {name} lie at zero, and the nearest other one "
                f"{nearest:.4g} m away: coordinates that were never filled?"
            )


def _groups(points: Array) -> list[NDArray[np.int64]]:
    """Numbers of points at one position, for every position of two or more."""
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    rounded = np.rint(points[finite] / RESOLUTION)
    _, inverse, counts = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    if (counts == 1).all():
        return []
    order = np.argsort(inverse.reshape(-1), kind="stable")
    parts = np.split(finite[order], np.cumsum(counts)[:-1])
    return sorted((part for part in parts if len(part) > 1), key=lambda part: int(part[0]))


def _typical(points: Array) -> float:
    """Median distance of neighbours along the order of their coordinates [m]."""
    places = np.unique(points[np.isfinite(points).all(axis=1)], axis=0)
    if len(places) < 2:
        return 0.0
    return float(np.median(np.linalg.norm(np.diff(places, axis=0), axis=1)))


def _place(position: Array) -> str:
    """A position in words."""
    return f"({', '.join(f'{c:.10g}' for c in position)}) m"
