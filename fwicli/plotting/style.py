"""Matplotlib as it comes: pictures do not depend on the settings of other programs.

Jupyter sets MPLBACKEND for every command that a cell starts, to a module that need not be here; a
`matplotlibrc` may be damaged, or lie in the folder where a command is run. Matplotlib reads all of
this when it is imported, and gives up over some of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from fwicli.disk import atomic

SETTINGS = "matplotlibrc"


@contextmanager
def _own_settings() -> Iterator[None]:
    """Have Matplotlib read its own settings alone."""
    before = {n: os.environ.get(n) for n in ("MPLBACKEND", "MATPLOTLIBRC")}
    spec = find_spec("matplotlib")
    package = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    os.environ.pop("MPLBACKEND", None)
    os.environ["MATPLOTLIBRC"] = str(package / "mpl-data" / SETTINGS)
    # Settings in the folder where a command is run come before those.
    here = os.open(".", os.O_RDONLY) if Path(SETTINGS).is_file() else None
    try:
        if here is not None:
            os.chdir(package)
        yield
    finally:
        if here is not None:
            os.fchdir(here)
            os.close(here)
        for name, value in before.items():
            with suppress(KeyError):
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


with _own_settings():
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Axes", "Figure", "save"]


def save(figure: Figure, path: Path, dpi: float) -> None:
    """Write a figure as a PNG file.

    Parameters
    ----------
    figure : Figure
    path : Path
    dpi : float
        Dots per inch.
    """
    software = f"fwicli {metadata.version('fwicli')}"
    with atomic.replacing(path) as new:
        figure.savefig(new, dpi=dpi, format="png", metadata={"Software": software})
