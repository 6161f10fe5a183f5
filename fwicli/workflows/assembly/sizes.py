"""Memory that the inputs of a run take, checked before anything of that size is allocated."""

from __future__ import annotations

import math
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import SizeError
from fwicli.execution import available
from fwicli.survey.traces import Traces

DOUBLE = 8
# Arrays of a property at once: as it is read, in SI units, smoothed, and at a bound.
OF_PROPERTY = 4
# Of positions: one for each coordinate, all of them, and those of every shot.
OF_POSITION = 4
# Of records: of single precision, as shots come and as a whole.
OF_SAMPLE = 1
# Share of the memory that traces in a file may take to be read at once. An inversion has a copy of
# them in each band.
IN_MEMORY = 0.2


_machine: ContextVar[float | None] = ContextVar("machine", default=None)


@contextmanager
def of_machine(memory: float | None) -> Iterator[None]:
    """Judge sizes by the memory of another machine [bytes]; by that of this one for None."""
    token = _machine.set(memory)
    try:
        yield
    finally:
        _machine.reset(token)


def there() -> int:
    """Memory that this process may have, or that of the machine that a plan is for [bytes]."""
    machine = _machine.get()
    if machine is not None:
        return int(machine)
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min([available(), *(limit for limit in limits if limit != resource.RLIM_INFINITY)])


def afford(needed: float, what: str, advice: str) -> None:
    """Refuse what is larger than the memory there is.

    Parameters
    ----------
    needed : float
        Memory [bytes].
    what : str
        Name of the arrays, for the message.
    advice : str
        How they become smaller.

    Raises
    ------
    SizeError
    """
    if needed > there():
        raise SizeError(
            f"{what} take {needed / 1e9:.3g} GB, and there are {there() / 1e9:.3g} GB of memory; "
            f"{advice}"
        )


@contextmanager
def bounded() -> Iterator[None]:
    """Numbers that overflow, and arrays that cannot be, as what they come from: the config.

    Raises
    ------
    SizeError
    """
    try:
        yield
    except (OverflowError, MemoryError) as error:
        raise SizeError(
            f"a number of the config is out of all proportion ({error}); check spacings, lengths, "
            f"times and counts, and their units"
        ) from error


def model(shape: Sequence[int], properties: int) -> None:
    """Refuse a model that is too large.

    Parameters
    ----------
    shape : sequence of int
        Grid points along every axis.
    properties : int
        Number of properties.

    Raises
    ------
    SizeError
    """
    afford(
        float(DOUBLE * OF_PROPERTY * properties * math.prod(shape)),
        f"{properties} properties of {' x '.join(map(str, shape))} points"
        if properties > 1
        else f"{' x '.join(map(str, shape))} points",
        "check `shape`, which counts points, not metres",
    )


def positions(counts: Sequence[int], layout: str) -> None:
    """Refuse more positions than there is memory for, by the counts along each axis.

    Parameters
    ----------
    counts : sequence of int
        Coordinates along every axis.
    layout : {"line", "grid"}

    Raises
    ------
    SizeError
    """
    points = math.prod(counts) if layout == "grid" else max(counts)
    afford(
        float(DOUBLE * OF_POSITION * len(counts) * points),
        f"{points:g} positions",
        "check `step` and `count`" + (" and `layout`" if layout == "grid" else ""),
    )


def records(counts: NDArray[np.int64], samples: int, ndim: int) -> None:
    """Refuse records that are too large, or the positions of their traces.

    Parameters
    ----------
    counts : ndarray of int, of shape (n_shots,)
        Number of receivers of each shot.
    samples : int
        Of a trace.
    ndim : int
        Dimensions of the model.

    Raises
    ------
    SizeError
    """
    least, most = int(counts.min()), int(counts.max())
    shots = "1 shot" if len(counts) == 1 else f"{len(counts)} shots"
    spread = f"{least}" if least == most else f"{least} to {most}"
    each = DOUBLE * OF_SAMPLE * samples + DOUBLE * OF_POSITION * ndim
    afford(
        float(each * counts.sum()),
        f"records of {shots}, {spread} receivers and {samples} samples",
        "model fewer of them at once",
    )


def affordable(traces: Traces) -> bool:
    """Whether traces in a file are few enough to be in memory; others are read shot by shot.

    Parameters
    ----------
    traces : Traces

    Returns
    -------
    affordable : bool
    """
    size = float(traces.counts.sum()) * traces.samples * traces.dtype.itemsize
    return size <= IN_MEMORY * there()
