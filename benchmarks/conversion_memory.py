"""Memory and speed of conversions and reports of large records, beside the disk's own speed.

Records of random numbers are written as HDF5, and converted from each format to the
next and back; `fwi info` then reads the last. Each command is a new process. Its memory is the
largest that was resident, the libraries included. The disk's own speed is that of copying the file
in blocks of 4 MB. Files are written through to the disk, and leave the cache of the system before
they are read.

    python benchmarks/conversion_memory.py [--megabytes 1000] [--channels 240] [--samples 1500]
        [--folder DIR]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import click
import h5py
import numpy as np

BLOCK = 1 << 22
# The process prints the largest memory of its child [kB].
MEASURED = (
    "import resource, subprocess, sys; "
    "code = subprocess.run([sys.executable, '-m', 'fwicli', *sys.argv[1:]], "
    "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode; "
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def write(path: Path, megabytes: int, channels: int, samples: int) -> None:
    """A marine line of random numbers, one shot in memory at a time."""
    shots = max(2, int(megabytes * 1e6 / (channels * 4 * samples)))
    rng = np.random.default_rng(0)
    x = 25.0 * np.arange(shots)
    with h5py.File(path, "w") as file:
        file.attrs["dt"] = 0.002
        data = file.create_dataset("data", (shots, channels, samples), "f4")
        for shot in range(shots):
            data[shot] = rng.standard_normal((channels, samples), np.float32)
        file["source_x"], file["source_z"] = x, np.full(shots, 6.0)
        file["receiver_x"] = x[:, None] - 100 - 12.5 * np.arange(channels)
        file["receiver_z"] = np.full(channels, 8.0)


def flush(folder: Path) -> None:
    """Write all files through to the disk, and out of the cache of the system."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def copy(source: Path, target: Path) -> None:
    """A file in blocks."""
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as other:
        while block := file.read(BLOCK):
            other.write(block)


def fwi(*arguments: str) -> float:
    """Largest memory of a command [bytes].

    Raises
    ------
    SystemExit
        If it fails.
    """
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, size = done.stdout.split()
    if code != "0":
        sys.exit(f"fwi {' '.join(arguments)} failed with exit code {code}")
    return float(size) * 1024


@click.command()
@click.option("--megabytes", default=1000, help="Size of the records.")
@click.option("--channels", default=240, help="Traces of a shot.")
@click.option("--samples", default=1500, help="Samples of a trace.")
@click.option("--folder", type=click.Path(path_type=Path), help="On the disk to measure.")
def main(megabytes: int, channels: int, samples: int, folder: Path | None) -> None:
    """Print memory and speed of each command."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        names = ["a.h5", "b.sgy", "c.h5", "d.rsf", "e.sgy"]
        write(place / names[0], megabytes, channels, samples)
        size = (place / names[0]).stat().st_size
        flush(place)
        start = time.perf_counter()
        copy(place / names[0], place / "copy")
        flush(place)
        disk = size / (time.perf_counter() - start)
        (place / "copy").unlink()
        click.echo(f"{size / 1e6:.0f} MB; copied in blocks at {disk / 1e6:.0f} MB/s")
        for source, target in pairwise(names):
            flush(place)
            start = time.perf_counter()
            memory = fwi("convert", str(place / source), str(place / target))
            flush(place)
            speed = size / (time.perf_counter() - start)
            click.echo(
                f"convert {source[2:]:>3} to {target[2:]:<3}  {memory / 1e6:5.0f} MB of memory  "
                f"{speed / 1e6:5.0f} MB/s, {speed / disk:.2f} of the disk's"
            )
            for path in place.glob(f"{source}*"):
                path.unlink()
        start = time.perf_counter()
        memory = fwi("info", str(place / names[-1]))
        speed = size / (time.perf_counter() - start)
        click.echo(f"info                {memory / 1e6:5.0f} MB of memory  {speed / 1e6:5.0f} MB/s")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
