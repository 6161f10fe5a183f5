"""Times of a plan follow from measured speeds, by formulas that a person can check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.propagators.history import HistoryOptions
from fwicli.propagators.tasks import ModellingTask
from fwicli.workflows.planning.alternatives import Alternative
from fwicli.workflows.planning.costs import calibrations, counts, durations, forecast
from fwicli.workflows.planning.costs.calibrations import Calibration
from fwicli.workflows.planning.costs.counts import Counts
from fwicli.workflows.planning.costs.durations import OutsideTimes, ShotTimes
from fwicli.workflows.planning.costs.surroundings import Surroundings
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality import one_shot, rehearsal
from fwicli.workflows.quality.stand_in import Clock, StandIn


@pytest.fixture
def made(survey: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(calibrations, "PREFIX", "calibration-of-a-test-")
    return make_plan(load(survey / "invert.yaml"))


def speeds(made: Plan, number: int = 0) -> Calibration:
    stage = made.stages[number]
    return Calibration(
        shape=stage.padded,
        every=stage.history_step,
        traces=calibrations.traces_of(stage),
        workers=2,
        steps=stage.steps,
        call_forward=(0.1, 0.05),
        call_backward=(0.3, 0.15),
        step_forward=(1e-3, 5e-4),
        step_backward=(2e-3, 1e-3),
        comparison=(0.5, 0.25),
        start=(7.0, 3.5),
        handover=(0.01, 0.005),
    )


def test_time_of_a_shot(made: Plan) -> None:
    """Calls, steps, and the comparison of its record."""
    stage = made.stages[0]
    shot = durations.of_shot(stage, speeds(made), gradient=True)
    assert shot.forward == pytest.approx(0.1 + 1e-3 * stage.steps)
    assert shot.whole == pytest.approx(shot.forward + 0.3 + 2e-3 * stage.steps + 0.5)
    quiet = durations.of_shot(stage, speeds(made), True, durations.PROCESSORS)
    assert quiet.whole == pytest.approx(shot.whole / 2)


def test_steps_that_are_repeated_take_time(made: Plan) -> None:
    stage = made.stages[0]
    again = replace(stage, history=HistoryOptions("checkpoints", checkpoints=1, segment=60))
    repeated = again.demand().repeated(again.history)
    assert repeated > stage.steps
    plain, kept = (durations.of_shot(s, speeds(made), True).whole for s in (stage, again))
    assert kept - plain == pytest.approx(1e-3 * repeated)


def test_larger_grids_take_longer_by_their_points(made: Plan) -> None:
    """The second stage has the model's own grid; the speeds are those of the first."""
    coarse, fine = made.stages
    points = (fine.padded[0] * fine.padded[1]) / (coarse.padded[0] * coarse.padded[1])
    assert points > 2
    shot = durations.of_shot(fine, speeds(made), gradient=True)
    assert shot.forward == pytest.approx(points * (0.1 + 1e-3 * fine.steps))


def test_time_of_a_stage() -> None:
    """5 shots on 2 workers take three turns; the source's first pass comes before each."""
    shot = ShotTimes(forward=1.0, whole=4.0, product=6.0, start=2.0, handover=0.5)
    count = Counts(5, 10, 3, 1.5, 2.0, 1, 2, 1)
    times = durations.of_stage(shot, count, 2)
    assert times.evaluation == 3 * (4.5 + 1.5)
    assert times.iteration == 1.5 * 18 + 2 * 3 * 6.5
    assert times.first == 2 + 18 + 2 * 3 * 4.5
    assert times.total == times.first + 3 * times.iteration + 5 * 1.5
    once = durations.of_stage(shot, Counts(5, 5, checked=3), 2)
    assert once.total == 2 + 2 * 1.5 + 3 * 4.5


def test_time_of_checks_and_diagnosis() -> None:
    """Checked shots are modelled at each reading of coordinates; all are diagnosed once."""
    shot = ShotTimes(1.0, 4.0, 6.0, start=2.0, handover=0.5, everywhere=3.0, diagnosis=0.1)
    plain = durations.of_stage(shot, Counts(5, 5, 3, 1.5, checked=3), 2)
    times = durations.of_stage(shot, Counts(5, 5, 3, 1.5, checked=3, readings=2), 2)
    assert times.first == pytest.approx(plain.first + 2 * 2 * 3.5)
    assert times.iteration == plain.iteration
    diagnosed = durations.of_stage(shot, Counts(5, 5, 3, 1.5, checked=3, diagnosed=True), 2)
    assert diagnosed.first == pytest.approx(plain.first + 3 * 0.1)
    assert diagnosed.total == pytest.approx(plain.total + 3 * 0.1)
    linear = durations.of_stage(shot, Counts(4, 4, 3, products=1.0, linear=True), 2)
    assert linear.evaluation == linear.iteration == 2 * 6.5


