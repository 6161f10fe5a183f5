"""Storage of the forward field for a gradient: strategies, and the memory and time they take.

The gradient correlates the forward field with the multiplier over time. Both end at a highest
frequency f, so their product may be summed at any rate above 2 f: the history keeps every k-th
step with

    k = floor(1 / (2 * 3 f dt)),

weighted by k. The rate is three times the least one because records end abruptly, and so does the
multiplier's band: the error of the gradient is then below 1e-3 (5e-5 where the residual is tapered
to zero at its end). With k = 1 it is exact for any signal.

The N snapshots are made and used in segments of n, which alone are in memory as they are. Of P
bytes a snapshot, and S bytes what the propagation can be begun anew with, they take

    stored         N P                         one segment, nothing to do
    compressed     N P b / 32 + n P            b = 16 or 8 bits a value of 32, and their scales
    fourier        2 F P + n P                 F frequencies; all N / 2 + 1 of them are exact
    probes         2 F P + n P                 F random ones, weighted (see `sampling.probes`)
    checkpoints    c S + n P                   exact; steps are repeated, from c kept states
    boundary       T B + n (P + k B)           exact; the propagation is run backwards, from the
                                               B bytes of every one of T steps in the layer
    disk           n P                         exact; N P in a temporary file
    excitation     3 P + n P                   no history of gradients (see `excitation_store`)

Steps between checkpoints are repeated in the order that repeats the fewest.

Reference: Griewank and Walther (2000), ACM Trans. Math. Softw. 26, 19-45, for the order.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, get_args

from fwicli.propagators.absorbing import AbsorbingLayer, strip_points, walls
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.sampling import memory
from fwicli.propagators.sampling.repetitions import repetitions
from fwicli.propagators.sampling.stability import TimeAxis

OVERSAMPLING = 3.0

Usual = Literal["stored", "compressed", "fourier", "probes", "checkpoints", "boundary", "disk"]
Kind = Usual | Literal["excitation"]
HISTORY_KINDS: tuple[str, ...] = get_args(Usual)

# Fields keep 2 or 3 levels, by the number of the step: a window begins at a multiple of this.
PERIOD = 6
# Snapshots of a segment, about: a segment should stay in the cache, and be worth a call.
SNAPSHOTS = 12
# Time to compress and expand a history, and to write it to a disk and read it again, in
# propagations (`benchmarks/history_cost.py`, in units of 0.36 of a gradient).
COMPRESSING, WRITING = 1.3, 3.0
# Values that share one scale where they are compressed.
BLOCK = 64


def subsampling(axis: TimeAxis, frequency: float) -> int:
    """Steps between snapshots for a band that ends at `frequency` [Hz].

    Parameters
    ----------
    axis : TimeAxis
    frequency : float
        Highest frequency of the band [Hz].

    Returns
    -------
    int
    """
    return max(1, math.floor(1 / (2 * OVERSAMPLING * frequency * axis.step)))


def snapshots(steps: int, every: int) -> int:
    """Number of snapshots of a run.

    Parameters
    ----------
    steps, every : int
        Steps of a propagation, and those between snapshots.

    Returns
    -------
    int
    """
    return (steps - 1) // every + 1


@dataclass(frozen=True)
class HistoryOptions:
    """How snapshots are stored until the adjoint run reads them.

    Parameters
    ----------
    kind : {"stored", "compressed", "fourier", "probes", "checkpoints", "boundary", "disk"}
        Or "excitation", the largest amplitude alone.
    bits : {16, 8}
        Of a value, where they are compressed.
    frequencies : tuple of float
        Frequencies of the history [Hz]; empty for all that its snapshots can have. The gradient is
        that part of the whole which the waves of these frequencies make.
    count : int
        Fields that probes keep for each one of the snapshots: two for a frequency.
    checkpoints : int
        States that are kept.
    segment : int
        Steps of a segment; 0 for about `SNAPSHOTS` snapshots.
    """

    kind: Kind = "stored"
    bits: int = 16
    frequencies: tuple[float, ...] = ()
    count: int = 16
    checkpoints: int = 8
    segment: int = 0

    def segments(self, steps: int, every: int) -> list[tuple[int, int]]:
        """First and last steps, the last excluded, of the segments of a run.

        Parameters
        ----------
        steps, every : int
            Steps of a propagation, and those between snapshots.

        Returns
        -------
        list of (int, int)
        """
        size = steps if self.kind == "stored" else min(steps, self._size(every))
        return [(i, min(i + size, steps)) for i in range(0, steps, size)]

    def _size(self, every: int) -> int:
        unit = math.lcm(PERIOD, every)
        steps = self.segment or SNAPSHOTS * every
        return unit * max(1, round(steps / unit))

    def _most(self, count: int) -> int:
        """Frequencies of a number of snapshots, or of probes, whose numbers are drawn."""
        every_one = count // 2 + 1
        return min(every_one, max(1, self.count // 2)) if self.kind == "probes" else every_one

    def bins(self, steps: int, every: int, step: float) -> list[int]:
        """Numbers of the frequencies: cycles in the time that all snapshots span.

        Parameters
        ----------
        steps, every : int
            Steps of a propagation, and those between snapshots.
        step : float
            Time step [s].

        Returns
        -------
        list of int
        """
        count = snapshots(steps, every)
        if not self.frequencies:
            return list(range(self._most(count)))
        numbers = {round(f * count * every * step) for f in self.frequencies}
        return sorted(k for k in numbers if 0 <= k <= count // 2)


STORED = HistoryOptions()
EXCITATION = HistoryOptions("excitation")


@dataclass(frozen=True)
class Demand:
    """Size of a history, before it is stored in one way or another.

    Parameters
    ----------
    steps, every : int
        Steps of a propagation, and those between snapshots.
    step : float
        Time step [s].
    snapshot : int
        Bytes of a snapshot of all fields that are kept.
    state : int
        Bytes of the state from which a propagation can be restarted.
    edge : int
        Bytes of a step of the fields of second order in time in the layer.
    itemsize : int
        Bytes of a value.
    """

    steps: int
    every: int
    step: float
    snapshot: int
    state: int
    edge: int
    itemsize: int = 4

    def memory(self, options: HistoryOptions) -> int:
        """Memory that a history takes [bytes]."""
        count = snapshots(self.steps, self.every)
        first, last = options.segments(self.steps, self.every)[0]
        segment = snapshots(last - first, self.every) * self.snapshot
        match options.kind:
            case "stored":
                return count * self.snapshot
            case "compressed":
                values = self.snapshot // self.itemsize
                scales = -(-values // BLOCK) * self.itemsize
                return count * (values * options.bits // 8 + scales) + segment
            case "fourier" | "probes":
                bins = options.bins(self.steps, self.every, self.step)
                return 2 * len(bins) * self.snapshot + segment
            case "checkpoints":
                return self._states(options) * self.state + segment
            case "boundary":
                return (self.steps + last - first) * self.edge + segment
            case "disk":
                return segment
            case "excitation":
                return segment + 3 * self.snapshot  # amplitude, its time and its inverse

    def repeated(self, options: HistoryOptions) -> int:
        """Steps that are run again."""
        if options.kind == "boundary":
            return self.steps
        if options.kind != "checkpoints":
            return 0
        segments = options.segments(self.steps, self.every)
        # Only the last segment may be shorter, and it is the one that is never run twice.
        _, size = segments[0]
        return size * repetitions(len(segments), self._states(options))

    def _states(self, options: HistoryOptions) -> int:
        return states(options, len(options.segments(self.steps, self.every)))

    def with_checkpoints(self, memory: int) -> HistoryOptions | None:
        """Checkpoints within a memory [bytes] that repeat the fewest steps; None if none do."""
        best, fewest = None, math.inf
        unit = math.lcm(PERIOD, self.every)
        size = unit
        while size < self.steps:
            options = HistoryOptions("checkpoints", checkpoints=1, segment=size)
            room = memory - self.memory(options)
            if room >= 0 and self.state > 0:
                options = replace(options, checkpoints=1 + room // self.state)
                options = replace(options, checkpoints=self._states(options))
                # Every call costs about a step, for the computations before the time loop.
                repeated = self.repeated(options)
                calls = 2 * self.steps / size + repeated / size
                if repeated + calls < fewest:
                    best, fewest = options, repeated + calls
            size = max(size + unit, unit * round(1.2 * size / unit))
        return best

    def choose(self, memory: int) -> tuple[HistoryOptions, str]:
        """The quickest history options within a memory [bytes], and the reason."""
        stored, squeezed = HistoryOptions(), HistoryOptions("compressed")
        needed = f"{_amount(self.memory(stored))} to store it"
        if self.memory(stored) <= memory:
            return stored, f"{needed}, within {_amount(memory)}"
        needed = f"{needed}, more than {_amount(memory)}"
        checkpoints = self.with_checkpoints(memory)
        again = math.inf if checkpoints is None else self.repeated(checkpoints) / self.steps
        if self.memory(squeezed) <= memory and again > COMPRESSING:
            return squeezed, f"{needed}; {_amount(self.memory(squeezed))} in 16 bits"
        if checkpoints is not None and again <= WRITING:
            size, count = _amount(self.memory(checkpoints)), checkpoints.checkpoints
            return checkpoints, (
                f"{needed}; {size} with {count} checkpoints, {again:.1f} propagations more"
            )
        return HistoryOptions("disk"), f"{needed}; it goes to a temporary file"


def states(options: HistoryOptions, segments: int) -> int:
    """Number of states that are useful: one for every segment but the last, at most.

    Parameters
    ----------
    options : HistoryOptions
    segments : int
        Number of segments.

    Returns
    -------
    int
    """
    return max(1, min(options.checkpoints, segments - 1))


def irreversible(
    equation: Equation, ndim: int, parameters: Collection[str] | None = None
) -> set[str]:
    """Fields whose history a gradient needs and that cannot be reconstructed backwards.

    Parameters
    ----------
    equation : Equation
    ndim : int
        Number of space dimensions.
    parameters : collection of str, optional
        Parameters of which a gradient is computed; by default all.

    Returns
    -------
    set of str
    """
    footprint = equation.footprint(ndim)
    return footprint.stored_fields(equation.receiver, parameters) - set(footprint.evolving)


def _amount(size: float) -> str:
    """A size of memory in words."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size / 1e3:.3g} kB"


