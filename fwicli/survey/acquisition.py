"""Positions of sources and receivers, shot by shot, and what they emit and record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.deprecation import warn
from fwicli.errors import GeometryError
from fwicli.survey import components
from fwicli.survey.components import PRESSURE, Component, Recording
from fwicli.survey.points import Points
from fwicli.survey.ragged import Ragged

Array = NDArray[Any]
# Recorded components of the receivers: all the same, or one component for each.
Recorded = Component | Sequence[Component]


@dataclass(frozen=True)
class Acquisition:
    """Sources and receivers: one source a shot, and the receivers of each shot.

    Parameters
    ----------
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    receivers : ndarray or sequence of ndarray
        Positions [m]: of shape (n_receivers, ndim), common to all shots; of shape (n_shots,
        n_receivers, ndim); or an array of shape (n_receivers, ndim) for each shot, where shots
        differ in their number of receivers. A sequence becomes a tuple.
    recorded : Component or sequence
        Recorded components: all the same; for common receivers, one for each; for receivers of
        each shot, an entry for each shot, which is one component or one for each of its receivers.
    emitted : Component or sequence of Component
        Emitted components: all the same, or one for each shot.

    Raises
    ------
    GeometryError
        If the shapes do not agree, or there are no sources or no receivers.
    """

    sources: Array
    receivers: Any
    recorded: Component | Sequence[Recorded] = PRESSURE
    emitted: Component | Sequence[Component] = PRESSURE

    def __post_init__(self) -> None:
        if not isinstance(self.receivers, np.ndarray):
            object.__setattr__(self, "receivers", _arrays(self.receivers))
        _check_shapes(self.sources, self.receivers)
        if not isinstance(self.recorded, Component):
            entries = tuple(e if isinstance(e, Component) else tuple(e) for e in self.recorded)
            object.__setattr__(self, "recorded", entries)
        if not isinstance(self.emitted, Component):
            object.__setattr__(self, "emitted", tuple(self.emitted))
        self._check_components()

    def _check_components(self) -> None:
        """Make sure that there are as many components as sources and receivers."""
        emitted, recorded = self.emitted, self.recorded
        if not isinstance(emitted, Component) and len(emitted) != self.shots:
            raise GeometryError(
                f"there are components of {len(emitted)} sources for {self.shots} shots; give one "
                f"for each shot, or one for all"
            )
        if isinstance(recorded, Component):
            return
        if not self._common and len(recorded) != self.shots:
            raise GeometryError(
                f"there are recorded components of {len(recorded)} shots for {self.shots} shots; "
                f"give an entry for each shot, or one component for all"
            )
        for shot in range(1 if self._common else self.shots):
            count, expected = len(self.recorded_by(shot)), int(self.counts[shot])
            if count != expected:
                raise GeometryError(
                    f"there are components of {count} receivers for the {expected} receivers of "
                    f"shot {shot}; give one for each receiver, or one for all"
                )

    @property
    def _common(self) -> bool:
        """Whether all shots have the same receivers, listed once."""
        return isinstance(self.receivers, np.ndarray) and self.receivers.ndim == 2

    @property
    def shots(self) -> int:
        """Number of shots."""
        return int(self.sources.shape[0])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of receivers of each shot, shape (n_shots,)."""
        if isinstance(self.receivers, np.ndarray):
            return np.full(self.shots, self.receivers.shape[-2], dtype=np.int64)
        return np.array([len(positions) for positions in self.receivers], dtype=np.int64)

    @property
    def ragged(self) -> bool:
        """Whether shots differ in their number of receivers."""
        return bool((self.counts != self.counts[0]).any())

    @property
    def traces(self) -> int:
        """Number of receivers of a shot, where all have as many; deprecated for `counts`.

        Raises
        ------
        GeometryError
            If shots differ in it.
        """
        warn("Acquisition.traces", "Acquisition.counts")
        if self.ragged:
            raise GeometryError(
                f"shots have {self.spread} receivers; take `counts`, the number of each shot"
            )
        return int(self.counts[0])

    @property
    def spread(self) -> str:
        """Number of receivers of a shot in words: one number, or a range."""
        least, most = int(self.counts.min()), int(self.counts.max())
        return f"{least}" if least == most else f"{least} to {most}"

    @property
    def ndim(self) -> int:
        """Number of coordinates."""
        return int(self.sources.shape[1])

    def source(self, shot: int) -> Array:
        """Position of the source of a shot, shape (1, ndim) [m]."""
        return self.sources[shot : shot + 1]

    def receivers_of(self, shot: int) -> Array:
        """Positions of the receivers of a shot, shape (n_receivers, ndim) [m]."""
        return np.asarray(self.receivers if self._common else self.receivers[shot])

    def all_receivers(self) -> Array:
        """Positions of all receivers of all shots, shape (n, ndim) [m]."""
        if isinstance(self.receivers, np.ndarray):
            return self.receivers.reshape(-1, self.ndim)
        # Shots often have an array in common, which counts once.
        arrays = {id(positions): positions for positions in self.receivers}
        return np.concatenate(list(arrays.values()))

    def sensed(self, shot: int) -> Array:
        """Positions at which receivers of a shot touch the waves, shape (n, ndim) [m].

        A gauge has two, at its ends.
        """
        receivers = self.receivers_of(shot)
        if not self._have_gauges:
            return receivers
        rows = self.rows_by_component(shot)
        return np.concatenate([end for c, own in rows.items() for end in c.ends(receivers[own])])

    def all_sensed(self) -> Array:
        """The same of all shots, shape (n, ndim) [m]."""
        if not self._have_gauges:
            return self.all_receivers()
        shots = 1 if self._common else self.shots
        return np.concatenate([self.sensed(shot) for shot in range(shots)])

    @cached_property
    def _have_gauges(self) -> bool:
        return any(component.gauge is not None for component in self.components[0])

    def recorded_by(self, shot: int) -> tuple[Component, ...]:
        """Components of the receivers of a shot."""
        recorded: Any = self.recorded
        if not isinstance(recorded, Component) and not self._common:
            recorded = recorded[shot]
        if isinstance(recorded, Component):
            return (recorded,) * int(self.counts[shot])
        return tuple(recorded)

    def emitted_by(self, shot: int) -> Component:
        """Component of the source of a shot."""
        return self.emitted if isinstance(self.emitted, Component) else self.emitted[shot]

    def source_points(self, shot: int) -> Array | Points:
        """The source of a shot with its component; its position [m] alone if that is pressure."""
        return Points(self.source(shot), self.emitted_by(shot)).plain

    def receiver_points(self, shot: int) -> Array | Points:
        """The receivers of a shot with their components; their positions [m] if all is pressure."""
        return Points(self.receivers_of(shot), self.recorded_by(shot)).plain

    @property
    def components(self) -> tuple[frozenset[Component], frozenset[Component]]:
        """Components that any receiver records, and those that any source emits."""
        emitted = self.emitted
        sources = [emitted] if isinstance(emitted, Component) else emitted
        if isinstance(self.recorded, Component):
            return frozenset([self.recorded]), frozenset(sources)
        receivers: set[Component] = set()
        for entry in self.recorded:
            receivers |= {entry} if isinstance(entry, Component) else set(entry)
        return frozenset(receivers), frozenset(sources)

    @property
    def components_of_shots(self) -> frozenset[Recording]:
        """Component of the source and those of the receivers, for all shots that differ in them."""
        shots = range(self.shots)
        if isinstance(self.recorded, Component) and isinstance(self.emitted, Component):
            shots = range(min(1, self.shots))
        return frozenset((self.emitted_by(n), frozenset(self.rows_by_component(n))) for n in shots)

    def rows_by_component(self, shot: int) -> dict[Component, NDArray[np.int64]]:
        """Numbers of the receivers of a shot, by the component that they record."""
        return components.rows(self.recorded_by(shot))

    def recording(self, components: Sequence[Component]) -> Acquisition:
        """The acquisition with all receivers of a shot once for each component.

        Parameters
        ----------
        components : sequence of Component
            All receivers record these.
        """
        if len(components) == 1:
            return replace(self, recorded=components[0])
        recorded: Any
        if self._common:
            receivers: Any = np.concatenate([self.receivers] * len(components))
            recorded = [c for c in components for _ in self.receivers]
        else:
            shots = range(self.shots)
            receivers = [np.concatenate([self.receivers[n]] * len(components)) for n in shots]
            recorded = [[c for c in components for _ in self.receivers[n]] for n in shots]
        if isinstance(self.receivers, np.ndarray):
            receivers = np.asarray(receivers)
        return replace(self, receivers=receivers, recorded=recorded)

    def placed(self, live: NDArray[np.bool_] | Ragged) -> Acquisition:
        """The acquisition with dead receivers of unknown position moved to their source.

        Parameters
        ----------
        live : ndarray of bool, of shape (n_shots, n_receivers), or Ragged
            Traces that recorded something.

        Raises
        ------
        GeometryError
            If a source, or the receiver of a live trace, has a position that is not a number.
        """
        for shot in np.flatnonzero(~np.isfinite(self.sources).all(axis=1))[:1]:
            raise GeometryError(f"the source of shot {shot} is at {_place(self.sources[shot])}")
        if np.isfinite(self.all_receivers()).all():
            return self
        nowhere = [
            np.asarray(~np.isfinite(self.receivers_of(shot)).all(axis=-1))
            for shot in range(self.shots)
        ]
        for shot, row in enumerate(nowhere):
            for receiver in np.flatnonzero(row & live[shot])[:1]:
                position = _place(self.receivers_of(shot)[int(receiver)])
                raise GeometryError(
                    f"receiver {receiver} of shot {shot} is at {position}, and its trace is not "
                    f"silent; only receivers without a trace may be nowhere"
                )
        return self.at_sources(nowhere)

    def at_sources(self, receivers: Iterable[NDArray[np.bool_]]) -> Acquisition:
        """The acquisition with some of the receivers moved to the source of their shot.

        Parameters
        ----------
        receivers : iterable of ndarray of bool, of shape (n_receivers,)
            Which are moved, for each shot.
        """
        positions = [
            np.where(row[:, None], self.source(shot), self.receivers_of(shot))
            for shot, row in enumerate(receivers)
        ]
        recorded: Any = self.recorded
        if self._common and not isinstance(recorded, Component):
            recorded = (recorded,) * self.shots
        box = isinstance(self.receivers, np.ndarray)
        stacked = np.stack(positions) if box else tuple(positions)
        return replace(self, receivers=stacked, recorded=recorded)

    def select(self, shots: Array | slice) -> Acquisition:
        """The acquisition of some of the shots, by number."""
        numbers = np.arange(self.shots)[shots]
        receivers, recorded, emitted = self.receivers, self.recorded, self.emitted
        if isinstance(receivers, tuple):
            receivers = tuple(receivers[n] for n in numbers)
        elif not self._common:
            receivers = receivers[shots]
        if not isinstance(recorded, Component) and not self._common:
            recorded = tuple(recorded[n] for n in numbers)
        if not isinstance(emitted, Component):
            emitted = tuple(emitted[n] for n in numbers)
        return Acquisition(self.sources[shots], receivers, recorded, emitted)


