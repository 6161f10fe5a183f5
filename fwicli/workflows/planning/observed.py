"""Records, wavelet and known answer of an inversion or a migration, checked against the model."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.errors import FwiError
from fwicli.propagators.sampling import stability
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.workflows.assembly import plausibility, survey, wavelets
from fwicli.workflows.assembly.unknowns import bounded
from fwicli.workflows.assembly.wavelets import signature
from fwicli.workflows.planning import placement
from fwicli.workflows.planning.checks import Checks
from fwicli.workflows.planning.simulation_grids import speeds

Array = NDArray[Any]


def observed(
    checks: Checks, config: schema.InvertConfig | schema.RtmConfig, model: EarthModel | None
) -> tuple[Gathers, Array, EarthModel | None] | None:
    """Records, wavelet and reference model, checked against the model."""
    records = checks.get(("data",), lambda: survey.gathers(config.data, config.wavelet is None))
    reference = _reference(checks, config.reference, model)
    if records is None:
        return None
    source = records.wavelet
    given = config.wavelet
    if given is not None:
        source = checks.get(
            ("wavelet",), lambda: signature(given, records.interval, records.samples)
        )
    elif source is not None:
        name = f"the wavelet in {config.data.file}"
        source = checks.get(("data",), partial(wavelets.checked, np.asarray(source), name))
    else:
        checks.add(("data",), "the data come without a wavelet; add a `wavelet` section")
    if not records.data.any():
        checks.add(("data",), "all traces are zero; check the file and the names of its datasets")
    elif silent := str(records.silence or ""):
        checks.warn(silent)
    if model is None or source is None:
        return None
    if records.acquisition.ndim != model.grid.ndim:
        checks.add(
            ("data",),
            f"the data have {records.acquisition.ndim} coordinates and the model "
            f"{model.grid.ndim}; both must be 2D (x, z) or 3D (x, y, z)",
        )
        return None
    placement.inside(checks, ("data",), model.grid, records.acquisition)
    placement.sounding(checks, ("data",), model.grid, placement.live(records))
    fastest = _fastest(config, model)
    limit = stability.stable_step(fastest, model.grid.spacing, config.physics.order)
    sampled = partial(
        plausibility.check_sampling,
        records.interval,
        records.samples,
        limit,
        min(model.grid.spacing),
        fastest,
        config.physics.substeps,
    )
    if not checks.passes(("data",), sampled):
        return None
    source = np.asarray(source)
    return replace(records, wavelet=source), source, reference


def _fastest(config: schema.InvertConfig | schema.RtmConfig, model: EarthModel) -> float:
    """The fastest wave of the model, or of what an inversion may make of it [m/s]."""
    equation = config.physics.equation
    if isinstance(config, schema.InvertConfig):
        with suppress(FwiError, KeyError):  # of bounds, said where they are checked
            return speeds(equation, bounded(config, model, model, 1))[1]
    return speeds(equation, model)[1]


def _reference(
    checks: Checks, section: schema.ModelSection | None, model: EarthModel | None
) -> EarthModel | None:
    if section is None:
        return None
    reference = checks.get(("reference",), lambda: survey.earth_model(section))
    if reference is not None and model is not None and reference.grid != model.grid:
        checks.add(
            ("reference",),
            f"the reference has grid {reference.grid.shape} at {reference.grid.spacing} m and "
            f"the model {model.grid.shape} at {model.grid.spacing} m; they must agree",
        )
    return reference
