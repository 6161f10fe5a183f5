"""What a run will do, found out without running it: every check, and the numbers of the plan.

All checks of the physics are made here, before anything runs; each problem is reported at the
place of the config that it belongs to, with what to type instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key, Loaded, Problem, ProblemsError
from fwicli.errors import FwiError
from fwicli.execution import cores
from fwicli.inversion.bands import Band
from fwicli.propagators import history, sampling
from fwicli.propagators.absorbing import AbsorbingLayer
from fwicli.propagators.resampling import Resampling
from fwicli.propagators.sampling import TimeAxis
from fwicli.survey import wavelets
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel, Regridding
from fwicli.workflows import assembly

Array = NDArray[Any]


@dataclass(frozen=True)
class Numerics:
    """How one propagation is discretised; frozen for a run or a stage of it."""

    grid: Grid
    axis: TimeAxis
    layer: AbsorbingLayer
    order: int
    precision: str
    every: int
    highest_frequency: float
    points_per_wavelength: float

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of the grid with the absorbing layer."""
        return tuple(n + 2 * self.layer.pad for n in self.grid.shape)

    @property
    def steps(self) -> int:
        """Propagation steps of a shot."""
        return Resampling(self.axis).steps

    def memory(self, gradient: bool) -> int:
        """Memory of one shot [bytes]."""
        kept = history.snapshots(self.steps, self.every) if gradient else 0
        itemsize = np.dtype(self.precision).itemsize
        points = int(np.prod(self.padded))
        return history.gradient_bytes(points, self.grid.ndim, kept, itemsize)

    def work(self) -> float:
        """Grid points times steps of one propagation."""
        return float(np.prod(self.padded)) * self.steps

    def summary(self) -> dict[str, Any]:
        """Numbers for a table."""
        return {
            "grid": "x".join(map(str, self.grid.shape)),
            "spacing_m": list(self.grid.spacing),
            "with_layer": "x".join(map(str, self.padded)),
            "time_step_s": self.axis.step,
            "substeps": self.axis.substeps,
            "steps": self.steps,
            "highest_frequency_hz": round(self.highest_frequency, 2),
            "points_per_wavelength": round(self.points_per_wavelength, 2),
            "history_every": self.every,
        }


@dataclass
class Plan:
    """A run that has passed all checks."""

    kind: str
    model: EarthModel
    acquisition: Acquisition
    wavelet: Array
    interval: float
    stages: list[Numerics]
    workers: int
    threads: int
    gathers: Gathers | None = None
    reference: EarthModel | None = None
    warnings: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Numbers for a table, or for JSON."""
        gradient = self.kind != "model"
        memory = max(s.memory(gradient) for s in self.stages)
        return {
            "command": self.kind,
            "shots": self.acquisition.shots,
            "receivers_per_shot": self.acquisition.traces,
            "samples": self.stages[0].axis.samples,
            "sampling_interval_s": self.interval,
            "vp_m_s": [self.model.vp_min, self.model.vp_max],
            "workers": self.workers,
            "threads_per_shot": self.threads,
            "memory_per_shot_mb": round(memory / 1e6, 1),
            "memory_mb": round(memory * self.workers / 1e6, 1),
            "stages": [s.summary() for s in self.stages],
            "gigapoint_steps_per_propagation": [round(s.work() / 1e9, 3) for s in self.stages],
            "warnings": self.warnings,
        }


class _Checks:
    """Runs checks and collects their problems, so that all are reported in one go."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.problems: list[Problem] = []

    def get(self, key: Key, make: Callable[[], Any]) -> Any:
        """What `make` returns; None, and a problem at `key`, if it fails."""
        try:
            return make()
        except FwiError as error:
            self.add(key, str(error))
            return None

    def add(self, key: Key, message: str) -> None:
        self.problems.append(self.loaded.problem(key, message))

    def finish(self) -> None:
        if self.problems:
            raise ProblemsError(self.problems)


def plan(loaded: Loaded) -> Plan:
    """Check a run and plan it.

    Raises
    ------
    ProblemsError
        With everything that makes the run impossible.
    """
    checks = _Checks(loaded)
    config = loaded.config
    model = checks.get(("model",), lambda: assembly.earth_model(config.model))
    makers: dict[str, Callable[[_Checks, Any, EarthModel | None], Plan | None]]
    makers = {"model": _plan_model, "invert": _plan_invert, "rtm": _plan_rtm}
    made: Plan | None = makers[loaded.kind](checks, config, model)
    checks.finish()
    if made is None:  # every way to None leaves a problem, which `finish` raises
        raise FwiError("a check failed without saying why; please report this")
    return made