def towed(sources: Array, offsets: Array) -> Array:
    """Receivers at fixed offsets from each source.

    Parameters
    ----------
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    offsets : ndarray of shape (n_receivers, ndim)
        Receiver minus source [m].

    Returns
    -------
    receivers : ndarray of shape (n_shots, n_receivers, ndim)
        Positions [m].
    """
    return sources[:, None, :] + offsets[None, :, :]


def _arrays(receivers: Sequence[Any]) -> Array | tuple[Array, ...]:
    """Receivers of each shot as a tuple of arrays; a plain list of positions as one array."""
    arrays = tuple(np.asarray(positions) for positions in receivers)
    return np.stack(arrays) if arrays and all(a.ndim == 1 for a in arrays) else arrays


def _check_shapes(sources: Array, receivers: Array | tuple[Array, ...]) -> None:
    """Make sure that sources and receivers have the shapes of one survey."""
    if isinstance(receivers, tuple):
        _check_ragged(sources, receivers)
        return
    if sources.ndim != 2 or receivers.ndim not in (2, 3):
        raise GeometryError(
            f"sources of shape {sources.shape} and receivers of shape "
            f"{receivers.shape}: they must be (shots, ndim) and (receivers, ndim) or "
            f"(shots, receivers, ndim), or an array (receivers, ndim) for each shot"
        )
    shots, ndim = sources.shape
    shape = receivers.shape
    for name, count in (("sources", shots), ("receivers", shape[-2])):
        if count == 0:
            raise GeometryError(f"there are no {name}; give at least one")
    if shape[-1] != ndim or (len(shape) == 3 and shape[0] != shots):
        raise GeometryError(
            f"receivers of shape {shape} do not fit {shots} sources with {ndim} coordinates; "
            f"they must be (receivers, {ndim}) or ({shots}, receivers, {ndim})"
        )


def _check_ragged(sources: Array, receivers: tuple[Array, ...]) -> None:
    """The same for an array of receivers for each shot."""
    if sources.ndim != 2 or sources.shape[0] == 0:
        raise GeometryError(
            f"sources have shape {sources.shape}; they must be (shots, ndim), at least one"
        )
    shots, ndim = sources.shape
    if len(receivers) != shots:
        raise GeometryError(
            f"there are receivers of {len(receivers)} shots, and {shots} sources; give an array "
            f"of receivers for each source"
        )
    for shot, positions in enumerate(receivers):
        if positions.ndim != 2 or positions.shape[1] != ndim:
            raise GeometryError(
                f"the receivers of shot {shot} have shape {positions.shape}; they must be "
                f"(receivers, {ndim})"
            )
        if not len(positions):
            raise GeometryError(
                f"shot {shot} has no receivers; give at least one, or leave the shot out"
            )


def _place(position: Array) -> str:
    """A position in words."""
    return f"({', '.join(f'{c:g}' for c in position)}) m"
