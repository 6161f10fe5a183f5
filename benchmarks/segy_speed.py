"""Speed of SEG-Y: writing, indexing, opening shots, and reading through, beside the disk's own.

A file of 10 000 shots is written shot by shot, as IEEE and as IBM floats. It is indexed by a new
process, opened by another from the index that the first has kept, and its shots are read at random
and then all in order. Then it is converted to HDF5 and back. The disk's own speed is that of
writing and reading as many bytes in blocks of 4 MB. Files are written through to the disk; before
reading, they leave the cache of the system. Memory is the largest that was resident, less what was
resident after the imports.

    python benchmarks/segy_speed.py [--shots 10000] [--channels 100] [--samples 250] [--folder DIR]
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

BLOCK = 1 << 22
RANDOM = 300


def write(path: Path, shots: int, channels: int, samples: int, encoding: str) -> None:
    """A marine line, one shot in memory at once, written through to the disk."""
    from fwicli import SegyForm, writing_segy

    gather = np.random.default_rng(0).standard_normal((channels, samples)).astype(np.float32)
    channel = np.arange(channels)
    form = SegyForm(0.004, samples, shots * channels, encoding)
    with writing_segy(path, form) as writer:
        for shot in range(shots):
            writer.append(
                gather,
                {
                    "field_record": shot + 1,
                    "channel": channel + 1,
                    "trace_id": 1,
                    "source_x": 2500 * shot,
                    "receiver_x": 2500 * shot - 10_000 - 1250 * channel,
                    "source_depth": 600,
                    "receiver_elevation": -800,
                    "coordinate_scalar": -100,
                    "elevation_scalar": -100,
                },
            )
    through(path)


def through(path: Path) -> None:
    """Write a file through to the disk, and out of the cache of the system."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def copy_of(size: int, path: Path) -> None:
    """As many bytes in blocks."""
    block = np.random.default_rng(0).bytes(BLOCK)
    with path.open("wb", buffering=0) as file:
        for _ in range(size // BLOCK):
            file.write(block)
    through(path)


def read_through(path: Path) -> None:
    """A file in blocks."""
    with path.open("rb", buffering=0) as file:
        while file.read(BLOCK):
            pass


def seconds(function: Callable[[], object]) -> float:
    """Time that a function takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def resident() -> float:
    """Largest resident memory of this process until now, without that of its parent [MB]."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e3


def opened(path: Path) -> None:
    """Part of a new process: open a survey, then its shots."""
    from fwicli import read_segy

    imported, started = resident(), time.perf_counter()
    records = read_segy([path])
    opening, memory = time.perf_counter() - started, resident() - imported
    numbers = np.random.default_rng(1).integers(0, len(records.data), RANDOM)
    single = sorted(seconds(lambda n=int(n): records.data[n]) for n in numbers)
    through(path)
    whole = seconds(lambda: [None for gather in records.data if gather is None])
    times = {"open": opening, "shot": single[RANDOM // 2], "slowest": single[-1]}
    click.echo(json.dumps({**times, "memory": memory, "through": whole, "all": resident()}))


def converted(path: Path) -> None:
    """Part of a new process: convert a file to HDF5, or back, shot by shot."""
    from fwicli import SegyWriting, read_gathers, read_segy, write_gathers, write_segy

    imported, started, busy = resident(), time.perf_counter(), time.process_time()
    if path.suffix == ".sgy":
        target = path.with_suffix(".h5")
        write_gathers(target, read_segy([path]), {})
    else:
        target = back(path)
        write_segy(target, read_gathers(path), SegyWriting(path.stem))
    busy = time.process_time() - busy
    through(target)
    times = {"took": time.perf_counter() - started, "memory": resident() - imported}
    click.echo(json.dumps({**times, "cpu": busy, "all": resident()}))


def back(path: Path) -> Path:
    """Name of a file that came back from HDF5."""
    return path.with_name(f"{path.stem}_back.sgy")


def check_same(path: Path) -> None:
    """Make sure that some shots came back with the same samples and positions."""
    from fwicli import read_segy

    ours, theirs = read_segy([back(path)]), read_segy([path])
    for shot in np.random.default_rng(2).integers(0, len(theirs.data), 20):
        same = np.array_equal(ours.data[shot], theirs.data[shot])
        surveys = (ours.acquisition, theirs.acquisition)
        receivers = [survey.receivers_of(int(shot)) for survey in surveys]
        if not same or not np.array_equal(*receivers):
            raise click.ClickException(f"shot {shot} came back with other samples or positions")


def in_process(path: Path, cache: Path, option: str = "--open") -> dict[str, float]:
    """Run `opened` or `converted` in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, option, str(path)],
        env={**os.environ, "FWI_CACHE": str(cache)},
        check=True,
        capture_output=True,
        text=True,
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


def convert(file: Path, size: int, copying: float, cache: Path) -> None:
    """Convert a file to HDF5 and back, and print speeds.

    Parameters
    ----------
    file : Path
    size : int
        [bytes].
    copying : float
        Time of reading and writing as many bytes [s].
    cache : Path
    """
    table = file.with_suffix(".h5")
    for path, words in ((file, "to HDF5"), (table, "from HDF5")):
        times = in_process(path, cache, "--convert")
        click.echo(
            f"{file.stem} {words}: {size / times['took'] / 1e6:.0f} MB/s "
            f"({copying / times['took']:.2f} of the disk's speed of reading and writing), "
            f"{size / times['cpu'] / 1e6:.0f} MB in a second of the processor, "
            f"{times['all']:.0f} MB, {times['memory']:.0f} MB more than after the imports"
        )
    check_same(file)
    table.unlink()
    back(file).unlink()


@click.command()
@click.option("--shots", default=10_000)
@click.option("--channels", default=100)
@click.option("--samples", default=250)
@click.option("--folder", type=click.Path(path_type=Path), help="Where files are written.")
@click.option("--open", "opens", type=click.Path(path_type=Path), hidden=True)
@click.option("--convert", "converts", type=click.Path(path_type=Path), hidden=True)
def main(
    shots: int,
    channels: int,
    samples: int,
    folder: Path | None,
    opens: Path | None,
    converts: Path | None,
) -> None:
    """Write, index, open, read and convert files, and print speeds."""
    if opens is not None:
        opened(opens)
        return
    if converts is not None:
        converted(converts)
        return
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="segy-", dir=folder))
    traces = shots * channels
    size = traces * (240 + 4 * samples)
    try:
        disk = place / "plain"
        writing = seconds(lambda: copy_of(size, disk))
        reading = seconds(lambda: read_through(disk))
        disk.unlink()
        click.echo(
            f"disk: writes {size / writing / 1e6:.0f} MB/s, reads {size / reading / 1e6:.0f} MB/s"
        )
        for encoding in ("ieee", "ibm"):
            file = place / f"{encoding}.sgy"
            took = seconds(lambda f=file, e=encoding: write(f, shots, channels, samples, e))
            first, again = (in_process(file, place / "cache") for _ in range(2))
            click.echo(
                f"{encoding}: {size / 1e9:.2f} GB of {shots} shots written at "
                f"{size / took / 1e6:.0f} MB/s ({writing / took:.2f} of the disk's speed); indexed "
                f"at {traces / first['open']:.0f} traces/s; opened again in {again['open']:.2f} s "
                f"and {again['memory']:.0f} MB; half of the shots in {1e3 * again['shot']:.2f} ms, "
                f"the slowest in {1e3 * again['slowest']:.1f} ms; read through at "
                f"{size / again['through'] / 1e6:.0f} MB/s "
                f"({reading / again['through']:.2f} of the disk's speed), {again['all']:.0f} MB"
            )
            convert(file, size, reading + writing, place / "cache")
            file.unlink()
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
