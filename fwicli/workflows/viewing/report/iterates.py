"""Models of an inversion as its result holds them: start, every iterate, and the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.files import datasets, hdf5
from fwicli.plotting import frames
from fwicli.plotting.frames import FrameStyle
from fwicli.plotting.pictures import VELOCITY
from fwicli.plotting.style import extremes, words_of
from fwicli.report.slider import Panel, Slider
from fwicli.survey.grid import Grid
from fwicli.survey.properties import UNITS

Array = NDArray[Any]

# Frames of a slider, and bytes of all of them (PNG), at most.
FRAMES, BYTES = 80, 4_000_000
# Pixels of a field along an axis, from the best to the least.
PIXELS = (640, 480, 320, 240)


@dataclass(frozen=True)
class Iterates:
    """Names and numbers of the models in the result of an inversion.

    Attributes
    ----------
    path : Path
    quantities : list of str
    numbers : list of str
        Names of the iterates, in their order.
    records : mapping of str to mapping
        Numbers of each iterate.
    """

    path: Path
    quantities: Sequence[str]
    numbers: Sequence[str]
    records: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Iterates:
        """From the result of an inversion."""
        with datasets.reading(path) as file:
            numbers = file.groups("iterates")
            records = {n: file.attributes(f"iterates/{n}") for n in numbers}
            return cls(path, file.groups("start"), numbers, records)

    def model(self, group: str, quantity: str) -> Array:
        """A quantity of one of the models.

        Parameters
        ----------
        group : str
            `start`, `result`, or `iterates/` with the name of an iterate.
        quantity : str

        Returns
        -------
        values : ndarray of shape grid.shape
            In its SI unit.
        """
        with datasets.reading(self.path) as file:
            return file.array(f"{group}/{quantity}")

    def reference(self, quantity: str) -> Array | None:
        """A quantity of the reference; None if the run has none."""
        with datasets.reading(self.path) as file:
            name = f"reference/{quantity}"
            return file.array(name) if file.has(name) else None

    def grid(self, quantity: str) -> Grid:
        """The grid of the models."""
        with datasets.reading(self.path) as file:
            name = f"start/{quantity}"
            attributes = file.attributes(name)
            spacing = tuple(float(h) for h in np.atleast_1d(attributes["spacing"]))
            origin = tuple(float(o) for o in np.atleast_1d(attributes["origin"]))
            return Grid(file.shape(name), spacing, origin)

    def chosen(self, most: int) -> list[str]:
        """Iterates that are shown: all, or some that are spread evenly, and the last."""
        count = len(self.numbers)
        if count <= most:
            return list(self.numbers)
        at = np.unique(np.linspace(count - 1, 0, most).round().astype(int))
        return [self.numbers[i] for i in at]

    def label(self, number: str) -> str:
        """An iterate in words, with its numbers."""
        record = self.records[number]
        text = f"stage {record['stage']} iteration {record['iteration']}"
        text += f", misfit {float(record['misfit']):.4g}"
        errors = [name for name in record if name.startswith("model_error")]
        return text + "".join(
            f", {name.replace('_', ' ')} {float(record[name]):.4g}" for name in errors
        )


def slider(iterates: Iterates, quantity: str, share: float) -> Slider:
    """A slider over the models, with their difference to the reference, or to the start.

    Parameters
    ----------
    iterates : Iterates
    quantity : str
    share : float
        Of `BYTES`, that the slider may take.

    Returns
    -------
    slider : Slider
        Its caption says which iterates it shows.
    """
    start, result = (iterates.model(group, quantity) for group in ("start", "result"))
    true = iterates.reference(quantity)
    base, base_name = (start, "the start") if true is None else (true, "the reference")
    styles = _styles(quantity, (start, result, true), base_name)
    section = [frames.middle_section(m) for m in (result, result - base)]
    pixels, count = _fitting(section, styles, share * BYTES, len(iterates.numbers) + 1)
    chosen = iterates.chosen(count - 1)
    fields: tuple[list[bytes], list[bytes]] = ([], [])
    for group in ("start", *(f"iterates/{n}" for n in chosen)):
        values = iterates.model(group, quantity)
        fields[0].append(frames.field(values, styles[0], pixels))
        fields[1].append(frames.field(values - base, styles[1], pixels))
    grid, words = iterates.grid(quantity), words_of(quantity)
    surface = hdf5.read_surface(iterates.path, grid)
    titles = f"{words}", f"{words} minus {base_name}"
    panels = [
        Panel(title, *frames.axes(grid, style, title, surface), drawn)
        for title, style, drawn in zip(titles, styles, fields, strict=True)
    ]
    labels = ["start", *(iterates.label(n) for n in chosen)]
    caption = (
        f"Above: {words}{_unit(quantity)}. Below: its difference to {base_name}. Both colour "
        f"scales are the same for all models. {_in_words(len(chosen), len(iterates.numbers))}"
        f"{_place(grid)}"
    )
    return Slider(f"models-{quantity}", labels, panels, caption)


def _in_words(shown: int, count: int) -> str:
    if shown == count:
        return f"The slider has the start and all {count} iterates."
    return (
        f"The slider has the start and {shown} of {count} iterates, evenly spread, with the last; "
        f"the result holds all of them."
    )


def _place(grid: Grid) -> str:
    """Where the section is, in 3D."""
    if grid.ndim == 2:
        return ""
    y = grid.origin[1] + grid.spacing[1] * (grid.shape[1] // 2)
    return f" The section is that of y = {y:g} m."


def _unit(quantity: str) -> str:
    unit = UNITS.get(quantity, "")
    return f" [{unit}]" if unit else ""


def _styles(
    quantity: str, models: tuple[Array, Array, Array | None], base_name: str
) -> tuple[FrameStyle, FrameStyle]:
    """Colours of the models and of the differences, with fixed ends."""
    start, result, true = models
    shown = [start, result] if true is None else [start, true]
    low, high = extremes(quantity, *shown)
    change = np.abs(start - true) if true is not None else np.abs(result - start)
    largest = float(np.percentile(change, 99.5)) or float(change.max()) or 1.0
    label = f"{words_of(quantity)}{_unit(quantity)}"
    return (
        FrameStyle(VELOCITY, low, high if high > low else low + 1.0, label),
        FrameStyle("seismic", -largest, largest, f"minus {base_name}{_unit(quantity)}"),
    )


def _fitting(
    sections: Sequence[Array], styles: Sequence[FrameStyle], budget: float, count: int
) -> tuple[int, int]:
    """Pixels of a field and number of frames that fit into a budget [bytes]."""
    count = min(count, FRAMES)
    for pixels in PIXELS:
        drawn = zip(sections, styles, strict=True)
        size = sum(len(frames.field(values, style, pixels)) for values, style in drawn)
        if size * count <= budget:
            return pixels, count
    return PIXELS[-1], max(2, int(budget / size))
