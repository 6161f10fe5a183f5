"""Time, memory, disks and network of a run, from its plan and from measured speeds.

Without a measurement there are no times: the forecast then says how to measure.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.disk import atomic
from fwicli.workflows.planning.costs import (
    calibrations,
    counts,
    durations,
    grid_errors,
    surroundings,
    transfers,
)
from fwicli.workflows.planning.costs.calibrations import Calibration
from fwicli.workflows.planning.costs.counts import Counts
from fwicli.workflows.planning.costs.durations import ELAPSED, PROCESSORS, StageTimes
from fwicli.workflows.planning.costs.grid_errors import GridError
from fwicli.workflows.planning.costs.surroundings import Surroundings
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.folder import RunFolder

# Elapsed times that exceed those on processors by this factor tell of the work of others.
BUSY = 1.2
# Memory of shots that is lost in that of libraries: its measurement says nothing [bytes].
SMALL = 10e6


@dataclass(frozen=True)
class StageForecast:
    """Speeds and times of a stage.

    Attributes
    ----------
    counts : Counts
    measured : Calibration or None
        None if there is none.
    times, quiet : StageTimes or None
        As measured, and without others' work on the same processors.
    threads : int
        By which times of one thread were divided.
    surroundings : Surroundings or None
        Times of the run outside of shots; None if there are none.
    """

    counts: Counts
    measured: Calibration | None = None
    times: StageTimes | None = None
    quiet: StageTimes | None = None
    threads: int = 1
    surroundings: Surroundings | None = None


def stages(plan: Plan, loaded: Loaded) -> list[StageForecast]:
    """Speeds and times of each stage of a plan.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of the plan.

    Returns
    -------
    stages : list of StageForecast
    """
    forecasts, around = [], surroundings.nearest(plan)
    for number, (stage, count) in enumerate(zip(plan.stages, counts.of_plan(plan), strict=True)):
        sums, curvature = plan.verb.kernels(loaded.config, number)
        of = calibrations.key(stage, sums, curvature)
        measured = calibrations.nearest(of, stage, plan.at_once)
        threads = 1
        if measured is None:
            measured = calibrations.nearest({**of, "threads": 1}, stage, plan.at_once)
            threads = stage.threads
        if measured is None:
            forecasts.append(StageForecast(count))
            continue
        points = surroundings.unknowns(plan, number)
        times, quiet = (
            durations.of_stage(
                durations.of_shot(stage, measured, bool(sums), kind, threads),
                count,
                plan.workers,
                durations.outside(around, points, kind),
            )
            for kind in (ELAPSED, PROCESSORS)
        )
        forecasts.append(StageForecast(count, measured, times, quiet, threads, around))
    return forecasts


def summary(plan: Plan, loaded: Loaded) -> dict[str, Any]:
    """Numbers for a table, or for JSON.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of the plan.

    Returns
    -------
    summary : dict of str to object
    """
    forecasts = stages(plan, loaded)
    errors = [grid_errors.read(plan, n) for n in range(len(plan.stages))]
    numbers: dict[str, Any] = {
        "memory_per_worker_mb": round((plan.verb.memory.worker + plan.memory) / 1e6, 1),
        **transfers.summary(plan, [f.counts for f in forecasts]),
    }
    if plan.nodes is not None:
        numbers |= {"nodes": plan.nodes.count, "workers_per_node": plan.per_node}
        numbers["memory_per_node_mb"] = round(plan.total.nbytes / 1e6, 1)
    times = [f.times for f in forecasts if f.times is not None]
    measured = [f.measured for f in forecasts if f.measured is not None]
    if len(times) < len(forecasts):
        words = ["fwi", "check", str(loaded.path), "--calibrate"]
        if plan.nodes is not None:
            cores, memory = str(plan.nodes.cores), f"{plan.nodes.memory / 1e9:g}"
            words += ["--nodes", str(plan.nodes.count), "--cores", cores, "--memory", memory]
        command = shlex.join(words)
        numbers["calibration"] = f"none on this machine for these kernels: run `{command}`"
        return numbers
    numbers["calibration"] = "; ".join(dict.fromkeys(_basis(plan, f) for f in forecasts))
    numbers |= _of_run(forecasts)
    numbers["compilation_s"] = round(max(m.compilation for m in measured), 3)
    if all(m.own and m.planned > SMALL for m in measured):
        numbers["memory_per_worker_measured_mb"] = round(_memory(plan, measured) / 1e6, 1)
    if plan.nodes is not None:
        longest = numbers.get("time_on_quiet_machine_s", numbers["time_s"])
        numbers |= transfers.jobs(plan.nodes, longest)
    numbers["assumption"] = "; ".join(
        dict.fromkeys(f.counts.assumption for f in forecasts if f.counts.assumption)
    )
    numbers["stages"] = [
        {**_stage(f), **_grid_error(e)} for f, e in zip(forecasts, errors, strict=True)
    ]
    return numbers


def _grid_error(measured: GridError | None) -> dict[str, Any]:
    """Errors of the records of a stage on its grid."""
    if measured is None:
        return {"grid_error_percent": None}
    percent = {"grid_error_percent": round(100 * measured.error, 3)}
    if not measured.error:
        return percent
    return {**percent, "grid_error_far_percent": round(100 * measured.far, 3)}


def _of_run(forecasts: list[StageForecast]) -> dict[str, Any]:
    """Times of the run."""
    around = forecasts[0].surroundings
    run = durations.of_run([f.times for f in forecasts if f.times is not None], around)
    stages = [f.quiet for f in forecasts if f.quiet is not None]
    quiet = durations.of_run(stages, around, PROCESSORS)
    numbers: dict[str, Any] = {"time_s": round(run.total, 3), "time_outside_of_shots_s": None}
    if around is not None:
        numbers["time_outside_of_shots_s"] = round(run.outside, 3)
        numbers["time_of_start_s"] = round(run.start, 3)
        numbers["time_of_end_s"] = round(run.end, 3)
    if run.total > BUSY * quiet.total:
        numbers["time_on_quiet_machine_s"] = round(quiet.total, 3)
    return numbers


def note(plan: Plan, loaded: Loaded, folder: RunFolder) -> None:
    """Write the plan into the folder of its run.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of the plan.
    folder : RunFolder
    """
    numbers = summary(plan, loaded)
    times = numbers.pop("stages", [{} for _ in plan.stages])
    numbers |= {"workers": plan.workers, "memory_mb": round(plan.total.nbytes / 1e6, 1)}
    numbers["stages"] = [
        {"seconds_per_iteration": stage.get("time_of_iteration_s"), **stage} for stage in times
    ]
    text = json.dumps({outputs.PLANNED: 1, **numbers}, indent=2)
    with atomic.replacing(folder.file(outputs.PLAN)) as new:
        new.write_text(f"{text}\n", encoding="utf-8")


def _stage(forecast: StageForecast) -> dict[str, Any]:
    """Times of a stage."""
    times, quiet = forecast.times, forecast.quiet
    if times is None or quiet is None:
        return {}
    return {
        "time_of_shot_s": round(times.shot, 4),
        "processor_time_of_shot_s": round(quiet.shot, 4),
        "time_of_evaluation_s": round(times.evaluation, 3),
        **_of_iterations(forecast, times),
        "time_s": round(times.total, 3),
        "shots_per_evaluation": forecast.counts.shots,
    }


def _of_iterations(forecast: StageForecast, times: StageTimes) -> dict[str, Any]:
    """Times and numbers of iterations; none where there are no iterations."""
    counts = forecast.counts
    if not counts.iterations:
        return {}
    outside = round(times.outside_of_iteration, 3)
    return {
        "time_of_iteration_s": round(times.iteration, 3),
        "time_of_iteration_outside_of_shots_s": outside if forecast.surroundings else None,
        "time_before_iterations_s": round(times.first, 3),
        "iterations": counts.iterations,
        "evaluations_per_iteration": counts.evaluations,
    }


def _basis(plan: Plan, forecast: StageForecast) -> str:
    """Origin of the times of a stage, in words."""
    measured = forecast.measured
    if measured is None:
        return ""
    text = f"{measured.workers} workers on {' x '.join(map(str, measured.shape))} points"
    if measured.shape not in {stage.padded for stage in plan.stages}:
        text += ", scaled by points and steps"
    if forecast.threads > 1:
        text += f" and to {forecast.threads} threads, as if each were as fast as one alone"
    if forecast.surroundings is None:
        text += ", without the time outside of shots"
        text += "" if surroundings.obstacle(plan) else ": `--calibrate` measures it"
    elif forecast.surroundings.points != surroundings.sizes(plan)[0]:
        text += f", outside of shots in a model of {forecast.surroundings.points} points"
    if plan.nodes is not None:
        text += ", on this machine: on a node, the same command measures that"
    return text


def _memory(plan: Plan, measured: list[Calibration]) -> float:
    """Memory of a worker [bytes]: that of shots as planned, times the measured share of the plan.

    A measurement of fewer steps, or of a part of the grid, has a smaller history.
    """
    return plan.verb.memory.worker + plan.memory * max(m.own / m.planned for m in measured)
