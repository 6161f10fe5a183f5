"""Records of finished shots: a file that fills shot by shot, and its journal.

The journal has one line for each shot: its number, the checksum of its samples (CRC-32) and its
largest pressure [Pa]. A run that is continued reads the records back: shots whose samples are not
those of the journal are modelled again. No more than one record is in memory.
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic, ownership
from fwicli.errors import DataError
from fwicli.execution import Executor, Task
from fwicli.files.record_files import RecordFile
from fwicli.survey.gathers import Gathers
from fwicli.survey.topography import Topography
from fwicli.workflows.run_folder import outputs, results
from fwicli.workflows.run_folder.finished_shots import FinishedShots, undamaged

Array = NDArray[Any]

JOURNAL = "records.txt"
_LINE = re.compile(r"(\d+) ([0-9a-f]{8}) (\S+)")
# Records of versions that held each shot in a file of its own.
_EARLIER = re.compile(r"(\d{6})\.npy")

log = logging.getLogger("fwicli")


@dataclass(frozen=True)
class Entry:
    """A finished shot.

    Attributes
    ----------
    checksum : int
        CRC-32 of its samples.
    peak : float
        Largest pressure [Pa].
    """

    checksum: int
    peak: float

    @classmethod
    def of(cls, gather: Array) -> Entry:
        """Of a gather, shape (n_receivers, samples)."""
        samples = np.ascontiguousarray(gather)
        return cls(zlib.crc32(samples.data.cast("B")), float(np.abs(samples).max()))


class FinishedRecords(FinishedShots):
    """Records of the finished shots of a run.

    Parameters
    ----------
    folder : Path
        Folder of the journal.
    path : Path
        File of the records until the run has all of them.
    result : Path
        File of all records.
    """

    def __init__(self, folder: Path, path: Path, result: Path) -> None:
        super().__init__(folder)
        self.path, self.result = path, result
        self.entries: dict[int, Entry] = {}
        self._file: RecordFile | None = None

    def open(
        self,
        records: Gathers,
        provenance: Callable[[], Mapping[str, str]],
        topography: Topography | None = None,
    ) -> None:
        """Begin the file, or go on with that of a run that was stopped.

        Parameters
        ----------
        records : Gathers
            All but the samples, with `UnwrittenTraces`.
        provenance : callable
            Gives the attributes of a new file.
        topography : Topography, optional
            Of the model; a new file has it beside the records.

        Raises
        ------
        DataError
            If the file is damaged, or is one of other records.
        OSError
            If it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._file = self._opened(self.path, records)
            self.entries = self._verified(self._file)
        elif self.result.exists() and not outputs.damaged(self.result):
            # Stopped behind the last shot.
            self._file = self._opened(self.result, records)
            self.entries = {n: Entry.of(self._file.read(n)) for n in range(len(records.data))}
        else:
            self._file = RecordFile.begin(self.path, records, provenance(), topography)
        self._write_journal()
        self._take_over()

    @property
    def missing(self) -> list[int]:
        """Numbers of the shots that are to be modelled."""
        return [n for n in range(len(self.file.traces)) if n not in self.entries]

    @property
    def largest(self) -> float:
        """Largest pressure of all finished shots [Pa]."""
        return max((entry.peak for entry in self.entries.values()), default=0.0)

    @property
    def file(self) -> RecordFile:
        """The file.

        Raises
        ------
        DataError
            If it is not open.
        """
        if self._file is None:
            raise DataError(f"{self.path} is not open")
        return self._file

    def collect(
        self, executor: Executor, tasks: Sequence[Task], progress: Callable[[int], None]
    ) -> None:
        """Write the records of all tasks; tasks whose records are there are not run.

        Parameters
        ----------
        executor : Executor
        tasks : sequence of callable
            One for each shot.
        progress : callable
            It takes the number of finished shots.

        Raises
        ------
        DataError
            If a record holds values that are no numbers.
        OSError
            If it cannot be written.
        """
        missing = self.missing
        progress(len(self.entries))
        gathers = executor.map([tasks[shot] for shot in missing])
        for shot, gather in zip(missing, gathers, strict=True):
            self.add(shot, gather)
            progress(len(self.entries))

    def add(self, shot: int, gather: Array) -> None:
        """Write the record of a shot, and note it.

        Parameters
        ----------
        shot : int
        gather : ndarray of shape (n_receivers, samples)

        Raises
        ------
        DataError
            If it holds values that are no numbers.
        OSError
            If it cannot be written.
        """
        results.check({f"record of shot {shot}": gather}, results.NO_RECORDS, may_be_zero=True)
        self.file.write(shot, gather)
        entry = Entry.of(np.asarray(gather, self.file.traces.dtype))
        with ownership.appending(self.manifest.claim(JOURNAL)) as journal:
            journal.write(_line(shot, entry).encode())
        self.entries[shot] = entry

    def copy(
        self, source: Path, folder: Path, shots: range, progress: Callable[[int], None]
    ) -> None:
        """Take over the records of a part of the run.

        Parameters
        ----------
        source : Path
            File of the records.
        folder : Path
            Folder of their journal.
        shots : range
            Numbers of the shots in the run.
        progress : callable
            It takes the number of finished shots.

        Raises
        ------
        DataError
            If they are not as they were written.
        OSError
            If they cannot be written.
        """
        ownership.open_run_file(source).close()
        part, entries = RecordFile.open(source), read_journal(folder)
        try:
            for number, shot in enumerate(shots):
                if shot in self.entries:
                    continue
                gather = part.read(number)
                if entries.get(number) != Entry.of(gather):
                    raise DataError(
                        f"{source} does not hold the record of shot {shot} as it was written; "
                        f"remove {source.parent}, and run --shots {shots.start}:{shots.stop} again"
                    )
                self.add(shot, gather)
                progress(len(self.entries))
        finally:
            part.close()

    def check(self) -> str:
        """Check the records as a whole.

        Returns
        -------
        silent : str
            How many shots are zero throughout; empty if none is.

        Raises
        ------
        DataError
            If all are.
        """
        silent = [shot for shot, entry in sorted(self.entries.items()) if entry.peak == 0]
        return results.silent_shots(silent, len(self.entries))

    def publish(self) -> None:
        """Give the complete file its name.

        Raises
        ------
        OSError
            If the disk has not taken everything.
        """
        self.file.sync()
        self.close()
        self.file.path.replace(self.result)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _opened(self, path: Path, records: Gathers) -> RecordFile:
        """The file of a run that was stopped."""
        ownership.open_run_file(path).close()
        again = f"remove {path}, and its shots are modelled again"
        try:
            file = RecordFile.open(path)
        except DataError as error:
            raise DataError(f"{error}; {again}") from error
        traces, expected = file.traces, records.data
        alike = np.array_equal(traces.counts, expected.counts)
        if not alike or (traces.samples, traces.dtype) != (expected.samples, expected.dtype):
            raise DataError(
                f"{path} has room for {int(traces.counts.sum())} traces of {traces.samples} "
                f"samples in {len(traces)} shots, and the run for {int(expected.counts.sum())} of "
                f"{expected.samples} in {len(expected)}; {again}"
            )
        return file

    def _verified(self, file: RecordFile) -> dict[int, Entry]:
        """Shots of the journal whose samples are in the file."""
        entries = read_journal(self.folder) if self._is_there(JOURNAL) else {}
        numbers = [shot for shot in entries if shot < len(file.traces)]
        intact = [shot for shot in numbers if Entry.of(file.read(shot)) == entries[shot]]
        if len(intact) < len(entries):
            log.warning(
                "warning: %d of %d shots in %s are not as they were written; they are modelled "
                "again",
                len(entries) - len(intact),
                len(entries),
                self.path,
            )
        return {shot: entries[shot] for shot in intact}

    def _take_over(self) -> None:
        """Move records that earlier versions have left shot by shot into the file."""
        for name in [n for n in self.manifest.names if _EARLIER.fullmatch(n)]:
            path, shot = self.folder / name, int(name[:6])
            if not path.exists():
                continue
            if shot < len(self.file.traces) and shot not in self.entries:
                with ownership.open_run_file(path) as stored, undamaged(path):
                    gather = np.asarray(np.load(stored))
                self.add(shot, gather)
            path.unlink()

    def _write_journal(self) -> None:
        """Write the journal anew: a killed run may have left half a line."""
        with atomic.replacing(self.manifest.claim(JOURNAL)) as new:
            new.write_text("".join(_line(*item) for item in self.entries.items()), "ascii")


def read_journal(folder: Path) -> dict[int, Entry]:
    """Finished shots by number.

    Parameters
    ----------
    folder : Path
        Folder of the journal.

    Returns
    -------
    entries : dict of int to Entry
        Half a line is left out.
    """
    with ownership.open_run_file(folder / JOURNAL) as file:
        lines: Iterable[str] = file.read().decode("ascii", errors="replace").splitlines()
    matches = [match for line in lines if (match := _LINE.fullmatch(line))]
    return {int(m[1]): Entry(int(m[2], 16), float(m[3])) for m in matches}


def _line(shot: int, entry: Entry) -> str:
    return f"{shot} {entry.checksum:08x} {entry.peak!r}\n"
