"""The plan of a run: every check without running it, and the numbers of the plan."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.execution import ExecutionSection
from fwicli.config.loader import Loaded
from fwicli.digits import apart
from fwicli.errors import FwiError
from fwicli.execution import cores
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.own import OwnEquation
from fwicli.propagators.history import HistoryOptions
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Nearest
from fwicli.survey.regridding import with_means
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import executors, sizes, survey, topography
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.planning import (
    history,
    inversion_checks,
)
from fwicli.workflows.planning.checks import check_complete, check_plausible
from fwicli.workflows.planning.cures import NamedFault
from fwicli.workflows.planning.memory import Total
from fwicli.workflows.planning.nodes import Nodes
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.verbs import Verb, find

Array = NDArray[Any]

SURFACE = ("physics", "topography")

log = logging.getLogger("fwicli")


@dataclass
class Plan:
    """A run that has passed all checks.

    Attributes
    ----------
    kind : str
        Of the config: the name of a verb.
    stages : list of Numerics
        One for each stage of an inversion; one for any other run.
    gathers : Gathers or None
        Observed records.
    reference : EarthModel or None
        Known answer to measure a result against.
    inversion : InversionObjects or None
        Variables, misfits, optimizers and more of an inversion.
    iterations : int
        Steps of a least-squares migration; 0 for other runs.
    notes : list of str
        How the survey was read and placed.
    environment : dict of str to object
        State of the machine (see `environment`); empty until it is examined.
    faults : list of NamedFault
        Faults that the records show by themselves; each is among the warnings.
    costs : dict of str to object
        Time, disks and network (see `costs.forecast`); empty until they are asked for.
    nodes : Nodes or None
        That the plan is for; None for this machine.
    per_node : int
        Workers of a node; 0 without nodes.
    shares : bool
        Whether several processes share the run, through files.
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
    iterations: int = 0
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    faults: list[NamedFault] = field(default_factory=list)
    costs: dict[str, Any] = field(default_factory=dict)
    nodes: Nodes | None = None
    per_node: int = 0
    shares: bool = False

    @property
    def verb(self) -> Verb:
        """The verb that runs the plan."""
        return find(self.kind)

    @property
    def memory(self) -> int:
        """Memory of one shot in the largest stage [bytes]."""
        return max(s.memory(gradient=self.verb.keeps_history) for s in self.stages)

    @property
    def at_once(self) -> int:
        """Workers of a machine, or of a node."""
        return self.per_node or self.workers

    @property
    def total(self) -> Total:
        """Memory of all processes of a machine, or of a node."""
        geometry, axis = self.acquisition, self.stages[0].time
        # Modelled records are written as they come.
        one_by_one = self.gathers is None or (self.gathers.stored and not self._fits_all_shots)
        traces = geometry.counts.max() if one_by_one else geometry.counts.sum()
        records = 4.0 * float(traces) * axis.samples
        sizes_of_run = self.at_once, self.memory, records, self.model.grid
        memory = self.verb.memory
        # Gathers in the sum of the process, and once more while they are written.
        arrays = memory.arrays + 2 * self.stages[0].gathers
        return Total(replace(memory, arrays=arrays), *sizes_of_run, shares=self.shares)

    @property
    def _fits_all_shots(self) -> bool:
        """Whether a source in common is estimated, from the gathers of all shots at once."""
        stages = () if self.inversion is None else self.inversion.stages
        return any(getattr(s.settings.source, "estimate", "") == "common" for s in stages)

    def agree(self, folder: RunFolder) -> None:
        """Keep histories as the run did that is continued: compressed ones change the result."""
        begun = folder.decided("histories", [asdict(s.history) for s in self.stages])
        for number, stage in enumerate(self.stages):
            settings = {**begun[number], "frequencies": tuple(begun[number]["frequencies"])}
            options = HistoryOptions(**settings)
            if options != stage.history:
                reason = "as when the run was begun"
                self.stages[number] = replace(stage, history=options, reason=reason)
        self._agree_near(folder)

    def _agree_near(self, folder: RunFolder) -> None:
        """Compare traces next to sources as the run did that is continued."""
        lengths = [s.near.length for s in self.stages]
        begun = folder.decided("near_source", lengths, before=[0.0] * len(lengths))
        for number, stage in enumerate(self.stages):
            near = stage.near
            if begun[number] != near.length:
                other = Nearest(begun[number], fades=near.fades, rigid=near.rigid)
                self.stages[number] = replace(stage, near=other)

    def announce(self) -> None:
        """Log notes and warnings."""
        for note in self.notes:
            log.info("survey: %s", note)
        for warning in self.warnings:
            log.warning("warning: %s", warning)

    @property
    def receivers(self) -> int | list[int]:
        """Number of receivers of a shot; the least and the most where shots differ."""
        counts = self.acquisition.counts
        return [int(counts.min()), int(counts.max())] if self.acquisition.ragged else int(counts[0])

    def summary(self) -> dict[str, Any]:
        """Numbers for a table, or for JSON."""
        silent = 0 if self.gathers is None else int((~self.gathers.live).sum())
        inverted = {}
        if self.inversion is not None:
            inverted["inverts_for"] = inversion_checks.in_words(self.inversion)
        histories: dict[str, Any] = {}
        if self.verb.keeps_history:
            histories["history"] = [s.reason for s in self.stages]
            histories["near_source"] = [s.near.numbers() for s in self.stages]
        return {
            "command": self.kind,
            **inverted,
            "shots": self.acquisition.shots,
            **({"silent_traces": silent} if silent else {}),
            "receivers_per_shot": self.receivers,
            "samples": self.stages[0].time.samples,
            "sampling_interval_s": self.interval,
            f"{self.model.leading}_m_s": [self.model.slowest, self.model.fastest],
            "workers": self.workers,
            **_extent(self.model.topography),
            "threads_per_shot": self.stages[0].threads,
            "memory_per_shot_mb": round(self.memory / 1e6, 1),
            **histories,
            "memory_mb": round(self.memory * self.at_once / 1e6, 1),
            "memory_with_imports_mb": round(self.total.nbytes / 1e6, 1),
            "gigapoint_steps_per_propagation": [round(s.work() / 1e9, 3) for s in self.stages],
            "stages": [s.summary() for s in self.stages],
            **({"costs": self.costs} if self.costs else {}),
            **({"environment": self.environment} if self.environment else {}),
            **({"survey": self.notes} if self.notes else {}),
            "warnings": self.warnings,
        }


