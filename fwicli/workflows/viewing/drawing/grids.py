"""Pictures of arrays on a grid: planes in colours by their quantity, and curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fwicli.errors import ConfigError
from fwicli.files.blocks import BlockedArray
from fwicli.plotting import figures
from fwicli.plotting.style import Figure, extremes, label
from fwicli.survey.properties import OF_SOLIDS, UNITS
from fwicli.workflows.viewing.drawing import planes
from fwicli.workflows.viewing.drawing.drawable import PictureOptions

# Kinds of pictures by names of arrays; others are images if they have both signs.
KINDS = {
    "image": "image",
    "perturbation": "image",
    "unfiltered": "image",
    "illumination": "energy",
    "gradient": "change",
}


def plane_figure(
    array: BlockedArray, quantity: str, title: str, options: PictureOptions, kind: str = ""
) -> Figure:
    """Picture of an array: a plane in colours, or a curve.

    Parameters
    ----------
    array : BlockedArray
    quantity : str
        Its name, for the label.
    title : str
    options : PictureOptions
    kind : str
        Of its colours; by default that of its name or values.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ConfigError
        If it has more than three axes.
    """
    unit = array.beside.get("unit", UNITS.get(quantity, ""))
    text = label(quantity, unit if isinstance(unit, str) else "")
    if len(array.shape) < 2:
        values = np.concatenate([np.atleast_1d(block) for _, block in array])
        return figures.profile(values, text, title, options.look)
    if len(array.shape) > 3:
        raise ConfigError(
            f"{array.name} has {len(array.shape)} axes; a picture shows arrays of up to three"
        )
    plane, place = planes.plane(array, options.places)
    both = bool(np.nanmin(plane.values) < 0 < np.nanmax(plane.values))
    kind = kind or KINDS.get(quantity, "image" if both and quantity not in UNITS else "property")
    if kind == "change" and quantity in UNITS:
        text = f"difference of {text}"
    heading, look = f"{title}, {place}" if place else title, options.look
    if quantity in OF_SOLIDS and kind == "property" and (look.limits, look.clip) == (None, None):
        look = replace(look, limits=extremes(quantity, plane.values))
    return figures.section(plane, kind, heading, text, look)


def resized(figure: Figure, options: PictureOptions) -> Figure:
    """A figure with the size that the options state.

    Parameters
    ----------
    figure : Figure
    options : PictureOptions

    Returns
    -------
    figure : Figure
    """
    if options.look.size is not None:
        figure.set_size_inches(*options.look.size)
    return figure
