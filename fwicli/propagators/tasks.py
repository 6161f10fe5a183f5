"""Tasks of shots: picklable functions without arguments, which workers run.

`ShotTask` is the base of all tasks that propagate the waves of one shot. A subclass adds its own
data and states what it computes in `__call__`:

    ModellingTask                       gather of a shot
    imaging.migration.MigrationTask     image of a shot
    operators, inversion                products, gradients, illumination, wavelets

`WindowedTask` runs a task in a part of the model, and `SummandTask` returns its result as a summand
of a sum over shots. The parameters of the model are what tasks have in common (see
`execution.executor`): `DetachedTask` is a task without them.

This module imports no more than waves need: a worker that models a shot starts quickly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self
from weakref import WeakValueDictionary

from numpy.typing import NDArray

from fwicli.errors import GeometryError, ModelError, StabilityError
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.propagator import Propagator
from fwicli.survey.windows import Window

Array = NDArray[Any]


class _LastOfThread(threading.local):
    """The last propagator of a thread."""

    propagator: Propagator | None = None


_of_thread = _LastOfThread()
_of_process: dict[str, Propagator] = {}
_alive: WeakValueDictionary[Discretization, Propagator] = WeakValueDictionary()


def propagator(discretization: Discretization) -> Propagator:
    """The propagator of a discretization, for callers that check the units of models themselves.

    The last propagator is cached with its arrays: the last of the process, and the last of each
    thread. Threads with the same discretization share one.
    """
    cached = _of_thread.propagator
    if cached is None or cached.discretization != discretization:
        cached = _alive.get(discretization)
        if cached is None:
            cached = _alive.setdefault(discretization, Propagator(discretization, quiet=True))
    _of_thread.propagator = _of_process["last"] = cached
    return cached


@dataclass(frozen=True)
class ShotTask:
    """One shot with its data, as a picklable function.

    Parameters
    ----------
    discretization : Discretization
    parameters : mapping of str to ndarray
        Parameters of the equation on the model's grid.
    wavelet : ndarray of shape (n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    source, receivers : ndarray of shape (n_points, ndim), ExtendedSource or FullField
        Positions [m], or other locations.
    """

    discretization: Discretization
    parameters: Mapping[str, Array]
    wavelet: Array
    source: Any
    receivers: Any

    keeps_history: ClassVar[bool] = False
    """Whether it stores the forward field as the discretization says."""

    def __call__(self) -> Any:
        """Run the task."""
        raise NotImplementedError

    def smaller(self) -> Self | None:
        """The same task with the next smaller history; None if there is none."""
        smaller = self.discretization.with_smaller_history() if self.keeps_history else None
        return None if smaller is None else replace(self, discretization=smaller)

    @property
    def storage(self) -> str:
        """The kind and memory of its history, in words; empty without one."""
        return self.discretization.history_in_words() if self.keeps_history else ""

    def summand(self, result: Any, window: Window) -> Any:
        """A result as a summand of a sum over shots (see `execution.tree`).

        Parameters
        ----------
        result : object
            Returned by the task.
        window : Window
            The task's part of the model.

        Returns
        -------
        summand : Summand
        """
        raise NotImplementedError

    @property
    def propagator(self) -> Propagator:
        """The propagator of this process for the discretization."""
        return propagator(self.discretization)

    def in_window(self, window: Window) -> Self:
        """The same task for a window of the model, with positions on the window's grid."""
        discretization = self.discretization
        if window.surface is not None:
            discretization = replace(discretization, topography=window.surface)
        return replace(
            self,
            discretization=discretization,
            parameters=window.cut_all(self.parameters),
            source=window.local_positions(self.source),
            receivers=window.local_positions(self.receivers),
        )


@dataclass(frozen=True)
class ModellingTask(ShotTask):
    """Gather of one shot."""

    def __call__(self) -> Array:
        """Model the shot; the gather has the shape (n_receivers, samples)."""
        return self.propagator.forward(self.parameters, self.wavelet, self.source, self.receivers)


@dataclass(frozen=True)
class WindowedTask:
    """The task of a shot, run in its window.

    Tasks of many shots share the whole model until they are run; a worker receives the window of it
    alone. Errors say how positions in the window relate to those in the model.

    Parameters
    ----------
    task : ShotTask
        Of the whole model, or of the window if `is_cut`.
    window : Window
    is_cut : bool
        Whether the parameters of the task are those of the window already.
    """

    task: ShotTask
    window: Window
    is_cut: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return WindowedTask, (self._cut(), self.window, True)

    @property
    def common(self) -> Mapping[str, Array] | None:
        """Parameters of the whole model; None if the task has only those of its window."""
        return None if self.is_cut else self.task.parameters

    def detached(self) -> DetachedTask:
        """The task without the parameters of the model."""
        return DetachedTask(replace(self.task, parameters={}), self.window)

    def smaller(self) -> WindowedTask | None:
        """The same task with the next smaller history; None if there is none."""
        smaller = self.task.smaller()
        return None if smaller is None else replace(self, task=smaller)

    @property
    def storage(self) -> str:
        """The kind and memory of its history, in words."""
        return self.task.storage

    def _cut(self) -> ShotTask:
        """The task in the window."""
        if self.is_cut or self.window.whole:
            return self.task
        return self.task.in_window(self.window)

    def __call__(self) -> Any:
        """Run the task.

        Raises
        ------
        GeometryError, ModelError, StabilityError
            As the task, with the offset of the window.
        """
        try:
            return self._cut()()
        except (GeometryError, ModelError, StabilityError) as error:
            if not any(self.window.start):
                raise
            offsets = zip(self.window.grid.axes, self.window.offset, strict=True)
            added = ", ".join(f"{axis} by {offset:g} m" for axis, offset in offsets)
            raise type(error)(f"{error} (in the shot's window; add to {added})") from error


@dataclass(frozen=True)
class SummandTask:
    """The result of a shot as a summand of a sum over shots.

    Parameters
    ----------
    task : WindowedTask
        Of a task that states what its summand is.
    """

    task: WindowedTask

    def __call__(self) -> Any:
        """Run the task."""
        return self.task.task.summand(self.task(), self.task.window)

    @property
    def common(self) -> Mapping[str, Array] | None:
        """Parameters of the whole model, if the task has them."""
        return self.task.common

    def detached(self) -> DetachedTask:
        """The task without the parameters of the model."""
        return replace(self.task.detached(), wrap=SummandTask)

    def smaller(self) -> SummandTask | None:
        """The same task with the next smaller history; None if there is none."""
        smaller = self.task.smaller()
        return None if smaller is None else SummandTask(smaller)

    @property
    def storage(self) -> str:
        """The kind and memory of its history, in words."""
        return self.task.storage


@dataclass(frozen=True)
class DetachedTask:
    """The task of a shot as a function of the parameters of the whole model.

    Parameters
    ----------
    task : ShotTask
        Without parameters.
    window : Window
        Its part of the model.
    wrap : callable, optional
        Picklable; makes the task that is run of a `WindowedTask`.
    """

    task: ShotTask
    window: Window
    wrap: Callable[[WindowedTask], Callable[[], Any]] | None = None

    def smaller(self) -> DetachedTask | None:
        """The same task with the next smaller history; None if there is none."""
        smaller = self.task.smaller()
        return None if smaller is None else replace(self, task=smaller)

    @property
    def storage(self) -> str:
        """The kind and memory of its history, in words."""
        return self.task.storage

    def __call__(self, parameters: Mapping[str, Array]) -> Any:
        """Run the task with the parameters of the equation on the model's grid, by name."""
        return self.attached(parameters)()

    def attached(self, parameters: Mapping[str, Array]) -> Callable[[], Any]:
        """The task with the parameters of the equation on the model's grid, by name."""
        task = WindowedTask(replace(self.task, parameters=parameters), self.window)
        return task if self.wrap is None else self.wrap(task)