def _plan_model(
    checks: _Checks, config: schema.ModelConfig, model: EarthModel | None
) -> Plan | None:
    count = assembly.samples(config.time)
    if count < 2:
        checks.add(("time", "duration"), "the record has no second sample; make it longer")
    source = checks.get(
        ("wavelet",), lambda: assembly.wavelet(config.wavelet, config.time.interval, count)
    )
    if model is None:
        return None
    geometry = checks.get(
        ("geometry",), lambda: assembly.acquisition(config.geometry, model.grid.ndim)
    )
    if geometry is None or source is None or count < 2:
        return None
    _inside(checks, ("geometry",), model.grid, geometry)
    numerics = _numerics(
        checks,
        ("model", "spacing"),
        config.physics,
        model.grid,
        (model.vp_min, model.vp_max),
        geometry,
        source,
        config.time.interval,
        count,
    )
    if numerics is None:
        return None
    return Plan(
        "model",
        model,
        geometry,
        source,
        config.time.interval,
        [numerics],
        _workers(config.execution, geometry.shots),
        config.execution.threads,
    )


def _plan_invert(
    checks: _Checks, config: schema.InvertConfig, model: EarthModel | None
) -> Plan | None:
    common = _observed(checks, config, model)
    if common is None or model is None:
        return None
    records, source, reference = common
    low, high = config.inversion.bounds
    fixed = assembly.kept(model, config.inversion.fixed)
    outside = ~fixed & ((model.vp < low) | (model.vp > high))
    if outside.any():
        free = model.vp[~fixed]
        checks.add(
            ("inversion", "bounds"),
            f"the starting model has vp from {free.min():g} to {free.max():g} m/s where it may "
            f"change, outside the bounds {low:g} to {high:g} m/s; widen the bounds",
        )
    if fixed.all():
        checks.add(("inversion", "fixed"), "nothing is left to invert for; fix less of the model")
    fastest = max(high, model.vp_max)
    stages = []
    for number, stage in enumerate(config.inversion.stages):
        key: Key = ("inversion", "stages", number)
        band = Band(*stage.band)
        filtered = band.apply(source, records.interval)
        if not _in_band(source, records.interval, band):
            checks.add((*key, "band"), _empty_band(source, records.interval, stage.band))
            continue
        coarse = _coarse(checks, (*key, "spacing"), model, stage.spacing)
        if coarse is None:
            continue
        stages.append(
            _numerics(
                checks,
                (*key, "spacing"),
                config.physics,
                coarse.grid,
                (coarse.vp_min, fastest),
                records.acquisition,
                filtered,
                records.interval,
                records.samples,
            )
        )
    good = [s for s in stages if s is not None]
    if not good:
        return None
    return Plan(
        "invert",
        model,
        records.acquisition,
        source,
        records.interval,
        good,
        _workers(config.execution, records.acquisition.shots),
        config.execution.threads,
        records,
        reference,
    )


def _plan_rtm(checks: _Checks, config: schema.RtmConfig, model: EarthModel | None) -> Plan | None:
    common = _observed(checks, config, model)
    if common is None or model is None:
        return None
    records, source, reference = common
    imaging = config.imaging
    if imaging.band is not None:
        band = Band(*imaging.band)
        if not _in_band(source, records.interval, band):
            message = _empty_band(source, records.interval, imaging.band)
            checks.add(("imaging", "band"), message)
            return None
        source = band.apply(source, records.interval)
    coarse = _coarse(checks, ("imaging", "spacing"), model, imaging.spacing)
    if coarse is None:
        return None
    numerics = _numerics(
        checks,
        ("imaging", "spacing"),
        config.physics,
        coarse.grid,
        (coarse.vp_min, coarse.vp_max),
        records.acquisition,
        source,
        records.interval,
        records.samples,
    )
    if numerics is None:
        return None
    return Plan(
        "rtm",
        model,
        records.acquisition,
        source,
        records.interval,
        [numerics],
        _workers(config.execution, records.acquisition.shots),
        config.execution.threads,
        records,
        reference,
    )


# --- the checks -----------------------------------------------------------------------------------


def _observed(
    checks: _Checks, config: schema.InvertConfig | schema.RtmConfig, model: EarthModel | None
) -> tuple[Gathers, Array, EarthModel | None] | None:
    """Records, wavelet and reference model, checked against the model."""
    records = checks.get(("data",), lambda: assembly.gathers(config.data, None))
    reference = None
    section = config.reference
    if section is not None:
        reference = checks.get(("reference",), lambda: assembly.earth_model(section))
        if reference is not None and model is not None and reference.grid != model.grid:
            checks.add(
                ("reference",),
                f"the reference has grid {reference.grid.shape} at {reference.grid.spacing} m and "
                f"the model {model.grid.shape} at {model.grid.spacing} m; they must agree",
            )
    if records is None:
        return None
    source = records.wavelet
    given = config.wavelet
    if given is not None:
        source = checks.get(
            ("wavelet",), lambda: assembly.wavelet(given, records.interval, records.samples)
        )
    elif source is None:
        checks.add(("data",), "the data come without a wavelet; add a `wavelet` section")
    if not records.data.any():
        checks.add(("data",), "all traces are zero; check the file and the names of its datasets")
    if model is None or source is None:
        return None
    if records.acquisition.ndim != model.grid.ndim:
        checks.add(
            ("data",),
            f"the data have {records.acquisition.ndim} coordinates and the model "
            f"{model.grid.ndim}; both must be 2D (x, z) or 3D (x, y, z)",
        )
        return None
    _inside(checks, ("data",), model.grid, records.acquisition)
    return replace(records, wavelet=np.asarray(source)), np.asarray(source), reference


