"""Arrays on the grid of a model, in files of any format that is read."""

from __future__ import annotations

from fwicli.config.arrays import ArrayFileSection
from fwicli.errors import DataError
from fwicli.files import arrays
from fwicli.files.arrays import Stored
from fwicli.files.flat import RawFormat
from fwicli.segy import grids, layout

SETTINGS = ("dataset", "dtype", "byte_order")


def read(source: ArrayFileSection, shape: list[int] | None) -> Stored:
    """Read an array of real numbers.

    Parameters
    ----------
    source : ArrayFileSection
    shape : list of int or None
        Of a file that does not state it.

    Returns
    -------
    stored : Stored

    Raises
    ------
    DataError
        If there is no such file, or it does not hold such an array.
    """
    chosen = source.chosen(*SETTINGS)
    if not layout.is_segy(source.file) or arrays.is_hdf5(source.file, b""):
        raw = RawFormat(shape, source.dtype, source.byte_order)
        return arrays.read(source.file, source.dataset, raw, masks=True, chosen=chosen)
    for name in chosen:
        raise DataError(
            f"{source.file} is SEG-Y, which states its format; leave out "
            f"`{name}: {getattr(source, name)}`"
        )
    return Stored(*grids.read(source.file, shape))
