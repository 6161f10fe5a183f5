"""Arrays of a config: in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from fwicli.config.values import Count, Number, Section, kind


class ArrayFileSection(Section):
    """An array in a file: HDF5, .npy, .npz, RSF, text, or raw binary."""

    file: Path
    """The array is read from this path, relative to the config."""
    dataset: str = "vp"
    """The array has this name in an HDF5 or .npz file."""
    shape: list[Count] | None = None
    """A raw file has this shape, in C order with z fastest."""
    dtype: Literal["float32", "float64"] = "float32"
    """A raw file holds numbers of this type."""
    byte_order: Literal["little", "big"] = "little"
    """A raw file stores the bytes of its numbers in this order."""


# One number for all points, or one for each.
NumberOrArray = Annotated[
    Annotated[Number, Tag("number")] | Annotated[ArrayFileSection, Tag("mapping")],
    Discriminator(kind),
]