def make_plan(loaded: Loaded, nodes: Nodes | None = None) -> Plan:
    """Check a run and plan it.

    Parameters
    ----------
    loaded : Loaded
    nodes : Nodes, optional
        That the run is to have; by default this machine.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ProblemsError
        With everything that makes the run impossible.
    FwiError
        If a check failed without a reason, which is a bug.
    """
    problems = Problems(loaded)
    problems.get(("execution", "engine"), partial(executors.check, loaded.config.execution))
    with sizes.of_machine(None if nodes is None else nodes.memory), sizes.bounded():
        plan = _checked(problems, loaded, nodes)
        available = history.memory(loaded.config.execution)
    problems.finish()
    if plan is None:  # every way to None leaves a problem, which `finish` raises
        raise FwiError("a check failed without saying why; please report this")
    plan.warnings, plan.notes = problems.warnings, problems.notes
    plan.faults = problems.faults
    needed = plan.total.nbytes
    if needed > available:
        chosen = plan.verb.keeps_history and loaded.config.physics.history != "auto"
        histories = "set `physics.history: auto`, " if chosen else ""
        several = plan.at_once > 1
        shots = f"{plan.at_once} shots at once take" if several else "one shot takes"
        fewer = "lower `execution.workers`, " if several else "set `physics.aperture`, "
        need, have = apart(needed / 1e9, available / 1e9, digits=3)
        plan.warnings.append(
            f"{shots} {need} GB with all processes, of the {have} GB that there are for them; "
            f"{fewer}{histories}or use a coarser grid"
        )
    return plan


def _checked(problems: Problems, loaded: Loaded, nodes: Nodes | None) -> Plan | None:
    """The plan of a run with histories that fit; None where there are problems."""
    key, physics = ("physics", "equation"), loaded.config.physics
    if problems.get(key, lambda: registry.load(wave_equation(physics))) is None:
        return None  # everything that is planned begins from the equation
    model = _model(problems, loaded)
    plan: Plan | None = find(loaded.kind).plan(problems, loaded.config, model)
    if plan is None:
        return None
    plan.shares = loaded.config.execution.engine == "files"
    plan.stages = [history.with_traces(s, plan.acquisition) for s in plan.stages]
    if nodes is None:
        _fit(problems, loaded.config, plan)
    else:
        _fit_nodes(problems, loaded.config, plan, nodes)
    problems.get(("model",), partial(_check_fit, plan))
    return plan


