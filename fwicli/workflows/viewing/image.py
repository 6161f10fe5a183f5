"""`fwi image`: the reflectivity of an inverted model, beside migrated images of the same data.

    r = 1/2 d ln Z / dz dz            along depth
    r = 1/2 (n . grad ln Z) dz        along the dip, n the direction of grad ln Z, smoothed

with the impedance Z, or vp in a medium of constant density. The reflectivity is taken to vertical
travel time in the inverted model, and convolved with the zero-phase wavelet of the data in a band.
An inversion fits all waves, so that this image holds multiples and diving waves as well. Migrated
images on another grid than the model are interpolated onto it.

Reference: Zhang, Mao, Zhang and Sun (2020), First Break 38(4), for images of inverted models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import ownership
from fwicli.errors import ConfigError
from fwicli.files import datasets, hdf5, writing
from fwicli.imaging import reflectivity
from fwicli.imaging.resampling import resampled
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened, with_means
from fwicli.survey.signals.bands import Band
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import inputs, outputs, results
from fwicli.workflows.run_folder.folder import provenance
from fwicli.workflows.viewing.report.record import RunRecord, read

Array = NDArray[Any]

DEPTH, DIP = "depth", "dip"
# Standard deviation of the Gaussian that smooths directions [points].
SMOOTHING = 3.0
CAUSES = "the model is the same everywhere in the band; check the band [Hz]"


@dataclass(frozen=True)
class ImageOptions:
    """Settings of an image of an inverted model.

    Parameters
    ----------
    along : {"depth", "dip"}
        Direction of the derivative.
    band : tuple of float, optional
        Lowest and highest frequency [Hz]; by default those of the wavelet of the data.
    others : tuple of (str, Path)
        Runs of "rtm" and "lsrtm" with images of the same data, or their files.
    """

    along: str = DEPTH
    band: tuple[float, float] | None = None
    others: tuple[tuple[str, Path], ...] = ()


def run(folder: Path, output: Path | None, options: ImageOptions) -> dict[str, Any]:
    """Write and draw the image of an inverted model.

    Parameters
    ----------
    folder : Path
        Of a run of `fwi invert`.
    output : Path, optional
        HDF5 file of the image; by default RUN_image.h5 beside the folder. The picture has the
        same name and the ending png.
    options : ImageOptions

    Returns
    -------
    summary : dict of str to object
        Files, band, and correlations with the reflectivity of the reference.

    Raises
    ------
    ConfigError
        If the folder is not that of an inversion, or the output would replace another file.
    DataError
        If there is no model yet, or another image covers another part of the earth.
    """
    record = read(folder)
    if record.kind != "invert" or record.result is None:
        raise ConfigError(
            f"{folder} holds no inverted model, but a run of `fwi {record.kind}`; name the folder "
            f"of a run of `fwi invert` that has taken a step"
        )
    path = _target(record, output)
    plan = make_plan(record.loaded)
    model = inverted(record.result, plan.model)
    wavelet = _wavelet(plan, options.band)
    named = {"image": reflected(model, wavelet, plan.interval, options.along)}
    results.check(named, CAUSES)
    summary: dict[str, Any] = {"result": str(path), "picture": str(path.with_suffix(".png"))}
    spacings = {}
    for name, other in options.others:
        values, grid = _other(other)
        named[name] = resampled(values, grid, model.grid)
        if grid != model.grid:
            spacings[name] = summary[f"{name}_interpolated_from"] = f"{grid.spacing[-1]:g} m"
    if plan.reference is not None:
        true = coarsened(with_means(plan.reference, ()), model.grid)
        named["reflectivity"] = reflectivity.band_limited(true, model, wavelet, plan.interval)
        below = ~true.covered()
        for name in [n for n in named if n != "reflectivity"]:
            expected = named["reflectivity"]
            value = reflectivity.correlation(named[name], expected, below)
            summary["correlation" if name == "image" else f"correlation_{name}"] = value
    _write(path, model, named)
    _draw(path.with_suffix(".png"), model, named, options.along, spacings)
    return summary


def inverted(result: Path, start: EarthModel) -> EarthModel:
    """The latest model of an inversion.

    Parameters
    ----------
    result : Path
        Result of the inversion.
    start : EarthModel
        Properties that it did not change.

    Returns
    -------
    model : EarthModel
    """
    with datasets.reading(result) as file:
        names = [n for n in file.groups("result") if n in start.properties]
        return start.changed({name: file.array(f"result/{name}") for name in names})


def _wavelet(plan: Plan, band: tuple[float, float] | None) -> Array:
    """Wavelet whose power shapes the image."""
    return plan.wavelet if band is None else Band(*band).apply(plan.wavelet, plan.interval)


def reflected(model: EarthModel, wavelet: Array, interval: float, along: str) -> Array:
    """Band-limited reflectivity of a model.

    Parameters
    ----------
    model : EarthModel
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
        Its power spectrum shapes the reflectivity.
    interval : float
        Its sampling interval [s].
    along : {"depth", "dip"}
        Direction of the derivative.

    Returns
    -------
    image : ndarray of shape model.grid.shape
    """
    logarithm = np.log(model.vp.astype(float))
    if "rho" in model.properties:
        logarithm += np.log(model.properties["rho"].astype(float))
    change = logarithm if along == DEPTH else _along_dip(logarithm, model.grid.spacing)
    return reflectivity.of_change(change, model, wavelet, interval)


def _along_dip(logarithm: Array, spacing: tuple[float, ...]) -> Array:
    """Values whose step along depth is the derivative along the dip, times the spacing."""
    from scipy import ndimage

    gradient = np.array(np.gradient(logarithm, *spacing))
    smooth = np.array([ndimage.gaussian_filter(part, SMOOTHING) for part in gradient])
    length = np.sqrt((smooth**2).sum(axis=0))
    # Downwards: the sign of the reflectivity is that along depth.
    down = np.where(smooth[-1] < 0, -1.0, 1.0)
    normal = down * smooth / np.where(length > 0, length, 1.0)
    across = _midway((normal[:-1] * gradient[:-1]).sum(axis=0)) * spacing[-1]
    steps = across + _midway(normal[-1]) * np.diff(logarithm, axis=-1)
    return np.concatenate([np.zeros_like(steps[..., :1]), np.cumsum(steps, axis=-1)], axis=-1)


def _midway(values: Array) -> Array:
    """Values midway between points along depth."""
    return np.asarray(0.5 * (values[..., 1:] + values[..., :-1]))


def _other(folder: Path) -> tuple[Array, Grid]:
    """The image of another run, and its grid.

    Raises
    ------
    DataError
        If there is none.
    """
    path = folder / outputs.IMAGE if folder.is_dir() else folder
    if folder.is_dir() and path.exists():
        ownership.open_run_file(path).close()
    with datasets.reading(path) as file:
        values, attributes = file.array("image"), file.attributes("image")
    steps, begin = (tuple(map(float, attributes[name])) for name in ("spacing", "origin"))
    return values, Grid(values.shape, steps, begin)


def _target(record: RunRecord, output: Path | None) -> Path:
    """File of the image, which replaces no other but an earlier image.

    Raises
    ------
    ConfigError
        If something else bears its name, or it is an input of the run.
    """
    path = record.folder.parent / f"{record.folder.name}_image.h5" if output is None else output
    if path.suffix != ".h5":
        raise ConfigError(f"{path} has not the ending .h5; name an HDF5 file with -o")
    inputs.protect(record.loaded, [path, path.with_suffix(".png")])
    for file in (path, path.with_suffix(".png")):
        if file.exists() and not outputs.recognised(file):
            raise ConfigError(
                f"{file} is in the way: `fwi image` has not written it; move it, or name another "
                f"file with -o"
            )
    return path


@writing.deferring_signals()
def _write(path: Path, model: EarthModel, named: dict[str, Array]) -> None:
    with writing.replacing(path) as file:
        for name, values in named.items():
            hdf5.write_on_grid(file, name, values.astype(np.float32), model.grid, "")
        hdf5.write_on_grid(file, "vp", model.vp.astype(np.float32), model.grid, "m/s")
        hdf5.write_surface(file, model.topography)
        file.attrs.update(provenance())


def _draw(
    path: Path, model: EarthModel, named: dict[str, Array], along: str, spacings: dict[str, str]
) -> None:
    """All images below each other; titles tell the spacing of those from another grid."""
    from fwicli.plotting import migrations  # late: a check needs no Matplotlib

    titles = {
        "image": f"Inverted model, derivative along {along}",
        "rtm": "Reverse-time migration",
        "lsrtm": "Least-squares migration",
        "reflectivity": "Band-limited reflectivity of the reference",
    }
    for name, spacing in spacings.items():
        titles[name] += f", interpolated from {spacing}"
    migrations.images(path, {titles[name]: values for name, values in named.items()}, model)