def demand(
    equation: Equation,
    shape: tuple[int, ...],
    layer: AbsorbingLayer,
    order: int,
    timing: tuple[int, int, float],
    itemsize: int,
    parameters: Collection[str] | None = None,
) -> Demand:
    """Size of the history of one shot.

    Parameters
    ----------
    equation : Equation
    shape : tuple of int
        Points of the model.
    layer : AbsorbingLayer
    order : int
        Order of the space differences.
    timing : tuple of int, int and float
        Steps of a propagation, steps between snapshots, and the time step [s].
    itemsize : int
        Bytes of a value.
    parameters : collection of str, optional
        Parameters of which a gradient is wanted; by default all.

    Returns
    -------
    Demand
    """
    ndim = len(shape)
    footprint = equation.footprint_below(layer.free, ndim)
    padded = layer.padded(shape)
    points = math.prod(memory.allocated(padded, order, itemsize))
    fields_stored = len(footprint.stored_fields(equation.receiver, parameters))
    # Fields of the layer reach as far beyond it as stencils do.
    thickness = strip_points(layer.cells, order) if layer.cells else 0
    fields = memory.with_halo(padded, order, itemsize)
    sides = [free.count(False) for free in walls(layer.free, ndim)]
    states = sum(
        (thickness + order) * fields // (n + 2 * order) * count
        for n, count in zip(padded, sides, strict=True)
    )
    # Strips of the layer are thin, and their rows are not longer in memory.
    strip = thickness * math.prod(padded)
    strips = sum(strip // n * count for n, count in zip(padded, sides, strict=True))
    state = fields * footprint.state + states * footprint.strips // ndim
    edge = strips * len(footprint.evolving)
    steps, every, step = timing
    snapshot, state, edge = (n * itemsize for n in (fields_stored * points, state, edge))
    return Demand(steps, every, step, snapshot, state, edge, itemsize)


def working_bytes(
    footprint: Footprint,
    points: tuple[int, int],
    itemsize: int,
    gradient: bool,
    recorded: Collection[str] = (),
) -> int:
    """Memory of one shot without its history [bytes].

    Parameters
    ----------
    footprint : Footprint
    points : tuple of int
        In memory, of a field and of one that is packed (`memory.with_halo`, `memory.packed`).
    itemsize : int
        Bytes of a value.
    gradient : bool
        Whether the multiplier is propagated, too.
    recorded : collection of str, optional
        Fields that are recorded; by default those of pressure.

    Returns
    -------
    int
    """
    packed = footprint.packed[gradient]
    whole = footprint.arrays(gradient, recorded) - packed
    return itemsize * (points[0] * whole + points[1] * packed)
