"""Pictures of migrations: residual by iteration, records of one shot, images to compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting import pictures
from fwicli.plotting.style import Figure, save
from fwicli.survey.model import EarthModel

Array = NDArray[Any]


def convergence(path: Path, course: Array) -> None:
    """Draw the residual of the data against iterations.

    Parameters
    ----------
    path : Path
        PNG file to write.
    course : ndarray of shape (iterations + 1,)
        Residual relative to that without an image, before the first step and after each one.
    """
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(course.size), course, "o-", ms=3)
    axes.set(xlabel="iteration", ylabel="residual, relative to the data")
    axes.set_ylim(bottom=0.0)
    axes.grid(alpha=0.3)
    save(figure, path, pictures.DPI)


def panels(path: Path, records: Mapping[str, Array], interval: float, title: str) -> None:
    """Draw records of one shot beside each other, on one scale.

    Parameters
    ----------
    path : Path
        PNG file to write.
    records : mapping of str to ndarray of shape (n_receivers, samples)
        By the title of their panel.
    interval : float
        Sampling interval [s].
    title : str
    """
    figure = Figure(figsize=(3.4 * len(records), 4.6), layout="constrained")
    columns = figure.subplots(1, len(records), squeeze=False, sharey=True)[0]
    first = next(iter(records.values()))
    largest = float(np.percentile(np.abs(first), 98)) or 1.0
    end = interval * (first.shape[1] - 1)
    for axes, (name, gather) in zip(columns, records.items(), strict=True):
        axes.imshow(
            gather.T,
            cmap="gray_r",
            vmin=-largest,
            vmax=largest,
            aspect="auto",
            interpolation="bilinear",
            extent=(0, max(gather.shape[0] - 1, 1), end, 0),
        )
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("receiver")
    columns[0].set_ylabel("time [s]")
    figure.suptitle(title)
    save(figure, path, pictures.DPI)


def images(path: Path, named: Mapping[str, Array], earth: EarthModel) -> None:
    """Draw images of reflectors below each other, each on its own scale.

    Parameters
    ----------
    path : Path
        PNG file to write.
    named : mapping of str to ndarray of shape earth.grid.shape
        Images by title.
    earth : EarthModel
        Its water does not count for the scales.
    """
    width, height = pictures.size(earth.grid)
    figure = Figure(figsize=(width, height * len(named)), layout="constrained")
    rows = figure.subplots(len(named), 1, squeeze=False)[:, 0]
    for axes, (title, values) in zip(rows, named.items(), strict=True):
        pictures.reflectors(axes, values, earth)
        axes.set_title(title)
    save(figure, path, pictures.DPI)
