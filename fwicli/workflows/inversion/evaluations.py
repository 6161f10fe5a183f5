"""The evaluations of an iteration, on disk until the iteration is: none is done twice.

An optimizer is a function of its state and of its evaluations. A run that was killed within an
iteration begins that iteration again from its state, asks for the same evaluations in the same
order, and is given those which are on disk: it loses the one that was in flight, and nothing else.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic, ownership
from fwicli.workflows.run_folder.manifest import Manifest

Array = NDArray[Any]
Entry = dict[str, Array]


class EvaluationCache:
    """Results of evaluations on disk, by kind and place.

    Parameters
    ----------
    folder : Path
        Folder of the results; it is made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, what: str, at: tuple[Array, ...], make: Callable[[], Entry]) -> Entry:
        """The result of an evaluation: from disk, or computed now and written.

        Parameters
        ----------
        what : str
            Name of everything that the result depends on but `at`: stage, iteration,
            kind.
        at : tuple of ndarray
            Where it is evaluated.
        make : callable
            Computes the result.

        Returns
        -------
        entry : dict of str to ndarray
        """
        name = f"{_digest(what, at)}.npz"
        manifest = Manifest(self.folder)
        entry = _read(self.folder / name) if manifest.owns(name) else None
        if entry is None:
            entry = make()
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(manifest.claim(name)) as new, new.open("wb") as file:
                np.savez(file, **entry)  # type: ignore[arg-type]
        return entry

    def clear(self) -> None:
        """Forget everything: the state that they led to is on disk."""
        manifest = Manifest(self.folder)
        manifest.remove()
        with suppress(OSError):  # as where somebody else's files are in it
            self.folder.rmdir()


def _digest(what: str, at: tuple[Array, ...]) -> str:
    digest = hashlib.sha256(what.encode())
    for array in at:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> Entry | None:
    """An entry, if it is there whole.

    Raises
    ------
    TrustError
        If somebody else could have written it.
    """
    try:
        with ownership.open_run_file(path) as file, np.load(file) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
