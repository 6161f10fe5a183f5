"""Results of finished shots on disk, which survive a stop of the run."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic, ownership
from fwicli.errors import DataError
from fwicli.execution import Executor, Task
from fwicli.workflows.run_folder.manifest import Manifest

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]

SUM = "sum.npz"

log = logging.getLogger("fwicli")


def compile_missing(
    executor: Executor,
    discretization: Discretization,
    images: tuple[str, ...] = (),
    curvature: str | None = None,
) -> None:
    """Compile the kernels of a run that no run has needed before, in the workers.

    Parameters
    ----------
    executor : Executor
    discretization : Discretization
    images : tuple of str
        Sums that gradient kernels accumulate.
    curvature : str, optional
        Kind of the second derivative.
    """
    tasks = discretization.missing_kernels(images, curvature)
    if tasks:
        log.info("compiling %d kernels; later runs find them", len(tasks))
        for _ in executor.map(tasks):
            pass


class FinishedShots:
    """Results of the finished shots of a run: a run that was stopped continues with the next shot.

    Parameters
    ----------
    folder : Path
        Folder of the results until the run has all of them.
    count : int
        Number of shots.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self.manifest = Manifest(folder)

    def collect(
        self, executor: Executor, tasks: Sequence[Task], progress: Callable[[int], None]
    ) -> list[Array]:
        """Results of all tasks; those on disk are not run again.

        Parameters
        ----------
        executor : Executor
        tasks : sequence of callable
            One for each shot.
        progress : callable
            It takes the number of finished shots.

        Returns
        -------
        gathers : list of ndarray
            In the order of the tasks.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = [i for i in range(self.count) if not self._is_there(self._name(i))]
        progress(self.count - len(missing))
        results = executor.map([tasks[i] for i in missing])
        for done, (number, result) in enumerate(zip(missing, results, strict=True), start=1):
            self._write(number, result)
            progress(self.count - len(missing) + done)
        return [self._read(i) for i in range(self.count)]

    def add(
        self, executor: Executor, tasks: Sequence[Task], progress: Callable[[int], None]
    ) -> Array:
        """Sum of the results of all tasks, in their order and in double precision.

        Parameters
        ----------
        executor : Executor
        tasks : sequence of callable
            One for each shot.
        progress : callable
            It takes the number of finished shots.

        Returns
        -------
        sum : ndarray
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        done, total = 0, np.zeros(())
        path = self.folder / SUM
        if self._is_there(SUM):
            with ownership.open_run_file(path) as file, _whole(path), np.load(file) as archive:
                done, total = int(archive["done"]), archive["total"]
        progress(done)
        for result in executor.map(tasks[done:]):
            done, total = done + 1, total + result.astype(np.float64)
            with atomic.replacing(self.manifest.claim(SUM)) as new, new.open("wb") as file:
                np.savez(file, done=done, total=total)
            progress(done)
        return total

    def remove(self) -> None:
        """Delete the files; somebody else's stay, and the folder with them."""
        self.manifest.remove()
        with suppress(OSError):
            self.folder.rmdir()

    def _name(self, number: int) -> str:
        return f"{number:06d}.npy"

    def _is_there(self, name: str) -> bool:
        return self.manifest.owns(name) and (self.folder / name).exists()

    def _write(self, number: int, result: Array) -> None:
        path = self.manifest.claim(self._name(number))
        with atomic.replacing(path) as new, new.open("wb") as file:
            np.save(file, result)

    def _read(self, number: int) -> Array:
        path = self.folder / self._name(number)
        with ownership.open_run_file(path) as file, _whole(path):
            return np.asarray(np.load(file))


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turn what NumPy raises for a file that is damaged into a sentence."""
    try:
        yield
    except (ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is not what a run has left there ({error}); remove it, and what it held is "
            f"computed again"
        ) from error
