"""Files as they are opened for `fwi info` and `fwi convert`: which format, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fwicli.config.data import DataSection
from fwicli.config.loader import of_options
from fwicli.disk import patterns
from fwicli.errors import ConfigError, DataError
from fwicli.files import arrays, blocks, datasets
from fwicli.files.arrays import RAW
from fwicli.files.blocks import BlockedArray
from fwicli.files.flat import RawFormat
from fwicli.files.rsf import header as rsf
from fwicli.files.rsf.records import is_records
from fwicli.segy import grids
from fwicli.segy import layout as segy
from fwicli.survey.gathers import Gathers
from fwicli.survey.properties import COMBINATIONS, PROPERTIES
from fwicli.workflows.assembly import field_records

# Formats by the ends of names.
SUFFIXES = {
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".sgy": "segy",
    ".segy": "segy",
    ".seg": "segy",
    ".su": "su",
    ".rsf": "rsf",
    ".npy": "npy",
}
WORDS = {
    "hdf5": "HDF5",
    "segy": "SEG-Y",
    "su": "SU",
    "rsf": "RSF of Madagascar",
    "npy": ".npy of NumPy",
}


@dataclass(frozen=True)
class FileLayout:
    """How files are read that do not say it themselves.

    Attributes
    ----------
    dataset : str
        Name of the array, or of the traces, in a file that holds several.
    raw : RawFormat
        Layout of raw binary numbers.
    settings : tuple of str
        Keys of the section `data` on trace headers, as in `bytes.receiver_x=81:int32`.
    """

    dataset: str = ""
    raw: RawFormat = RAW
    settings: tuple[str, ...] = ()

    def section(self, path: Path) -> DataSection:
        """The section `data` of a config that would read a file so.

        Parameters
        ----------
        path : Path
            Of a file, or a pattern.

        Returns
        -------
        section : DataSection

        Raises
        ------
        ProblemsError
            If a key has a value that it does not take.
        """
        stated = {"file": str(path)}
        if self.dataset:
            stated["traces"] = self.dataset
        return of_options(DataSection, stated, self.settings)


def records_format(path: Path, layout: FileLayout) -> str:
    """Format of the shot records in a file; empty if it holds none.

    Parameters
    ----------
    path : Path
        Of a file, or a pattern.
    layout : FileLayout

    Returns
    -------
    format : str
        "hdf5", "segy", "su", "rsf", or empty.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged.
    """
    matching = patterns.files([path])
    if not matching:
        raise DataError(f"no file matches {path}; correct the pattern")
    first = matching[0]
    head = arrays.head(first)
    if arrays.is_hdf5(first, head):
        with datasets.reading(first) as file:
            names = file.names()
        return "hdf5" if "source_x" in names and (layout.dataset or "data") in names else ""
    if segy.is_segy(first):
        if grids.is_grid(first):
            return ""
        return segy.SUFFIXES[first.suffix.lower()]
    if first.suffix.lower() == rsf.SUFFIX and is_records(rsf.read_header(first)):
        return "rsf"
    return ""


def records(path: Path, layout: FileLayout) -> Gathers:
    """Shot records of a file, whose traces are read when they are used.

    Parameters
    ----------
    path : Path
        Of a file, or a pattern.
    layout : FileLayout

    Returns
    -------
    records : Gathers

    Raises
    ------
    DataError
        If the file cannot be read.
    ConfigError
        If a field of the options does not fit a trace header.
    """
    try:
        return field_records.read(layout.section(path), stored=True)
    except DataError as error:
        if len(error.key) == 2 and error.key[0] == "bytes":
            raise ConfigError(f"--bytes {error.key[-1]}: {error}") from error
        raise


def array(path: Path, layout: FileLayout, dataset: str = "") -> BlockedArray:
    """An array of a file, which is read in blocks; of SEG-Y as a whole.

    Parameters
    ----------
    path : Path
    layout : FileLayout
    dataset : str
        Name in a file that may hold several arrays; by default that of the layout.

    Returns
    -------
    array : BlockedArray

    Raises
    ------
    DataError
        If there is no such file or array.
    """
    head = arrays.head(path)
    hdf5 = arrays.is_hdf5(path, head)
    described = hdf5 or head.startswith((arrays.NPY, arrays.ZIP)) or segy.is_segy(path)
    if not described and layout.raw.shape is None and path.suffix.lower() not in arrays.NAMED:
        raise DataError(
            f"{path} is of no kind that is recognised; for raw binary numbers, give their shape, "
            f"as in `--shape 201,101 --dtype float32`"
        )
    if hdf5 or not segy.is_segy(path):
        return blocks.open_array(path, dataset or layout.dataset, layout.raw)
    values, name, beside = grids.read(path, layout.raw.shape)
    return BlockedArray.loaded(name, values, beside)


def quantity(path: Path) -> str:
    """A quantity of the earth that a file is named after, as vp in start_vp.npy; or empty."""
    stem = path.stem.lower().replace("-", "_")
    named = (name for name in COMBINATIONS if f"_{name}_" in f"_{stem}_")
    # The longest, as `shear_impedance` has `impedance` in it.
    combination = max(named, key=len, default="")
    return combination or next((word for word in stem.split("_") if word in PROPERTIES), "")