def test_all_shots_of_a_check_are_counted(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a run models before its first evaluation, at three readings of coordinates."""
    loaded = load(survey / "invert.yaml")
    plan = make_plan(loaded)
    monkeypatch.setattr(Alternative, "fits", lambda self, *_: self.kind == "coordinates")
    modelled: list[ModellingTask] = []

    def gather(task: ModellingTask) -> np.ndarray:
        modelled.append(task)
        return records.gather(task)

    records = rehearsal._Records(loaded)
    one_shot.warn(plan, loaded, StandIn(Clock(0.0), gather), resumed=False)
    count = counts.of_plan(plan)[0]
    assert count.readings == 3
    assert len(modelled) == count.checked * (1 + count.readings)


def test_time_outside_of_shots() -> None:
    """Each evaluation and product has its share, each stage its beginning, the run its ends."""
    shot = ShotTimes(forward=1.0, whole=4.0, product=6.0, start=2.0, handover=0.5)
    count = Counts(5, 10, 3, 1.5, 2.0)
    plain = durations.of_stage(shot, count, 2)
    times = durations.of_stage(shot, count, 2, OutsideTimes(first=7.0, turn=0.2))
    assert times.outside_of_iteration == pytest.approx(3.5 * 0.2)
    assert times.iteration == pytest.approx(plain.iteration + 3.5 * 0.2)
    assert times.first == plain.first + 7
    assert times.outside == pytest.approx(7 + 3 * 3.5 * 0.2)
    assert times.total == pytest.approx(plain.total + times.outside)
    once = durations.of_stage(shot, Counts(5, 5), 2, OutsideTimes(first=7.0, shot=0.1))
    assert once.outside == pytest.approx(0.5)
    measured = Surroundings(
        10, 10, imports=(1.0, 0.1), start=(2.0, 0.2), workers=(3.0, 0.3), end=(4.0, 0.4)
    )
    run = durations.of_run([times, once], measured)
    assert (run.start, run.end) == (6.0, 4.0)
    assert run.outside == pytest.approx(10 + times.outside + once.outside)
    assert run.total == pytest.approx(10 + times.total + once.total)
    quiet = durations.of_run([times], measured, durations.PROCESSORS)
    assert quiet.outside == pytest.approx(1.0 + times.outside)
    alone = durations.of_run([plain], None)
    assert (alone.total, alone.outside) == (plain.total, 0)


def test_many_workers_wait_for_the_command() -> None:
    """One process hands over all shots: 100 workers are no faster than that."""
    shot = ShotTimes(forward=1.0, whole=4.0, product=6.0, start=2.0, handover=0.5)
    assert durations.of_stage(shot, Counts(100, 100), 100).evaluation == 50
    assert durations.of_stage(shot, Counts(100, 100), 10).evaluation == 50
    assert durations.of_stage(shot, Counts(100, 100), 5).evaluation == 20 * 4.5


def test_counts_of_batches_and_sources(survey: Path) -> None:
    """A method that compares values evaluates new shots first; a common source needs a pass."""
    path = survey / "invert.yaml"
    plain = counts.of_plan(make_plan(load(path)))[0]
    assert (plain.shots, plain.iterations, plain.first_passes) == (4, 3, 0)
    assert [c.checked for c in counts.of_plan(make_plan(load(path)))] == [3, 0]
    assert counts.of_plan(make_plan(load(survey / "model.yaml")))[0].checked == 0
    settings = ["inversion.shots={batch: 2}", "inversion.source={estimate: common}"]
    batched = counts.of_plan(make_plan(load(path, settings=settings)))[0]
    assert (batched.shots, batched.every, batched.first_passes) == (2, 4, 1)
    assert batched.evaluations == plain.evaluations + 1
    drawn = ["inversion.shots={batch: 2}", "inversion.optimizer={method: adam}"]
    assert counts.of_plan(make_plan(load(path, settings=drawn)))[0].evaluations == 1
    coded = ["inversion.shots={encode: {sources: 2, realisations: 3}}"]
    assert counts.of_plan(make_plan(load(path, settings=coded)))[0].shots == 6


def test_no_times_without_a_measurement(made: Plan, survey: Path) -> None:
    """The plan says how to measure, and guesses nothing."""
    numbers = forecast.summary(made, load(survey / "invert.yaml"))
    assert "fwi check" in numbers["calibration"]
    assert "--calibrate" in numbers["calibration"]
    assert not [name for name in numbers if name.endswith("_s")]
    assert "stages" not in numbers


def test_the_most_similar_measurement_is_taken(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the same grid, and then of as many workers; kept ones come back as they were."""
    files: dict[str, bytes] = {}
    monkeypatch.setattr(calibrations.cache, "write", files.__setitem__)
    monkeypatch.setattr(calibrations.cache, "read", files.get)
    stage = made.stages[0]
    of = calibrations.key(stage, ("gradient",), None)
    mine = speeds(made)
    for other in (mine, replace(mine, shape=(40, 50)), replace(mine, workers=1)):
        calibrations.write(of, other)
    assert calibrations.read(of)[0] == mine
    assert calibrations.nearest(of, stage, 2) == mine
    assert calibrations.nearest(of, stage, 1) == replace(mine, workers=1)
    calibrations.write(of, replace(mine, start=(1.0, 1.0)))
    assert len(calibrations.read(of)) == 3
    assert calibrations.nearest(calibrations.key(stage, (), None), stage, 2) is None
