"""Files of a small line, changed at random, and a check of what is read from them.

The check is independent of the byte map and the index: it opens the changed file with segyio alone,
takes positions from its headers trace by trace, and compares traces, positions and samples.
"""

from __future__ import annotations

import os
import struct
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import segyio

from fwicli.errors import FwiError
from fwicli.segy.fields import Fields, byte_map
from fwicli.segy.index import read_index
from fwicli.segy.layout import Layout
from fwicli.segy.survey import Survey, read_survey
from fwicli.segy.traces import SegyTraces
from tests.segy.files import line, opened, write

ERROR, CORRECT = "error", "correct"
# Fields that a change may hit, with types; those of the file, and those of a trace.
OF_FILE = (3213, 3217, 3221, 3225, 3255, 3269, 3297, 3501, 3503, 3505, 3507, 3521, 3529)
OF_TRACE = (9, 13, 17, 29, 41, 45, 49, 69, 71, 73, 77, 81, 85, 89, 109, 115, 117, 203, 215)
SHORT = (13, 29, 69, 71, 89, 109, 115, 117, 203, 215)
VALUES = (0, 1, -1, 2, 3, 4, 5, 6, 8, 10, -10, 100, -100, 255, 256, 1000, 4000, 32767, -32768, 7)
CODES = (*VALUES, 11, 12, 13, 14, 15, 16, 17)
AXES = {12: "z", 13: "y", 14: "x", 15: "z"}
TRACES, SAMPLES = 15, 24
ORDERS = {ord("b"): ">", ord("l"): "<"}


def write_base(folder: Path, number: int) -> Path:
    """A file without a fault, of one of several formats."""
    encoding = ("ieee", "ibm", "ieee8")[number % 3]
    path = folder / f"m{number}.{'su' if number % 7 == 0 else 'sgy'}"
    kind = "su" if number % 7 == 0 else "segy"
    fields = byte_map("su" if kind == "su" else "standard")
    form: dict[str, Any] = {"kind": kind, "fields": fields}
    write(path, line(), SAMPLES, encoding="ieee" if kind == "su" else encoding, **form)
    return path


def change(path: Path, rng: np.random.Generator) -> str:
    """Change a file in one or two ways; returns them in words."""
    words = []
    for _ in range(int(rng.integers(1, 3))):
        data = bytearray(path.read_bytes())
        way = str(rng.choice(["cut", "grow", "file", "trace", "traces", "bytes", "swap", "blank"]))
        words.append(way)
        if way == "cut":
            del data[int(rng.integers(0, len(data) + 1)) :]
        elif way == "grow":
            data += rng.bytes(int(rng.choice([1, 100, 240, 336, 5000])))
        elif way == "bytes":
            for place in rng.integers(0, max(1, len(data)), 8):
                data[place : place + 1] = rng.bytes(1)
        elif way == "swap":
            half = len(data) // 2 * 2
            data[:half] = np.frombuffer(bytes(data[:half]), "u2").byteswap().tobytes()
        elif way == "blank":
            begin = int(rng.integers(0, max(1, len(data))))
            data[begin : begin + 240] = bytes(len(data[begin : begin + 240]))
        else:
            words.append(str(_set_fields(data, way, rng)))
        path.write_bytes(bytes(data))
    return " ".join(words)


def _set_fields(data: bytearray, way: str, rng: np.random.Generator) -> tuple[int, int]:
    """Set a field of the file, of a trace, or of all traces."""
    usual, value = rng.random() < 0.8, int(rng.integers(-(2**15), 2**15))
    if way == "file":
        byte = int(rng.choice(OF_FILE))
        value = int(rng.choice(VALUES)) if usual else value
        places, kind = [byte - 1], ">h"
    else:
        byte = int(rng.choice(OF_TRACE))
        value = int(rng.choice(CODES if byte == 29 else VALUES)) if usual else value
        kind = ">h" if byte in SHORT else ">i"
        stride = (len(data) - 3600) // TRACES
        number = int(rng.integers(0, TRACES))
        numbers = range(TRACES) if way == "traces" else [number]
        places = [3600 + n * stride + byte - 1 for n in numbers]
    for place in places:
        if place + 4 <= len(data):
            struct.pack_into(kind, data, place, value)
    return byte, value


def outcome(path: Path, seed: int, changes_meanwhile: bool) -> str:
    """Error with a message, correct, or what is wrong."""
    fields = byte_map("su" if path.suffix == ".su" else "standard")
    try:
        index = read_index(path, fields)
        survey = read_survey([index], northing=True)
        if changes_meanwhile:
            with path.open("r+b") as file:
                file.truncate(max(0, path.stat().st_size + (-1) ** seed * (1 + seed % 700)))
        traces = list(SegyTraces.of_survey(survey))
    except FwiError as error:
        return ERROR if len(str(error)) > 20 and path.name in str(error) else f"unclear: {error}"
    if changes_meanwhile:
        return "a file that changed was read"
    return _compared(path, survey, np.concatenate(traces), fields)


