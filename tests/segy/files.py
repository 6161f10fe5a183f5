"""Small SEG-Y files for tests, and what segyio and the standard library read in them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import segyio

from fwicli.segy.fields import STANDARD, Fields, byte_map
from fwicli.segy.index import Index, read_index
from fwicli.segy.samples import SampleReader
from fwicli.segy.writer import Form, writing


def write(
    path: Path, headers: dict[str, Any], samples: np.ndarray | int = 8, **form: Any
) -> np.ndarray:
    """A file with given header fields, and random samples where none are given."""
    count = max((np.size(v) for v in headers.values()), default=1)
    if isinstance(samples, int):
        samples = np.random.default_rng(count).standard_normal((count, samples)).astype(np.float32)
    settings = Form(form.pop("interval", 0.004), samples.shape[1], len(samples), **form)
    with writing(path, settings) as writer:
        writer.append(samples, {"trace_id": 1, "coordinate_units": 1, **headers})
    return samples


def line(shots: int = 3, channels: int = 5) -> dict[str, Any]:
    """Headers of a small line: shots 50 m apart, receivers behind each, in centimetres."""
    shot, channel = (a.ravel() for a in np.indices((shots, channels)))
    return {
        "field_record": shot + 101,
        "channel": channel + 1,
        "source_x": 5000 * shot + 100_000,
        "receiver_x": 5000 * shot + 100_000 - 1250 * (channel + 1),
        "source_depth": 600,
        "receiver_elevation": -800,
        "coordinate_scalar": -100,
        "elevation_scalar": -100,
    }


def patch(path: Path, byte: int, kind: str, value: float, trace: int | None = None) -> None:
    """Overwrite a number, at a byte of the file or of the header of a trace, from 1."""
    offset = byte - 1
    if trace is not None:
        layout = read_index(path, byte_map()).layout
        offset += layout.first + trace * layout.stride
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack(f">{kind}", value))


def samples_of(index: Index) -> np.ndarray:
    """All samples of a file in its order."""
    return SampleReader([index.layout]).read(np.arange(index.layout.traces))


def opened(path: Path, endian: str = "big", kind: str = "segy") -> Any:
    """A file as segyio opens it."""
    opening = segyio.su.open if kind == "su" else segyio.open
    return opening(str(path), ignore_geometry=True, endian=endian)


def fields_of_segyio() -> Fields:
    """Fields that segyio reads as well, with its types."""
    return {n: f for n, f in STANDARD.items() if f.byte and f.kind.startswith("int")}
