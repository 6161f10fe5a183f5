"""Records, wavelet and known answer of an inversion or a migration, checked against the model."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.data import DataSection
from fwicli.errors import FwiError, PhysicsError
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.sampling import stability
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import with_means
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import depths, field_records, frames, plausibility, survey
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.assembly.frames import MapPositions
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.assembly.wavelet_files import Shots
from fwicli.workflows.assembly.wavelets import signature
from fwicli.workflows.planning import placement, recorded_faults, source_waves
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.simulation_grids import speeds

Array = NDArray[Any]


def observed(
    problems: Problems,
    config: schema.InvertConfig | schema.MigrationConfig,
    model: EarthModel | None,
    inversion: InversionObjects | None = None,
) -> tuple[Gathers, Array, EarthModel | None] | None:
    """Records, wavelet and reference model, checked against the model.

    Parameters
    ----------
    problems : Problems
    config : InvertConfig or MigrationConfig
    model : EarthModel or None
        None where it has problems.
    inversion : InversionObjects, optional
        Its bounds say how fast waves may become.

    Returns
    -------
    observed : tuple or None
        None where there are problems that hide others.
    """
    records = problems.get(("data",), lambda: survey.gathers(config.data, config.wavelet is None))
    equation = registry.load(wave_equation(config.physics))
    unknown_air = model is None and config.physics.topography is not None
    reference = _reference(problems, None if unknown_air else config.reference, model)
    if reference is not None:
        reference = with_means(reference, equation.properties)
    if records is None:
        return None
    for note in records.notes:
        problems.warn(note)
    wavelet = _wavelet(problems, config, records)
    if records.silence is not None and (records.silence.zero | records.silence.broken).all():
        problems.add(("data",), "all traces are zero; check the file and the names of its datasets")
    elif silent := str(records.silence or ""):
        problems.warn(silent)
    if timing := records.timing():
        problems.warn(timing)
    problems.get(("data",), partial(_check_components, equation, config, records.acquisition))
    if model is None:
        return None
    placed = _placed(problems, config.data, records, model)
    if placed is None:
        return None
    records = placed[0]
    recorded_faults.check(problems, config, model if placed[1] else None, records, wavelet)
    if wavelet is None:
        return None
    live = placement.live(records)
    placement.sounding(problems, ("data",), config.physics, model, live)
    source_waves.moments_in_rock(problems, ("data",), config.physics, model, live)
    source_waves.without_slow_shear(problems, config.physics, model, live)
    fastest = _fastest(config, model, inversion)
    if not _well_sampled(problems, config.physics, model, records, fastest):
        return None
    return replace(records, wavelet=wavelet), wavelet, reference


def _placed(
    problems: Problems, section: DataSection, records: Gathers, model: EarthModel
) -> tuple[Gathers, bool] | None:
    """Records with their positions on the axes of the model, and whether all lie in it."""
    before, grid = records.acquisition, model.grid
    placed = problems.get(
        ("data", "coordinates"),
        lambda: frames.acquisition_in_model(section.coordinates, before, grid.ndim),
    )
    if placed is None:
        return None
    acquisition, notes = placed
    problems.note(*notes)
    lowered = problems.get(
        ("data",), lambda: depths.of_records(section, acquisition, model.topography)
    )
    if lowered is None:
        return None
    settled = section.axes is not None or section.receiver_axes is not None
    on_map = MapPositions(
        section.coordinates, before.sources, before.all_receivers(), "data", settled
    )
    in_rock = placement.in_rock(problems, ("data",), model, lowered, on_map)
    return replace(records, acquisition=lowered), in_rock


def _wavelet(
    problems: Problems, config: schema.InvertConfig | schema.MigrationConfig, records: Gathers
) -> Array | None:
    """The wavelet of the config, or else that of the records."""
    section, wavelet = config.wavelet, records.wavelet
    if section is not None:
        shots = Shots(records.acquisition.shots, config.data)
        return problems.get(
            ("wavelet",), lambda: signature(section, records.interval, records.samples, shots)
        )
    if wavelet is None:
        problems.add(("data",), "the data come without a wavelet; add a `wavelet` section")
        return None
    name = f"the wavelet in {config.data.file}"
    return problems.get(("data",), partial(plausibility.check_wavelet, np.asarray(wavelet), name))


def _well_sampled(
    problems: Problems,
    physics: schema.PhysicsSection,
    model: EarthModel,
    records: Gathers,
    fastest: float,
) -> bool:
    """Whether the sampling interval of the records is in proportion to the stable time step."""
    limit = stability.stable_step(fastest, model.grid.spacing, stencil(physics))
    check = partial(
        plausibility.check_sampling,
        records.interval,
        records.samples,
        limit,
        min(model.grid.spacing),
        fastest,
        physics.substeps,
    )
    return problems.passes(("data",), check)


def _fastest(
    config: schema.InvertConfig | schema.MigrationConfig,
    model: EarthModel,
    inversion: InversionObjects | None,
) -> float:
    """The fastest wave of the model, or of a model at the bounds of an inversion [m/s]."""
    equation = wave_equation(config.physics)
    if inversion is not None:
        with suppress(FwiError, KeyError):  # of bounds, which are checked later
            return speeds(equation, inversion.bounded(model, 1))[1]
    return speeds(equation, model)[1]


def _reference(
    problems: Problems, section: schema.ModelSection | None, model: EarthModel | None
) -> EarthModel | None:
    if section is None:
        return None

    def surface(grid: Grid) -> Topography | None:
        return None if model is None or model.grid != grid else model.topography

    reference = problems.get(("reference",), lambda: survey.earth_model(section, surface))
    if reference is not None and model is not None and reference.grid != model.grid:
        problems.add(
            ("reference",),
            f"the reference has grid {reference.grid.shape} at {reference.grid.spacing} m and "
            f"the model {model.grid.shape} at {model.grid.spacing} m; they must agree: correct "
            f"`spacing` or `origin`, or resample the file of one of them",
        )
    return reference


def _check_components(
    equation: Equation,
    config: schema.InvertConfig | schema.MigrationConfig,
    acquisition: Acquisition,
) -> None:
    """Refuse components that the equation lacks, and those that images are not made of."""
    section = config.data
    hint = ""
    if section.component is None and field_records.has_trace_headers(section):
        hint = " (traces with a code are left out by `data.trace_ids`, as in `{12: none}`)"
    try:
        equation.check_components(acquisition)
    except PhysicsError as error:
        raise type(error)(f"{error}{hint}") from error
    if isinstance(config, schema.InvertConfig):
        return
    others = sorted(c.name for each in acquisition.components for c in each if c != PRESSURE)
    if others:
        raise PhysicsError(
            f"the records are of {', '.join(others)}, which `{equation.name}` can model; images "
            f"are made of pressure alone: leave the others out{hint}, or invert for the model"
        )
