"""SEG-Y and SU files, written trace block by trace block: complete under their name, or not there.

SEG-Y is of revision 1, with traces of one length in big-endian order; 8-byte floats make it
revision 2. segyio writes the text and the binary header. SU has IEEE floats of 4 bytes in
little-endian order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import segyio
from numpy.typing import ArrayLike, NDArray

from fwicli.disk import atomic
from fwicli.errors import DataError
from fwicli.segy.encoding import ENCODINGS, PIECE, encode
from fwicli.segy.fields import HEADER, TYPES, Fields, byte_map
from fwicli.segy.layout import BINARY, TEXT, explained

Array = NDArray[Any]

LINES, WIDTH = 40, 80
# Largest number of samples, and sampling interval [us], that headers of 16 bits hold.
MOST_SAMPLES, LONGEST = 65535, 32767
# Samples that are written at once.
BLOCK = 1 << 18


@dataclass(frozen=True)
class Form:
    """Contents of a new file, and their encoding.

    Attributes
    ----------
    interval : float
        Sampling interval [s].
    samples, traces : int
        Number of samples of a trace, and of traces.
    encoding : {"ieee", "ibm", "ieee8"}
    kind : {"segy", "su"}
    text : sequence of str
        Lines of the text header, each of up to 76 characters.
    fields : dict of str to Field
        Where values of trace headers are written.
    longest : int
        Largest sampling interval [us].
    polarity : int
        1 if pressure and upward motion give negative numbers, 2 if positive ones, 0 if neither.
    """

    interval: float
    samples: int
    traces: int
    encoding: str = "ieee"
    kind: str = "segy"
    text: Sequence[str] = ()
    fields: Fields = field(default_factory=byte_map)
    longest: int = LONGEST
    polarity: int = 2

    def __post_init__(self) -> None:
        if self.kind == "su" and self.encoding != "ieee":
            raise DataError(f"SU files hold 4-byte IEEE floats, not `{self.encoding}`")
        if self.encoding not in ENCODINGS:
            raise DataError(
                f"samples cannot be written as `{self.encoding}`; choose one of "
                f"{', '.join(ENCODINGS)}"
            )
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise DataError(
                f"{self.samples} samples do not fit the headers of SEG-Y, which state up to "
                f"{MOST_SAMPLES}; cut or resample the records"
            )
        exact = abs(self.interval * 1e6 - self.microseconds) <= 1e-6 * self.microseconds
        if not 1 <= self.microseconds <= self.longest or not exact:
            raise DataError(
                f"a sampling interval of {self.interval:.12g} s does not fit the headers of SEG-Y, "
                f"which state whole microseconds from 1 to {self.longest}; resample the records"
            )

    @property
    def microseconds(self) -> int:
        """Sampling interval [us]."""
        return round(self.interval * 1e6)


class TraceWriter:
    """Traces that are added to a file.

    Parameters
    ----------
    path : Path
        Name of the file, for messages.
    file : BinaryIO
        Open behind its file headers.
    form : Form
    """

    def __init__(self, path: Path, file: BinaryIO, form: Form) -> None:
        self.path, self.file, self.form = path, file, form
        self.written = 0
        self._memory = np.empty((0, 0), np.uint8)

    def append(self, samples: Array, headers: Mapping[str, ArrayLike]) -> None:
        """Add traces.

        Parameters
        ----------
        samples : ndarray of shape (n, samples)
        headers : mapping of str to array_like of shape (n,) or number
            Values of fields as they are stored, integers.

        Raises
        ------
        DataError
            If values do not fit their fields or the form of the file.
        """
        form, first = self.form, self.written
        if samples.ndim == 2 and len(samples) > 1 and samples.size > BLOCK:
            self._split(samples, headers)
            return
        if samples.ndim != 2 or samples.shape[1] != form.samples:
            raise DataError(
                f"traces of shape {samples.shape} do not fit {self.path}, whose traces have "
                f"{form.samples} samples"
            )
        name = f"{self.path}, traces {first + 1} to {first + len(samples)}"
        order: Literal["<", ">"] = "<" if form.kind == "su" else ">"
        kind = np.dtype(ENCODINGS[form.encoding][1]).newbyteorder(order)
        block = self._empty(len(samples), HEADER + kind.itemsize * form.samples)
        body = block[:, HEADER:].view(kind)
        step = max(1, PIECE // form.samples)
        for begin in range(0, len(samples), step):
            part = slice(begin, begin + step)
            body[part] = encode(samples[part], form.encoding, name)
        sampling = {"sample_count": form.samples, "sample_interval": form.microseconds}
        for key, values in {**sampling, **headers}.items():
            self._put(block, key, np.asarray(values), order)
        self.file.write(block.data)
        self.written += len(samples)

    def _empty(self, traces: int, stride: int) -> Array:
        """A block with empty headers, in the memory of the block before."""
        if self._memory.shape[0] < traces or self._memory.shape[1] != stride:
            self._memory = np.empty((traces, stride), np.uint8)
        block = self._memory[:traces]
        block[:, :HEADER] = 0
        return block

    def _split(self, samples: Array, headers: Mapping[str, ArrayLike]) -> None:
        """Add traces in blocks of limited size."""
        step = max(1, BLOCK // samples.shape[1])
        columns = {name: np.asarray(values) for name, values in headers.items()}
        for begin in range(0, len(samples), step):
            part = slice(begin, begin + step)
            some = {n: v[part] if v.ndim else v for n, v in columns.items()}
            self.append(samples[part], some)

    def _put(self, block: Array, key: str, values: Array, order: Literal["<", ">"]) -> None:
        """Write a field into headers."""
        place = self.form.fields[key]
        if not place.byte:
            if np.any(values):
                raise DataError(
                    f"{self.path}: `{key}` has no byte in SEG-Y; name one, as in "
                    f"`bytes: {{{key}: 233:int16}}`"
                )
            return
        kind = np.dtype(TYPES[place.kind]).newbyteorder(order)
        with np.errstate(invalid="ignore", over="ignore"):
            stored = (values * place.sign if place.sign < 0 else values).astype(kind)
        if not np.array_equal(stored * place.sign, values):
            wrong = np.argmax(np.atleast_1d(stored * place.sign != values))
            raise DataError(
                f"{self.path}: `{key}` is {np.atleast_1d(values)[wrong]}, which byte {place.byte} "
                f"of type {place.kind} does not hold; name a larger field"
            )
        block[:, place.byte - 1 : place.byte - 1 + place.size].view(kind)[:, 0] = stored


@contextmanager
def writing(path: str | Path, form: Form) -> Iterator[TraceWriter]:
    """A new file, to which traces are added; it replaces `path` when all have been.

    Parameters
    ----------
    path : Path
    form : Form

    Returns
    -------
    writer : TraceWriter

    Raises
    ------
    DataError
        If another number of traces was added.
    OSError
        If it cannot be written.
    """
    with atomic.replacing(path) as new:
        if form.kind == "segy":
            _write_head(new, form)
        with new.open("r+b") as file:
            file.seek(TEXT + BINARY if form.kind == "segy" else 0)
            writer = TraceWriter(Path(path), file, form)
            yield writer
            file.truncate()
        if writer.written != form.traces:
            raise DataError(
                f"{path} was to get {form.traces} traces, and got {writer.written}; it is not kept"
            )


def _write_head(path: Path, form: Form) -> None:
    """Text and binary header, by segyio."""
    code = ENCODINGS[form.encoding][0]
    spec = segyio.spec()
    spec.format, spec.tracecount = code, form.traces
    spec.samples = np.arange(form.samples, dtype=float)
    with explained(path), segyio.create(str(path), spec) as file:
        file.text[0] = _text(form)
        file.bin.update(
            {
                segyio.BinField.Traces: 0,
                segyio.BinField.AuxTraces: 0,
                segyio.BinField.Interval: form.microseconds,
                segyio.BinField.IntervalOriginal: form.microseconds,
                segyio.BinField.MeasurementSystem: 1,
                segyio.BinField.ImpulseSignalPolarity: form.polarity,
                segyio.BinField.SEGYRevision: 2 if code == ENCODINGS["ieee8"][0] else 1,
                segyio.BinField.TraceFlag: 1,
            }
        )


def _text(form: Form) -> str:
    """The text header: lines with their numbers, and the end that the standard asks for."""
    last = ["SEG-Y REV1" if form.encoding != "ieee8" else "SEG-Y REV2.0", "END TEXTUAL HEADER"]
    lines = [*form.text[: LINES - 2], *[""] * (LINES - 2 - len(form.text)), *last]
    rows = [f"C{i:2d} {line}"[:WIDTH].ljust(WIDTH) for i, line in enumerate(lines, start=1)]
    return "".join(rows)