def _inside(checks: _Checks, key: Key, grid: Grid, geometry: Acquisition) -> None:
    """Every source and receiver must lie in the model."""
    for name, positions in (
        ("source", geometry.sources),
        ("receiver", geometry.all_receivers()),
    ):
        outside = grid.outside(positions)
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            where = ", ".join(f"{c:g}" for c in positions[first])
            extent = ", ".join(
                f"{a} from {o:g} to {e:g}"
                for a, o, e in zip(grid.axes, grid.origin, grid.end, strict=True)
            )
            place: Key = (*key, f"{name}s") if key == ("geometry",) else key
            checks.add(
                place,
                f"{int(outside.sum())} of {len(positions)} {name}s lie outside the model, the "
                f"first, number {first}, at ({where}) m; the model has {extent} m: move them, or "
                f"check units, `model.origin` and the sign of depths",
            )


def _coarse(
    checks: _Checks, key: Key, model: EarthModel, spacing: float | None
) -> EarthModel | None:
    """The model on the grid of a stage."""
    if spacing is None:
        return model
    finest = max(model.grid.spacing)
    if spacing < finest * (1 - 1e-9):
        checks.add(key, f"a spacing of {spacing:g} m is finer than the model's {finest:g} m")
        return None
    shortest = min(e - o for o, e in zip(model.grid.origin, model.grid.end, strict=True))
    if spacing > shortest / 4:
        checks.add(key, f"a spacing of {spacing:g} m leaves too few points of {shortest:g} m")
        return None
    return Regridding(model.grid, spacing).model_to_coarse(model)


def _in_band(source: Array, interval: float, band: Band) -> bool:
    """Whether a band holds a part of a wavelet that is worth its name."""
    return bool(np.abs(band.apply(source, interval)).max() > 1e-4 * np.abs(source).max())


def _empty_band(source: Array, interval: float, band: list[float]) -> str:
    centre = wavelets.central_frequency(source, interval)
    return (
        f"the wavelet has no energy from {band[0]:g} to {band[1]:g} Hz; it is centred at "
        f"{centre:.1f} Hz: choose a band there"
    )


def _numerics(
    checks: _Checks,
    key: Key,
    physics: schema.Physics,
    grid: Grid,
    speeds: tuple[float, float],
    geometry: Acquisition,
    source: Array,
    interval: float,
    count: int,
) -> Numerics | None:
    """Time axis and points per wavelength of a propagation, checked."""
    slowest, fastest = speeds
    axis = checks.get(
        ("physics", "substeps"),
        lambda: sampling.time_axis(
            interval, count, fastest, grid.spacing, physics.order, physics.substeps
        ),
    )
    highest = wavelets.highest_frequency(source, interval)
    found = sampling.points_per_wavelength(slowest, highest, grid.spacing)
    needed = physics.min_points_per_wavelength or sampling.fewest_points(physics.order)
    if found < needed:
        spacing = sampling.round_down(slowest / highest / needed)
        where = key if key in checks.loaded.places else key[:-1]
        checks.add(
            where,
            f"{found:.2f} points per wavelength at {highest:.1f} Hz, where the wavelet's spectrum "
            f"ends, for vp = {slowest:g} m/s on a spacing of {max(grid.spacing):g} m; order "
            f"{physics.order} needs {needed:.2f}: use a spacing of {spacing:g} m or less, a lower "
            f"frequency, or set `physics.min_points_per_wavelength`",
        )
        return None
    if axis is None:
        return None
    centre = wavelets.central_frequency(source, interval)
    layer = assembly.absorbing(physics, grid, geometry, fastest, centre)
    every = 1 if physics.history == "full" else history.subsampling(axis, highest)
    return Numerics(grid, axis, layer, physics.order, physics.precision, every, highest, found)


def _workers(section: schema.Execution, shots: int) -> int:
    """Worker processes: a core each, and no more than shots."""
    if section.workers == "auto":
        return max(1, min(shots, cores() // section.threads))
    return min(shots, int(section.workers))


def as_json(made: Plan) -> dict[str, Any]:
    """The plan with its numerics in full, as it is kept with the result."""
    return {**made.summary(), "numerics": [asdict(s) for s in made.stages]}
