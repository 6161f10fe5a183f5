"""Contents of files and run folders that can be drawn, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.errors import ConfigError, DataError
from fwicli.files import arrays, blocks, datasets, hdf5
from fwicli.files.blocks import BlockedArray
from fwicli.plotting import curves
from fwicli.plotting.style import Figure
from fwicli.workflows.exchange import opening
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.viewing.drawing import image_gathers, recorded
from fwicli.workflows.viewing.drawing.drawable import ITERATE, PLANE, Drawable, PictureOptions
from fwicli.workflows.viewing.drawing.grids import plane_figure, resized

Contents = dict[str, Drawable]

# Arrays of the state of an inversion that are on the grid of its unknowns.
UNKNOWNS = {"gradient": "gradient of the misfit", "weight": "preconditioner, from illumination"}


def contents(path: Path, layout: FileLayout) -> Contents:
    """Contents of a file or the folder of a run.

    Parameters
    ----------
    path : Path
    layout : FileLayout
        How a file is read that does not say it itself.

    Returns
    -------
    contents : dict of str to Drawable

    Raises
    ------
    DataError, ConfigError
        If there is no such file, or it is of no kind that is drawn.
    """
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        raise ConfigError(f"{path} is a config; name the folder of its run, or a file of data")
    kind = opening.records_format(path, layout)
    if kind:
        return recorded.contents(partial(opening.records, path, layout), path.name)
    if arrays.is_hdf5(path, arrays.head(path)) and not layout.dataset:
        return _hdf5(path)
    name = layout.dataset or opening.quantity(path) or "array"
    return {name: _array(partial(opening.array, path, layout), name, f"the array of {path.name}")}


def _folder(folder: Path) -> Contents:
    """Contents of the results of a run, and of its inputs."""
    if not (folder / outputs.CONFIG).is_file():
        raise ConfigError(
            f"{folder} is not the folder of a run: it holds no {outputs.CONFIG}; name that of -o, "
            f"or a file"
        )
    listed: Contents = {}
    if (folder / outputs.INVERSION).is_file():
        listed |= _inversion(folder / outputs.INVERSION)
        if (folder / outputs.STATE).is_file():
            listed |= _state(folder)
    if (folder / outputs.IMAGE).is_file():
        listed |= _hdf5(folder / outputs.IMAGE)
    if (folder / image_gathers.FILE).is_file():
        listed |= image_gathers.contents(folder / image_gathers.FILE)
    return listed | recorded.of_run(folder)


# --- arrays ---------------------------------------------------------------------------------------


def _hdf5(path: Path) -> Contents:
    """Contents of an HDF5 file without records."""
    with datasets.reading(path) as file:
        names, groups = file.names(), file.groups("/")
    if {"result", "iterates", "history"} <= set(groups):
        return _inversion(path)
    listed = {}
    for name in names:
        array = blocks.open_array(path, name)
        if len(array.shape) in (1, 2, 3):
            opener = partial(blocks.open_array, path, name)
            listed[name] = _array(opener, name, _sized(array))
    return listed


def _array(opener: Callable[[], BlockedArray], name: str, about: str) -> Drawable:
    def figure(options: PictureOptions) -> Figure:
        return plane_figure(opener(), name.rpartition("/")[2], name, options)

    return Drawable(about, figure, PLANE)


def _sized(array: BlockedArray) -> str:
    return f"array of {' x '.join(map(str, array.shape))}"


# --- inversions -----------------------------------------------------------------------------------


def _inversion(path: Path) -> Contents:
    """Contents of the result of an inversion."""
    with datasets.reading(path) as file:
        names = file.groups("result")
        references, iterates = file.groups("reference"), file.groups("iterates")
        wavelets, history = file.groups("wavelets"), file.groups("history")
    listed: Contents = {}
    last = f"1 to {len(iterates)}" if iterates else "none yet"
    for name in names:
        latest = partial(_model, path, name)
        listed[name] = Drawable(f"{name} of the result (iterates: {last})", latest, ITERATE)
        listed[f"start/{name}"] = Drawable(
            f"{name} at the beginning", partial(_stored, path, f"start/{name}", "Start"), PLANE
        )
        change = partial(_difference, path, name, "start")
        listed[f"change/{name}"] = Drawable(f"change of {name} from the start", change, ITERATE)
        if name in references:
            true = partial(_stored, path, f"reference/{name}", "Reference")
            listed[f"reference/{name}"] = Drawable(f"{name} of the reference", true, PLANE)
            error = partial(_difference, path, name, "reference")
            listed[f"error/{name}"] = Drawable(f"{name} minus the reference", error, ITERATE)
    if history:
        listed["convergence"] = Drawable(
            "misfit and model error by iteration",
            lambda options: resized(curves.convergence(hdf5.read_history(path)), options),
        )
    if wavelets:
        listed["estimated_wavelets"] = Drawable(
            "wavelets estimated in each stage",
            lambda options: resized(curves.estimated(hdf5.read_wavelets(path)), options),
        )
    return listed


def _stored(path: Path, dataset: str, title: str, options: PictureOptions) -> Figure:
    array = blocks.open_array(path, dataset)
    return plane_figure(array, dataset.rpartition("/")[2], title, options)


def iterate_dataset(path: Path, name: str, iterate: int | None) -> tuple[str, str]:
    """Name of the dataset of an iterate, and the iterate in words.

    Parameters
    ----------
    path : Path
        Result of an inversion.
    name : str
        Of the quantity.
    iterate : int or None
        0 for the start; None for the result.

    Returns
    -------
    dataset, words : str

    Raises
    ------
    ConfigError
        If the file does not hold it, with those that it holds.
    """
    if iterate is None:
        return f"result/{name}", "Result"
    if iterate == 0:
        return f"start/{name}", "Start"
    with datasets.reading(path) as file:
        iterates = [int(n) for n in file.groups("iterates") if n.isdecimal()]
        if iterate in iterates:
            return f"iterates/{iterate:04d}/{name}", f"Iterate {iterate}"
    numbers = f"{min(iterates)} to {max(iterates)}" if iterates else "none yet"
    raise ConfigError(
        f"there is no iterate {iterate} in {path}: it holds {numbers}, and the start as 0"
    )


def _model(path: Path, name: str, options: PictureOptions) -> Figure:
    dataset, title = iterate_dataset(path, name, options.iterate)
    return plane_figure(blocks.open_array(path, dataset), name, title, options)


def _difference(path: Path, name: str, other: str, options: PictureOptions) -> Figure:
    dataset, title = iterate_dataset(path, name, options.iterate)
    array, base = (blocks.open_array(path, d) for d in (dataset, f"{other}/{name}"))
    if array.shape != base.shape:
        raise DataError(f"{array.name} has the shape {array.shape}, and {base.name} {base.shape}")
    difference = BlockedArray(
        array.name, array.shape, array.dtype, lambda p: array.rows(p) - base.rows(p), array.beside
    )
    return plane_figure(difference, name, f"{title} minus {other}", options, "change")


def _state(folder: Path) -> Contents:
    """Gradient and preconditioner of the last step, on the grid of the unknowns."""
    path, listed = folder / outputs.STATE, dict[str, Drawable]()
    with datasets.reading(path) as file:
        present = [name for name in UNKNOWNS if file.has(name)]
        counts = {name: file.shape(name, masks=True)[0] for name in present}
    for name in present:
        for number in range(counts[name]):
            key = name if counts[name] == 1 else f"{name}/{number}"
            words = "" if counts[name] == 1 else f", variable {number}"
            figure = partial(_unknown, folder, name, number)
            listed[key] = Drawable(f"{UNKNOWNS[name]}, last step{words}", figure, PLANE)
    return listed


def _unknown(folder: Path, name: str, number: int, options: PictureOptions) -> Figure:
    """An array of the unknowns, which cover the model with a spacing of their own."""
    array = blocks.open_array(folder / outputs.STATE, name)
    with datasets.reading(folder / outputs.INVERSION) as file:
        quantity = file.groups("result")[0]
    model = blocks.open_array(folder / outputs.INVERSION, f"result/{quantity}")
    values, beside = array.rows(slice(number, number + 1))[0], dict[str, Any]()
    for attribute in ("spacing", "origin"):
        if isinstance(model.beside.get(attribute), np.ndarray):
            beside[attribute] = model.beside[attribute]
    if "spacing" in beside:
        counts = [max(1, n - 1) for n in values.shape]
        beside["spacing"] = beside["spacing"] * [
            (n - 1) / m for n, m in zip(model.shape, counts, strict=True)
        ]
    shown = BlockedArray.loaded(array.name, values, beside)
    kind = "change" if name == "gradient" else "energy"
    return plane_figure(shown, name, UNKNOWNS[name].capitalize(), options, kind)
