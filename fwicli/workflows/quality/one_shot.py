"""One-shot quality control: shots modelled in the starting model, compared, drawn and judged.

Faults are looked for in an order in which none passes for another:

    dead shots, sampling, band of the wavelet     from the records alone
    sampling                                      moveout of observed and synthetic arrivals
    positions                                     with axes exchanged, or depths of opposite sign
    time zero, polarity                           first arrivals next to the source

Wrong sampling, positions or bands make arrivals late or reversed; then these are not judged.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.loader import Loaded
from fwicli.execution import Executor
from fwicli.inversion.quality import comparison, moveout
from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.inversion.quality.diagnosis import Diagnosis, stacked
from fwicli.inversion.quality.faults import Fault
from fwicli.survey.components import PRESSURE
from fwicli.survey.points import Points
from fwicli.workflows.assembly import executors
from fwicli.workflows.planning import recorded_faults
from fwicli.workflows.planning.alternatives import Alternative, alternatives
from fwicli.workflows.planning.cures import NamedFault, named
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality.setting import StageSetting
from fwicli.workflows.run_folder import finished_shots

Array = NDArray[Any]

log = logging.getLogger("fwicli")

# Shots that are modelled before an inversion begins.
SHOTS = 3


def check(
    loaded: Loaded, shots: Sequence[int], stage: int = 0, folder: str | Path | None = None
) -> dict[str, Any]:
    """Model shots of a config, compare them with the records, and name what is wrong.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi invert` or `fwi rtm`.
    shots : sequence of int
        Numbers of shots.
    stage : int
        Number of the stage of an inversion, from 0.
    folder : Path, optional
        Where pictures are written; none by default.

    Returns
    -------
    summary : dict of str to object

    Raises
    ------
    ConfigError
        If there are no records, no such stage or no such shot.
    """
    plan = make_plan(loaded)
    setting = StageSetting(plan, loaded.config, stage)
    chosen = setting.choose(shots)
    workers = min(plan.workers, len(chosen))
    with executors.start(loaded.config.execution, workers) as executor:
        compared, faults = judged(setting, chosen, executor)
    pictures = [] if folder is None else _draw(setting, compared, Path(folder))
    return {
        "command": plan.kind,
        "compared": setting.describe(),
        "shots": [shot.numbers() for shot in compared],
        "judged": comparison.judged(compared),
        "faults": [fault.numbers() for fault in faults],
        "warnings": _warnings(setting, compared, faults),
        "pictures": [str(path) for path in pictures],
    }


def judged(
    setting: StageSetting, shots: Sequence[int], executor: Executor
) -> tuple[list[ComparedShot], list[NamedFault]]:
    """Shots compared with their records, and the faults of the survey.

    Parameters
    ----------
    setting : StageSetting
    shots : sequence of int
    executor : Executor
        Runs the shots.

    Returns
    -------
    compared : list of ComparedShot
        Shots without any trace to compare are left out.
    faults : list of NamedFault
        With those that the records show by themselves.
    """
    acquisition = setting.plan.acquisition
    finished_shots.compile_missing(executor, setting.discretization, acquisition=acquisition)
    compared = _modelled(setting, shots, executor)
    faults = list(setting.plan.faults)
    if compared and not {f.fault.kind for f in faults} & {"sampling", "wavelet_band"}:
        faults += [named(f, setting.config) for f in _shown(setting, compared, executor)]
    return compared, faults


def warn(plan: Plan, loaded: Loaded, executor: Executor, resumed: bool) -> None:
    """Log the faults that a few shots of the first stage show, before all other shots are modelled.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of `fwi invert` or `fwi rtm`.
    executor : Executor
    resumed : bool
        Whether the run was begun before, so that all was said.
    """
    if resumed:
        return
    setting = StageSetting(plan, loaded.config)
    dead = {n for f in plan.faults for n in f.fault.numbers.get("shots", ())}
    live = [n for n in range(plan.acquisition.shots) if n not in dead and setting.traces(n).any()]
    if not live:
        return
    count = min(SHOTS, len(live))
    shots = [live[len(live) * (2 * n + 1) // (2 * count)] for n in range(count)]
    faults = judged(setting, shots, executor)[1]
    for fault in faults[len(plan.faults) :]:
        log.warning("warning: %s", fault)
    # A dead shot is no fault of the model, and no other shot shows it.
    if {fault.fault.kind for fault in faults} - {"dead_shot"}:
        log.warning(
            "warning: records and model do not go together; `fwi check %s --shot %d` shows it",
            loaded.path,
            shots[len(shots) // 2],
        )


def _modelled(
    setting: StageSetting,
    shots: Sequence[int],
    executor: Executor,
    alternative: Alternative | None = None,
) -> list[ComparedShot]:
    """Shots modelled at their positions, or at others, and compared."""
    chosen = [shot for shot in shots if setting.traces(shot).any()]
    if alternative is None:
        tasks = [setting.task(shot) for shot in chosen]
    else:
        sources, receivers = alternative.applied(setting.plan.acquisition, setting.plan.model.grid)
        whole = replace(setting, plan=_whole(setting))
        tasks = [
            whole.task(shot, _moved(setting, shot, sources, receivers), setting.traces(shot))
            for shot in chosen
        ]
    gathers = executor.map(tasks)
    pairs = zip(chosen, gathers, strict=True)
    return [part for shot, gather in pairs for part in setting.compared(shot, gather)]


def _moved(setting: StageSetting, shot: int, sources: Array, receivers: Sequence[Array]) -> Any:
    """Source and receivers of a shot at other positions, with their components."""
    geometry = setting.plan.acquisition
    at = Points(sources[shot : shot + 1], geometry.emitted_by(shot))
    return at.plain, Points(receivers[shot], geometry.recorded_by(shot)).plain


def _whole(setting: StageSetting) -> Plan:
    """The plan with the whole grid as the window of every shot."""
    plan = setting.plan
    return replace(plan, stages=[stage.whole for stage in plan.stages])


def _shown(
    setting: StageSetting, compared: Sequence[ComparedShot], executor: Executor
) -> list[Fault]:
    """Faults that show between observed and synthetic arrivals."""
    sampling = moveout.other_sampling(
        [shot.observed_arrivals for shot in compared],
        [shot.synthetic_arrivals for shot in compared],
        setting.plan.interval,
        recorded_faults.uncertainty(setting.config, setting.plan.model),
    )
    misplaced = None if sampling else _misplaced(setting, compared, executor)
    if first := sampling or misplaced:
        return [first]
    both = comparison.late(compared), comparison.turned(compared)
    return [fault for fault in both if fault is not None]


def _misplaced(
    setting: StageSetting, compared: Sequence[ComparedShot], executor: Executor
) -> Fault | None:
    """The fault of positions that another reading of the coordinates cures best."""
    plan, best = setting.plan, None
    readings = alternatives(plan.acquisition, plan.model.grid, plan.model.topography)
    if readings and not setting.numerics.fits_whole(min(plan.workers, len(compared))):
        log.warning(
            "warning: other readings of the coordinates are not tried: shots in the whole model "
            "take %.3g GB each",
            setting.numerics.whole.memory(gradient=False) / 1e9,
        )
        return None
    for alternative in readings:
        shots = list(dict.fromkeys(s.shot for s in compared))
        other = _modelled(setting, shots, executor, alternative)
        fault = comparison.misplaced(compared, other, alternative.kind, alternative.words)
        if fault is None:
            continue
        numbers = {
            **fault.numbers,
            "axes": dict(alternative.axes),
            "of": alternative.of,
            "model_axes": list(plan.model.grid.axes),
        }
        if best is None or numbers["left_cycles"] < best.numbers["left_cycles"]:
            best = replace(fault, numbers=numbers)
    return best


def _warnings(
    setting: StageSetting, compared: Sequence[ComparedShot], faults: Sequence[NamedFault]
) -> list[str]:
    """Warnings of the plan and of the diagnosis, without the faults."""
    named_already = {str(fault) for fault in faults}
    warnings = [w for w in setting.plan.warnings if w not in named_already]
    if compared and not {f.fault.kind for f in faults} - {"dead_shot"}:
        diagnosis = Diagnosis(stacked([s.traces for s in compared]), compared[0].frequency)
        warnings += diagnosis.warnings(setting.compares_amplitudes(compared[0].observed))
    return warnings


def _draw(setting: StageSetting, compared: Sequence[ComparedShot], folder: Path) -> list[Path]:
    """Draw every shot into a folder."""
    from fwicli.plotting import quality  # late: numbers need no Matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    paths, ndim = [], setting.plan.model.grid.ndim
    for shot in compared:
        rows = setting.rows(shot.shot)
        raw = np.asarray(setting.records.data[shot.shot])[setting.traces(shot.shot)]
        raw = raw[rows[shot.component]]
        plain = len(rows) == 1 and shot.component == PRESSURE
        name = "" if plain else shot.component.code.replace(" ", "_")
        path = folder / f"shot_{shot.shot:04d}{'_' if name else ''}{name}.png"
        unit = "" if plain else f", {shot.component.name} [{shot.component.unit}]"
        title = f"shot {shot.shot}{unit}, {setting.describe()}"
        wavelets = quality.Wavelets(
            setting.records.wavelet_of(shot.shot),
            setting.wavelet(shot.shot),
            setting.plan.acquisition.emitted_by(shot.shot).source_unit(ndim),
        )
        quality.shot(path, shot, raw, wavelets, title)
        paths.append(path)
    return paths
