"""Results of finished shots on disk, which survive a stop of the run."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fwicli.errors import DataError
from fwicli.execution import Executor
from fwicli.workflows.run_folder.manifest import Manifest

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization
    from fwicli.survey.acquisition import Acquisition

log = logging.getLogger("fwicli")


def compile_missing(
    executor: Executor,
    discretization: Discretization,
    images: tuple[str, ...] = (),
    curvature: str | None = None,
    acquisition: Acquisition | None = None,
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
    acquisition : Acquisition, optional
        Its shots say which components there are; by default the usual ones.
    """
    components = None if acquisition is None else acquisition.components_of_shots
    tasks = discretization.missing_kernels(images, curvature, components)
    if tasks:
        several = "s; later runs find them" if len(tasks) > 1 else "; later runs find it"
        log.info("compiling %d kernel%s", len(tasks), several)
        for _ in executor.map(tasks):
            pass


class FinishedShots:
    """Results of the finished shots of a run: a run that was stopped continues with the others.

    Parameters
    ----------
    folder : Path
        Folder of the results until the run has all of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest(folder)

    def remove(self) -> None:
        """Delete the files; somebody else's stay, and the folder with them."""
        self.manifest.remove()
        with suppress(OSError):
            self.folder.rmdir()

    def _is_there(self, name: str) -> bool:
        return self.manifest.owns(name) and (self.folder / name).exists()


@contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Turn what NumPy raises for a file that is damaged into a sentence."""
    try:
        yield
    except (ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is not what a run has left there ({error}); remove it, and what it held is "
            f"computed again"
        ) from error
