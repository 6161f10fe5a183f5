"""Wavelets in SEG-Y and SU files: a trace for each shot, in the order of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import STANDARD, byte_map
from fwicli.segy.index import read_index
from fwicli.segy.quantities import Quantities
from fwicli.segy.samples import SampleReader

Array = NDArray[Any]

# Most traces of a file of wavelets; one with more holds records.
MOST = 100_000
NEEDED = ("delay", "time_scalar", "sample_count", "sample_interval")


def read(path: Path, interval: float | None = None) -> tuple[Array, float, Array]:
    """Read the traces of a file, whatever their positions.

    Parameters
    ----------
    path : Path
    interval : float, optional
        Sampling interval that the user states [s]; headers are then not compared.

    Returns
    -------
    wavelets : ndarray of float64, shape (traces, samples)
        In the order of the file.
    interval : float
        [s].
    start : ndarray of shape (traces,)
        Time of the first sample of each wavelet [s].

    Raises
    ------
    DataError
        If the file is not read, its headers contradict each other, or it has too many traces.
    """
    is_su = path.suffix.lower() == ".su"
    fields = byte_map("su" if is_su else "standard")
    index = read_index(path, {name: fields.get(name, STANDARD[name]) for name in NEEDED})
    traces = index.layout.traces
    if traces > MOST:
        raise DataError(f"{path} has {traces} traces, more than a file of wavelets: one a shot")
    headers = Quantities([index], section="wavelet")
    step, _ = headers.sampling(interval)
    samples = SampleReader([index.layout]).read(np.arange(traces)).astype(np.float64)
    return samples, step, np.broadcast_to(headers.start(), traces)
