"""Pictures of the gathers of an image, from the file that `fwi rtm` writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from fwicli.errors import ConfigError
from fwicli.files import datasets
from fwicli.plotting import image_gathers
from fwicli.plotting.image_gathers import GatherPanels
from fwicli.plotting.style import Figure
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly.images import LABELS
from fwicli.workflows.viewing.drawing.drawable import Drawable, PictureOptions

FILE = "gathers.h5"
# Option of a picture: the position of the gathers.
OPTIONS = frozenset({"x"})


def contents(path: Path) -> Mapping[str, Drawable]:
    """Gathers of a file, of lags and of angles; none in 3D.

    Parameters
    ----------
    path : Path

    Returns
    -------
    contents : mapping of str to Drawable
    """
    with datasets.reading(path) as file:
        names, kind = file.names(), str(file.attributes("/")["kind"])
        axes = str(file.attributes("gathers")["axes"])
    if axes != "x, z":
        return {}
    listed = {
        "gathers": Drawable(
            f"{kind.replace('_', '-')} gathers of the image",
            partial(_figure, path, "gathers", "lags", LABELS[kind]),
            OPTIONS,
        )
    }
    if "angle_gathers" in names:
        figure = partial(_figure, path, "angle_gathers", "angles", "angle [deg]")
        listed["angle_gathers"] = Drawable("angle gathers, with residual moveout", figure, OPTIONS)
    return listed


def _figure(path: Path, name: str, lags: str, label: str, options: PictureOptions) -> Figure:
    with datasets.reading(path) as file:
        values, axis = np.asarray(file.array(name)), np.asarray(file.array(lags))
        about = file.attributes(name)
        curvature = energy = None
        fitted = "curvature" if name == "angle_gathers" else "velocity_ratio"
        if fitted in file.names():
            curvature = np.asarray(file.array(fitted))
            energy = (values.sum(axis=0) * np.asarray(file.array("semblance"))) ** 2
    spacing, origin = ([float(x) for x in np.ravel(about[n])] for n in ("spacing", "origin"))
    grid = Grid(values.shape[1:], tuple(spacing), tuple(origin))
    at = [options.places["x"]] if "x" in options.places else None
    for x in at or ():
        if not grid.origin[0] <= x <= grid.end[0]:
            raise ConfigError(
                f"there is no gather at x = {x:g} m: {name} goes from {grid.origin[0]:g} to "
                f"{grid.end[0]:g} m; choose --x there"
            )
    panels = GatherPanels(values, axis, label, curvature, energy, fitted)
    return image_gathers.figure([panels], grid, at)
