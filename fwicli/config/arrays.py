"""Arrays of a config: in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from fwicli.config.values import Count, Number, Section, kind


class ArrayFile(Section):
    """An array in a file: HDF5, .npy, .npz, text, or raw binary.

    file: path, relative to the config.  dataset: name in an HDF5 or .npz file.  shape, dtype: of a
    raw file, in C order with z fastest.
    """

    file: Path
    dataset: str = "vp"
    shape: list[Count] | None = None
    dtype: Literal["float32", "float64"] = "float32"
    byte_order: Literal["little", "big"] = "little"


# One number for all points, or one for each.
NumberOrArray = Annotated[
    Annotated[Number, Tag("number")] | Annotated[ArrayFile, Tag("mapping")],
    Discriminator(kind),
]
