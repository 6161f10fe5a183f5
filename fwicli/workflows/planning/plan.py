"""The plan of a run: every check without running it, and the numbers of the plan."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key, Loaded
from fwicli.errors import FwiError
from fwicli.execution import cores
from fwicli.propagators.equations import registry
from fwicli.propagators.history import HistoryOptions
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.bands import Band
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Nearest
from fwicli.survey.regridding import coarsened
from fwicli.survey.wavelets import Spectrum
from fwicli.workflows.assembly import plausibility, sizes, survey
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.assembly.wavelets import signature
from fwicli.workflows.planning import (
    history,
    inversion_checks,
    live_traces,
    near_source,
    placement,
    simulation_grids,
    stage_numerics,
)
from fwicli.workflows.planning.checks import band_spectrum, check_complete, check_plausible
from fwicli.workflows.planning.memory import Total
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements
from fwicli.workflows.planning.simulation_grids import speeds
from fwicli.workflows.run_folder.folder import RunFolder

Array = NDArray[Any]

log = logging.getLogger("fwicli")


@dataclass
class Plan:
    """A run that has passed all checks.

    Attributes
    ----------
    stages : list of Numerics
        One for each stage of an inversion; one for any other run.
    gathers : Gathers or None
        Observed records.
    reference : EarthModel or None
        Known answer to measure a result against.
    inversion : InversionObjects or None
        Variables, misfits, optimizers and more of an inversion.
    environment : dict of str to object
        State of the machine (see `environment`); empty until it is examined.
    """

    kind: str
    model: EarthModel
    acquisition: Acquisition
    wavelet: Array
    interval: float
    stages: list[Numerics]
    workers: int
    gathers: Gathers | None = None
    reference: EarthModel | None = None
    inversion: InversionObjects | None = None
    warnings: list[str] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def memory(self) -> int:
        """Memory of one shot in the largest stage [bytes]."""
        return max(s.memory(gradient=self.kind != "model") for s in self.stages)

    @property
    def total(self) -> Total:
        """Memory of all processes."""
        geometry, axis = self.acquisition, self.stages[0].axis
        records = 4.0 * geometry.shots * geometry.traces * axis.samples
        return Total(self.kind, self.workers, self.memory, records, self.model.grid)

    def agree(self, folder: RunFolder) -> None:
        """Keep histories as the run did that is continued: compressed ones change the result."""
        begun = folder.decided("histories", [asdict(s.keeping) for s in self.stages])
        for number, stage in enumerate(self.stages):
            settings = {**begun[number], "frequencies": tuple(begun[number]["frequencies"])}
            keeping = HistoryOptions(**settings)
            if keeping != stage.keeping:
                reason = "as when the run was begun"
                self.stages[number] = replace(stage, keeping=keeping, reason=reason)
        self._agree_near(folder)

    def _agree_near(self, folder: RunFolder) -> None:
        """Compare traces next to sources as the run did that is continued."""
        lengths = [s.near.length for s in self.stages]
        begun = folder.decided("near_source", lengths, before=[0.0] * len(lengths))
        for number, stage in enumerate(self.stages):
            if begun[number] != stage.near.length:
                self.stages[number] = replace(
                    stage, near=Nearest(begun[number], fades=stage.near.fades)
                )

    def announce(self) -> None:
        """Log the warnings."""
        for warning in self.warnings:
            log.warning("warning: %s", warning)

    def summary(self) -> dict[str, Any]:
        """Numbers for a table, or for JSON."""
        silent = 0 if self.gathers is None else int((~self.gathers.live).sum())
        inverted = {}
        if self.inversion is not None:
            inverted["inverts_for"] = inversion_checks.in_words(self.inversion.config.inversion)
        return {
            "command": self.kind,
            **inverted,
            "shots": self.acquisition.shots,
            **({"silent_traces": silent} if silent else {}),
            "receivers_per_shot": self.acquisition.traces,
            "samples": self.stages[0].axis.samples,
            "sampling_interval_s": self.interval,
            "vp_m_s": [self.model.vp_min, self.model.vp_max],
            "workers": self.workers,
            "threads_per_shot": self.stages[0].threads,
            "memory_per_shot_mb": round(self.memory / 1e6, 1),
            **({"history": [s.reason for s in self.stages]} if self.kind != "model" else {}),
            **(
                {"near_source": [s.near.numbers() for s in self.stages]}
                if self.kind != "model"
                else {}
            ),
            "memory_mb": round(self.memory * self.workers / 1e6, 1),
            "memory_with_imports_mb": round(self.total.nbytes / 1e6, 1),
            "gigapoint_steps_per_propagation": [round(s.work() / 1e9, 3) for s in self.stages],
            "stages": [s.summary() for s in self.stages],
            **({"environment": self.environment} if self.environment else {}),
            "warnings": self.warnings,
        }


def make_plan(loaded: Loaded) -> Plan:
    """Check a run and plan it.

    Raises
    ------
    ProblemsError
        With everything that makes the run impossible.
    """
    problems = Problems(loaded)
    model = _model(problems, loaded.config)
    makers: dict[str, Callable[[Problems, Any, EarthModel | None], Plan | None]]
    makers = {"model": _modelling, "invert": _inversion, "rtm": _migration}
    with sizes.bounded():
        made = makers[loaded.kind](problems, loaded.config, model)
        if made is not None:
            made.stages = [history.with_traces(s, made.acquisition) for s in made.stages]
        if made is not None and made.kind != "model":
            there = history.memory(loaded.config.execution)
            budget = max(0.0, there - made.total.fixed) / made.workers
            made.stages = [
                history.with_history(problems, loaded.config, s, budget) for s in made.stages
            ]
        if made is not None:
            problems.get(("model",), partial(_fits, made))
    problems.finish()
    if made is None:  # every way to None leaves a problem, which `finish` raises
        raise FwiError("a check failed without saying why; please report this")
    made.warnings = problems.warnings
    needed, there = made.total.nbytes, history.memory(loaded.config.execution)
    if needed > there:
        made.warnings.append(
            f"{made.workers} shots at once take {needed / 1e9:.3g} GB with all processes, of the "
            f"{there / 1e9:.3g} GB that there are for them; lower `execution.workers`, set "
            f"`physics.history: auto`, or use a coarser grid"
        )
    return made


def _model(problems: Problems, config: schema.RunConfig) -> EarthModel | None:
    """The model of a run; None where it has problems that hide others."""
    model = problems.get(("model",), lambda: survey.earth_model(config.model))
    if model is None:
        return None
    check_plausible(problems, "model", model)
    if problems.errors:
        return None  # all else that is wrong with it comes of a wrong unit
    check_complete(problems, config.physics.equation, model)
    return model


def _fits(made: Plan) -> None:
    """One shot must fit into the memory there is.

    Raises
    ------
    SizeError
    """
    largest = max(made.stages, key=lambda s: s.memory(gradient=made.kind != "model"))
    sizes.afford(
        float(made.memory),
        f"one shot of {' x '.join(map(str, largest.padded))} points and {largest.steps} steps",
        "use a coarser grid, fewer cells of `physics.absorbing`, or a shorter record",
    )


def _modelling(
    problems: Problems, config: schema.ModelConfig, model: EarthModel | None
) -> Plan | None:
    sampled = problems.get(("time",), lambda: plausibility.record(config.time))
    wavelet = None
    if sampled is not None:
        wavelet = problems.get(("wavelet",), lambda: signature(config.wavelet, *sampled))
    if model is None:
        return None
    physics, ndim = config.physics, model.grid.ndim
    geometry = problems.get(("geometry",), lambda: survey.acquisition(config.geometry, ndim))
    if geometry is None:
        return None
    placement.inside(problems, ("geometry",), model.grid, geometry)
    placement.sounding(problems, ("geometry",), physics, model.grid, geometry)
    if sampled is None or wavelet is None:
        return None
    interval, count = sampled
    problems.get(("geometry",), lambda: sizes.records(geometry.shots, geometry.traces, count, ndim))
    spectrum, (slowest, fastest) = Spectrum.of(wavelet, interval), speeds(physics.equation, model)
    placement.within_reach(problems, ("geometry",), geometry, fastest, interval * (count - 1))
    limit = simulation_grids.longest(physics, slowest, spectrum)
    grids = simulation_grids.grids(problems, physics, model.grid, limit)
    if grids is None:
        return None
    key = simulation_grids.key(physics, ("model", "spacing"))
    required = Requirements(grids[1], key, (slowest, fastest), slowest, spectrum, geometry, sampled)
    numerics = discretize(problems, config, required)
    if numerics is None or problems.errors:
        return None
    numerics = simulation_grids.placed(numerics, physics, model, geometry)
    workers = _workers(config.execution, geometry.shots)
    return Plan("model", model, geometry, wavelet, interval, [numerics], workers)


def _inversion(
    problems: Problems, config: schema.InvertConfig, model: EarthModel | None
) -> Plan | None:
    inversion = None if model is None else InversionObjects(config, model)
    data = observed(problems, config, model, inversion)
    if data is None or model is None or inversion is None:
        return None
    records, wavelet, reference = data
    readable = inversion_checks.variables(problems, inversion)
    inversion_checks.misfits(problems, inversion, records)
    inversion_checks.shots(problems, inversion, records)
    if not readable:
        return None
    stages = [
        stage_numerics.stage(problems, objects, records, wavelet) for objects in inversion.stages
    ]
    possible = [s for s in stages if s is not None]
    if len(possible) < len(stages):
        return None
    return Plan(
        "invert",
        model,
        records.acquisition,
        wavelet,
        records.interval,
        possible,
        _workers(config.execution, records.acquisition.shots),
        records,
        reference,
        inversion,
    )


def _migration(
    problems: Problems, config: schema.RtmConfig, model: EarthModel | None
) -> Plan | None:
    data = observed(problems, config, model)
    if data is None or model is None:
        return None
    records, wavelet, reference = data
    band = None if config.imaging.band is None else Band(*config.imaging.band)
    spectrum: Spectrum | None = Spectrum.of(wavelet, records.interval)
    if band is not None:
        key: Key = ("imaging", "band")
        spectrum = band_spectrum(problems, key, wavelet, records.interval, band)
        live_traces.check_recorded(problems, key, records, band)
        wavelet = band.apply(wavelet, records.interval)
    if spectrum is None:
        return None
    numerics = _of_image(problems, config, model, records, spectrum)
    if numerics is None:
        return None
    return Plan(
        "rtm",
        model,
        records.acquisition,
        wavelet,
        records.interval,
        [numerics],
        _workers(config.execution, records.acquisition.shots),
        records,
        reference,
    )


def _of_image(
    problems: Problems,
    config: schema.RtmConfig,
    model: EarthModel,
    records: Gathers,
    spectrum: Spectrum,
) -> Numerics | None:
    """Numerics of a migration; None where there are problems."""
    physics, imaging = config.physics, config.imaging
    slowest, fastest = speeds(physics.equation, model)
    limit = simulation_grids.longest(physics, slowest, spectrum, simulation_grids.IMAGE_POINTS)
    spacing_key: Key = ("imaging", "spacing")
    grids = simulation_grids.grids(
        problems, physics, model.grid, limit, spacing_key, imaging.spacing
    )
    if grids is None:
        return None
    coarse, duration = coarsened(model, grids[0]), records.interval * (records.samples - 1)
    placement.within_reach(problems, ("data",), records.acquisition, fastest, duration)
    if survey.kept(coarse, imaging.mute).all():
        problems.add(("imaging", "mute"), _all_muted(imaging.mute, model))
    other = ("model", "spacing") if imaging.spacing is None else spacing_key
    required = Requirements(
        grids[1],
        simulation_grids.key(physics, other),
        speeds(physics.equation, coarse),
        slowest,
        spectrum,
        records.acquisition,
        (records.interval, records.samples),
    )
    numerics = discretize(problems, config, required)
    if numerics is None or problems.errors:
        return None
    numerics = simulation_grids.placed(numerics, physics, coarse, records.acquisition)
    # An image by the gradient is that of the compressibility, the first parameter.
    first = next(iter(registry.load(numerics.equation).parameters(model.grid.ndim)))
    parameters = (first,) if imaging.condition == "gradient" else ()
    near = near_source.nearest(
        problems,
        ("imaging", "near_source"),
        near_source.length(imaging.near_source, numerics.point_source, records),
        records,
        None if imaging.band is None else (imaging.band[0], imaging.band[1]),
    )
    return None if problems.errors else replace(numerics, parameters=parameters, near=near)


def _all_muted(mute: str | float, model: EarthModel) -> str:
    """Why nothing is left of an image."""
    what = f"`mute: {mute:g}`" if isinstance(mute, float) else f"`mute: {mute}`"
    return (
        f"{what} leaves out all of the image, down to {model.grid.end[-1]:g} m; set "
        f"`imaging.mute: nothing`, or a smaller depth"
    )


def _workers(section: schema.ExecutionSection, shots: int) -> int:
    """Worker processes: a core each, and no more than shots."""
    if section.workers == "auto":
        return max(1, min(shots, cores() // section.threads))
    return min(shots, int(section.workers))
