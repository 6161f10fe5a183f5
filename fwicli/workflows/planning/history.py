"""How the histories of a run are kept: as its config says, or as fits the memory there is."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.execution import ExecutionSection
from fwicli.config.least_squares import ConjugateGradientsSection, LsrtmSection
from fwicli.digits import round_down
from fwicli.propagators import history
from fwicli.propagators.equations import registry
from fwicli.propagators.history import EXCITATION, HistoryOptions, Kind
from fwicli.propagators.sampling import interpolation
from fwicli.propagators.sampling.memory import TraceMemory
from fwicli.survey.acquisition import Acquisition
from fwicli.workflows.assembly import sizes
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.problems import Problems

# Of this machine's memory that a run takes, unless the config says how much.
SHARE = 0.8


def memory(section: ExecutionSection) -> float:
    """Memory for all workers together [bytes]."""
    if section.memory is not None:
        return section.memory * 1e9
    return SHARE * sizes.there()


def with_traces(stage: Numerics, acquisition: Acquisition) -> Numerics:
    """A stage with the number of traces of its shots, and the points visited for them.

    Parameters
    ----------
    stage : Numerics
    acquisition : Acquisition
        The first shot of most receivers stands for all.

    Returns
    -------
    stage : Numerics
    """
    shot, equation = int(acquisition.counts.argmax()), registry.load(stage.equation)
    receivers = acquisition.receivers_of(shot)
    origin, spacing = np.asarray(stage.grid.origin), np.asarray(stage.grid.spacing)
    places: dict[str, list[NDArray[np.float64]]] = {}
    for component, numbers in acquisition.rows_by_component(shot).items():
        for _, channel in equation.channels(component, "record", stage.grid.ndim):
            for name in channel.fields:
                places.setdefault(name, []).extend(component.ends(receivers[numbers]))
    # Fields between the points are visited at as many points as those on them.
    visited = (
        interpolation.condensed((np.concatenate(p) - origin) / spacing, stage.interpolation)[0]
        for p in places.values()
    )
    traces = TraceMemory(
        len(receivers), stage.time.samples, sum(len(points.weights) for points in visited)
    )
    return replace(stage, traces=traces, recorded=frozenset(places))


def with_history(
    problems: Problems,
    config: schema.RunConfig,
    stage: Numerics,
    budget: float,
) -> Numerics:
    """A stage with the history that the config asks for, or the quickest that fits a budget.

    Parameters
    ----------
    problems : Problems
    config : RunConfig
    stage : Numerics
    budget : float
        Memory of one shot [bytes].

    Returns
    -------
    stage : Numerics
    """
    section = config.physics.history_section()
    if stage.history == EXCITATION:
        return stage
    _warn_of_gaps(problems, section, stage)
    demand, room = stage.demand(), int(budget) - stage.working(gradient=True)
    if section.keep == "auto":
        return stage.within(int(budget))
    options, reason = HistoryOptions(cast("Kind", section.keep)), "as the config says"
    if section.keep == "compressed":
        options = replace(options, bits=section.bits)
    if section.keep == "fourier":
        options = _at_frequencies(problems, section, stage)
    if section.keep == "probes":
        options = replace(options, count=section.count or options.count)
        frequencies = len(options.bins(demand.steps, demand.every, demand.step))
        reason = f"as the config says: {frequencies} random frequencies stand for all"
    if section.keep == "checkpoints":
        if section.checkpoints is None:
            options = demand.with_checkpoints(room) or HistoryOptions("checkpoints", checkpoints=1)
        else:
            options = replace(options, checkpoints=section.checkpoints)
    if section.keep == "boundary":
        equation = registry.load(stage.equation)
        lost = history.irreversible(equation, stage.grid.ndim, stage.parameters)
        if lost:
            problems.add(
                ("physics", "history"),
                f"the gradient of {stage.equation} for {', '.join(stage.parameters or ())} needs "
                f"fields that are not found again backwards in time; use "
                f"`physics.history: checkpoints` or `physics.history: auto`",
            )
    return replace(stage, history=options, reason=reason)


def _warn_of_gaps(problems: Problems, section: schema.HistorySection, stage: Numerics) -> None:
    """Warn of a field that is kept less than twice a period, whose gradient is another one."""
    if section.every is None:
        return
    highest, step = stage.highest_frequency, stage.time.step
    most = max(1, int(1 / (2 * highest * step)))
    if section.every > most:
        problems.warn(
            f"`physics.history.every: {section.every}` keeps the field each "
            f"{1e3 * section.every * step:.3g} ms, and waves of {highest:.3g} Hz need at least two "
            f"a period: gradients and images are wrong at high frequencies; leave `every` out, or "
            f"set at most {most}"
        )


def check_transpose(
    problems: Problems, physics: schema.PhysicsSection, section: LsrtmSection, stage: Numerics
) -> None:
    """Refuse conjugate gradients with a history of few frequencies, and warn of other solvers.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    section : LsrtmSection
    stage : Numerics
        Of the image.
    """
    history_section = physics.history_section()
    if history_section.keep not in ("fourier", "probes"):
        return
    demand, whole = stage.demand(), _band(stage)
    options = HistoryOptions("fourier", frequencies=_selected(history_section, stage))
    if history_section.keep == "probes":
        options = HistoryOptions("probes", count=history_section.count or HistoryOptions.count)
    timing = demand.steps, demand.every, demand.step
    few = len(options.bins(*timing))
    every = len(HistoryOptions("fourier", frequencies=whole).bins(*timing))
    if few >= every:
        return
    share = f"`{history_section.keep}` keeps {few} of the {every} frequencies of the band"
    if isinstance(section.solver, ConjugateGradientsSection):
        problems.add_once(
            ("physics", "history"),
            f"{share}, and conjugate gradients need the exact transpose of J: they would tell "
            f"wrong residuals, and may diverge; set `physics.history: auto`, or a solver that "
            f"computes each residual anew, as `least_squares.solver: {{kind: bregman}}`",
        )
        return
    problems.warn(
        f"`physics.history`: {share}, so that gradients, and with them the image, are approximate, "
        f"while residuals are not; a larger `count` lowers that error, and "
        f"`physics.history: auto` has none"
    )


def _band(stage: Numerics) -> tuple[float, ...]:
    """All frequencies of the band [Hz]."""
    demand, highest = stage.demand(), stage.highest_frequency
    every = 1 / (demand.steps * demand.step)
    return tuple(f for f in (every * np.arange(highest / every + 1)).tolist() if f <= highest)


def _selected(section: schema.HistorySection, stage: Numerics) -> tuple[float, ...]:
    """Frequencies that a config names, or those of the band [Hz]."""
    highest, band = stage.highest_frequency, _band(stage)
    if section.count is not None:
        few = section.count // 2
        band = tuple((highest * (np.arange(few) + 0.5) / few).tolist())
    return tuple(float(f) for f in section.frequencies or band if f <= highest)


def _at_frequencies(
    problems: Problems, section: schema.HistorySection, stage: Numerics
) -> HistoryOptions:
    """A history of the frequencies that the config names, or of those of the band."""
    highest, chosen = stage.highest_frequency, _selected(section, stage)
    if not chosen:
        problems.add(
            ("physics", "history", "frequencies"),
            f"there are no waves at {', '.join(f'{f:g}' for f in section.frequencies or ())} Hz "
            f"in a band that ends at {highest:.4g} Hz; set lower ones, as in "
            f"`physics.history.frequencies: [{round_down(highest / 2):g}]`",
        )
    return HistoryOptions("fourier", frequencies=chosen)