def _compared(path: Path, survey: Survey, samples: np.ndarray, fields: Fields) -> str:
    layout = survey.indexes[0].layout
    with warnings.catch_warnings(), opened(path, layout.endian, layout.kind) as file:
        warnings.simplefilter("ignore")
        headers = [dict(file.header[n]) for n in range(file.tracecount)]
        theirs = file.trace.raw[:].astype(samples.dtype)
        if layout.is_ibm:
            exact = _ibm(path, layout)
            # segyio reads other numbers where the first hexadecimal digit of a fraction is zero.
            normal = (np.abs(exact) >= np.finfo(np.float32).tiny) & np.isfinite(exact)
            normal &= (_bits(path, layout) & 0xF00000) != 0
            if not np.array_equal(exact[normal], theirs[normal]):
                return "the check is wrong"
            theirs = exact
        feet = layout.kind == "segy" and file.bin[segyio.BinField.MeasurementSystem] == 2
    reads = [n for n, h in enumerate(headers) if h[29] in (-1, 0, 1, 11, *AXES)]
    if sorted(survey.order.tolist()) != reads:
        return "other traces than those of the file"
    if not np.array_equal(samples, theirs[survey.order], equal_nan=True):
        return "other samples than those of the file"
    recorded = np.broadcast_to(survey.recorded, survey.order.shape)
    units = [headers[n][203] if layout.kind == "segy" and layout.revision else 0 for n in reads]
    for row, number in enumerate(survey.order.tolist()):
        axis, unit = AXES.get(headers[number][29]), units[reads.index(number)]
        name = "pressure" if axis is None else f"{'a' if unit == 7 else 'v'}{axis}"
        if survey.components[recorded[row]].name != name:
            return f"trace {number} is {name}, and read as {survey.components[recorded[row]].name}"
        allowed = (1,) if axis is None else (6, 7)
        if unit in (1, 5, 6, 7, 8, 9) and unit not in allowed:
            return f"trace {number} of {name} has the unit {unit}, and is read"
    shots = np.repeat(np.arange(survey.shots), np.diff(survey.begins))
    keys = {}
    for row, number in enumerate(survey.order):
        source, receiver, start = _expected(headers[number], fields, feet)
        ours = [*survey.sources[shots[row]], *survey.receivers[row], survey.start[shots[row]]]
        if not np.allclose(ours, [*source, *receiver, start], rtol=1e-14, atol=0):
            return f"trace {number} is read at {ours}, and is at {source}, {receiver}, {start}"
        if keys.setdefault((headers[number][9], *source), shots[row]) != shots[row]:
            return f"trace {number} is in another shot than others of its source"
    return CORRECT if len(keys) == survey.shots else "shots of several sources"


def _bits(path: Path, layout: Layout) -> np.ndarray:
    """Samples of a file of IBM floats as they are stored."""
    data = np.frombuffer(path.read_bytes(), np.uint8, offset=layout.first)
    block = data.reshape(layout.traces, layout.stride)[:, 240:]
    return np.ascontiguousarray(block).view(f"{layout.endian[0].translate(ORDERS)}u4")


def _ibm(path: Path, layout: Layout) -> np.ndarray:
    """The numbers of IBM floats by their definition."""
    bits = _bits(path, layout).astype(np.int64)
    power = 4 * ((bits >> 24) % 128 - 64) - 24
    with np.errstate(over="ignore", under="ignore"):
        numbers = np.ldexp((bits % 2**24).astype(float), power).astype(np.float32)
    return np.where(bits >> 31, -numbers, numbers)


def _expected(
    header: dict[Any, int], fields: Fields, feet: bool
) -> tuple[list[float], list[float], float]:
    """Source, receiver and start time of a trace, by fractions."""
    unit = Fraction(3048, 10000) if feet else Fraction(1)

    def scaled(value: int, scalar: int) -> Fraction:
        return Fraction(value) * scalar if scalar > 0 else Fraction(value, -scalar or 1)

    x = [float(scaled(header[byte], header[71]) * unit) for byte in (73, 77, 81, 85)]
    depth, *elevations = (scaled(header[byte], header[69]) * unit for byte in (49, 45, 41))
    start = scaled(header[109], header[215] if fields["time_scalar"].byte else 1) / 1000
    source = [x[0], x[1], float(depth - elevations[0])]
    return source, [x[2], x[3], float(-elevations[1])], float(start)


def run(folder: Path, seeds: range) -> dict[int, str]:
    """Outcomes by seed."""
    outcomes = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        path = write_base(folder, seed)
        meanwhile = seed % 10 == 0
        words = "changes while it is read" if meanwhile else change(path, rng)
        result = outcome(path, seed, meanwhile)
        outcomes[seed] = result if result in (ERROR, CORRECT) else f"{words}: {result}"
        path.unlink()
    return outcomes


if __name__ == "__main__":  # a process of its own, which may crash
    os.environ["PYTHONFAULTHANDLER"] = "1"
    for number, words in run(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3]))).items():
        sys.stdout.write(f"{number} {words}\n")