def _fit(problems: Problems, config: schema.RunConfig, plan: Plan) -> bool:
    """Fit the histories of a plan to the memory; whether all fit without a file."""
    budget = max(0.0, history.memory(config.execution) - plan.total.fixed) / plan.at_once
    if plan.verb.keeps_history:
        plan.stages = [history.with_history(problems, config, s, budget) for s in plan.stages]
    in_memory = all(s.history.kind != "disk" for s in plan.stages)
    return plan.memory <= budget and in_memory


def _fit_nodes(problems: Problems, config: schema.RunConfig, plan: Plan, nodes: Nodes) -> None:
    """As many workers on each node as have room for their shots and histories."""
    shots, threads = plan.acquisition.shots, config.execution.threads
    for count in nodes.per_node(shots, threads):
        plan.nodes, plan.per_node = nodes, count
        plan.workers = min(shots, nodes.count * count)
        if _fit(problems, config, plan):
            break
    idle = nodes.cores - plan.per_node * threads
    if plan.per_node < next(nodes.per_node(shots, threads)) and idle >= threads * plan.per_node:
        problems.warn(
            f"the memory of a node has room for {plan.per_node} shot"
            f"{'' if plan.per_node == 1 else 's'} at once, which leaves {idle} "
            f"of {nodes.cores} cores idle; set `execution.threads: "
            f"{nodes.cores // plan.per_node}`, so that they share the work of a shot"
        )


def _model(problems: Problems, loaded: Loaded) -> EarthModel | None:
    """The model of a run; None where it has problems that hide others."""
    config = loaded.config
    model: EarthModel | None = loaded.start
    if model is None:
        surface = partial(_surface, problems, config.physics)
        model = problems.get(("model",), lambda: survey.earth_model(config.model, surface))
    elif model.topography is None:
        of_config = _surface(problems, config.physics, model.grid)
        model = EarthModel.below(model.grid, model.properties, of_config)
    if any(problem.key[:2] == SURFACE for problem in problems.errors):
        # Zeros in the air, which has no extent now, are no problem of their own.
        problems.errors = [problem for problem in problems.errors if problem.key[:1] != ("model",)]
        return None
    if model is None:
        return None
    check_plausible(problems, "model", model)
    if problems.errors:
        return None  # all else that is wrong with it comes of a wrong unit
    ndim = model.grid.ndim
    stated = problems.get(("physics", "equation"), lambda: _equation(config.physics, ndim))
    if stated is None or not problems.passes(
        ("physics", "stencil"), lambda: _check_stencil(config.physics, ndim)
    ):
        return None
    check_complete(problems, stated.name, model)
    return with_means(model, stated.properties)


def _extent(surface: Topography | None) -> dict[str, Any]:
    """Highest and lowest point of a topography, as depths."""
    if surface is None:
        return {}
    return {
        "topography_m": [round(float(d), 3) for d in (min(surface.depths), max(surface.depths))]
    }


def _surface(problems: Problems, physics: schema.PhysicsSection, grid: Grid) -> Topography | None:
    """The topography of a grid; None without one, or where it has problems."""
    return problems.get(SURFACE, lambda: topography.on_grid(physics, grid))


def _equation(physics: schema.PhysicsSection, ndim: int) -> Equation:
    """The equation of a config; what is wrong in the file of one is said here."""
    name = wave_equation(physics)
    if isinstance(name, OwnEquation):
        from fwicli.propagators.kernels import footprints  # late: others need no Devito in a plan

        footprints.prepare(name, ndim)
    return registry.load(name)


def _check_stencil(physics: schema.PhysicsSection, ndim: int) -> None:
    """Whether there is such a stencil, and the equation may have it."""
    differences = stencil(physics)
    if differences.optimised:
        from fwicli.propagators.kernels import footprints  # late: others need no Devito in a plan

        footprints.check_stencil(wave_equation(physics), ndim, differences)


def _check_fit(plan: Plan) -> None:
    """One shot must fit into the memory there is.

    Raises
    ------
    SizeError
    """
    largest = max(plan.stages, key=lambda s: s.memory(gradient=plan.verb.keeps_history))
    sizes.afford(
        float(plan.memory),
        f"one shot of {' x '.join(map(str, largest.padded))} points and {largest.steps} steps",
        f"use a coarser grid, fewer cells of `physics.absorbing`, or a shorter record than "
        f"{plan.interval * (largest.time.samples - 1):g} s",
    )


def workers(section: ExecutionSection, shots: int) -> int:
    """Worker processes: a core each, and no more than shots.

    Parameters
    ----------
    section : ExecutionSection
    shots : int

    Returns
    -------
    workers : int
    """
    if section.workers == "auto":
        return max(1, min(shots, cores() // section.threads))
    return min(shots, int(section.workers))
