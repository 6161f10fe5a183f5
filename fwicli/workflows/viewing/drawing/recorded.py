"""Pictures of shot records: gathers, spectra, positions and wavelets; and the inputs of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from fwicli.config.loader import load
from fwicli.config.schema import RunConfig
from fwicli.errors import ConfigError, FwiError
from fwicli.files.blocks import BlockedArray
from fwicli.files.surfaces import SURFACE
from fwicli.inversion.quality import spectra
from fwicli.plotting import curves, figures
from fwicli.plotting.figures import ShownGather
from fwicli.plotting.lengths import unit_for
from fwicli.plotting.style import Figure
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.survey.properties import PROPERTIES
from fwicli.workflows.assembly import field_records, survey, topography
from fwicli.workflows.exchange import opening
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.viewing.drawing.drawable import GATHER, PLANE, SHOTS, Drawable, PictureOptions
from fwicli.workflows.viewing.drawing.grids import plane_figure, resized

Contents = dict[str, Drawable]
Opener = Callable[[], Gathers]

# Shots that are drawn unless they are named, and at most.
FEW, MOST = 3, 12

log = logging.getLogger("fwicli")


def contents(opener: Opener, origin: str) -> Contents:
    """Pictures of shot records.

    Parameters
    ----------
    opener : callable
        Opens the records.
    origin : str
        Where they are from, for titles.

    Returns
    -------
    contents : dict of str to Drawable
    """
    return {
        "gather": Drawable(f"gathers of {origin}", partial(_gathers, opener), GATHER),
        "spectrum": Drawable(f"spectra of gathers of {origin}", partial(_spectra, opener), SHOTS),
        "acquisition": Drawable(
            f"sources and receivers of {origin}", partial(_positions, opener, origin)
        ),
        "wavelet": Drawable(f"wavelet of {origin}", partial(_wavelet, opener, origin)),
    }


def of_run(folder: Path) -> Contents:
    """Pictures of the records that a run has written or reads, and of its model.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    contents : dict of str to Drawable
    """
    try:
        loaded = load(folder / outputs.CONFIG)
    except FwiError as error:
        log.warning("warning: the inputs of %s cannot be drawn: %s", folder, error)
        return {}
    records = folder / outputs.RECORDS
    listed: Contents = {}
    if loaded.kind != "model":
        opener = partial(field_records.read, loaded.config.data, stored=True)
        listed |= contents(opener, "the observed data")
    elif records.is_file():
        opener = partial(opening.records, records, opening.FileLayout())
        listed |= contents(opener, records.name)
    for name in PROPERTIES:
        if getattr(loaded.config.model, name, None) is not None:
            figure = partial(_property, loaded.config, name)
            listed[f"model/{name}"] = Drawable(f"{name} of the config of the run", figure, PLANE)
    return listed


def _property(config: RunConfig, name: str, options: PictureOptions) -> Figure:
    """A property of the model of a config."""
    earth = survey.earth_model(config.model, partial(topography.on_grid, config.physics))
    beside = {"spacing": np.array(earth.grid.spacing), "origin": np.array(earth.grid.origin)}
    if earth.topography is not None:
        beside[SURFACE] = earth.topography.columns
    array = BlockedArray.loaded("the model of the config", earth.properties[name], beside)
    return plane_figure(array, name, "Model of the config", options)


def _chosen(records: Gathers, shots: tuple[int, ...]) -> list[int]:
    """Numbers of the shots to draw."""
    count = records.acquisition.shots
    if not shots:
        few = np.unique(np.linspace(0, count - 1, FEW).round().astype(int))
        return [int(n) for n in few]
    for shot in shots:
        if not 0 <= shot < count:
            raise ConfigError(
                f"there is no shot {shot}: the records hold {count}, from 0 to {count - 1}; choose "
                f"--shot there"
            )
    if len(shots) > MOST:
        raise ConfigError(f"a picture shows up to {MOST} shots, not {len(shots)}; name fewer")
    return list(shots)


def _gathers(opener: Opener, options: PictureOptions) -> Figure:
    records, shown = opener(), []
    unit = unit_for(records.acquisition.sources[:, 0])
    for shot in _chosen(records, options.shots):
        x = float(records.acquisition.sources[shot, 0])
        start = float(np.broadcast_to(records.start, records.acquisition.shots)[shot])
        title, data = f"shot {shot}, {unit.text('x', x)}", np.asarray(records.data[shot])
        rows = records.acquisition.rows_by_component(shot)
        for component, own in rows.items():
            name = "" if set(rows) == {PRESSURE} else f", {component.name}"
            shown.append(ShownGather(data[own], f"{title}{name}", records.interval, start))
    return figures.gathers(shown, options.wiggles, options.look)


def _spectra(opener: Opener, options: PictureOptions) -> Figure:
    records, levels = opener(), {}
    frequencies = spectra.frequencies(records.samples, records.interval)
    for shot in _chosen(records, options.shots):
        gather = np.nan_to_num(np.asarray(records.data[shot], dtype=float))
        amplitude = np.sqrt(spectra.power([gather], records.samples, noise=False))
        levels[f"shot {shot}"] = frequencies, amplitude
    return resized(curves.spectra(levels, "Amplitude spectra of all traces of a shot"), options)


def _positions(opener: Opener, origin: str, options: PictureOptions) -> Figure:
    acquisition = opener().acquisition
    title = f"{acquisition.shots} shots of {origin}"
    receivers = acquisition.all_receivers()
    return figures.acquisition(acquisition.sources, receivers, title, options.look)


def _wavelet(opener: Opener, origin: str, options: PictureOptions) -> Figure:
    records = opener()
    if records.wavelet is None:
        raise ConfigError(f"{origin} holds no wavelet; the config of a run may make one")
    values = np.atleast_2d(records.wavelet)[0]
    unit = records.acquisition.emitted_by(0).source_unit(records.acquisition.ndim)
    return resized(curves.wavelet(values, records.interval, unit), options)
