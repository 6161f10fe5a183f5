"""Dask has the bits of one process, whatever happens to its workers."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import ExecutionError, GeometryError
from fwicli.execution import InProcess, pace
from tests.execution.dask.tasks import (
    Accident,
    DeadlyModel,
    Killed,
    Model,
    Shot,
    Started,
    Stuck,
    Values,
    shots,
)
from tests.execution.test_relief import Hungry

pytestmark = pytest.mark.cluster


def sums(executor: Any, tasks: list[Shot], size: int) -> list[bytes]:
    return [each.values.tobytes() for each in executor.sums(tasks, size)]


def one_process(tasks: list[Shot], size: int) -> list[bytes]:
    return sums(InProcess(), [Shot(t.common, t.number) for t in tasks], size)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (5, 1), (7, 8), (9, 16), (37, 16), (75, 128)])
def test_sums_have_the_bits_of_one_process(dask: Any, count: int, size: int) -> None:
    tasks = shots(count)
    assert sums(dask, tasks, size) == one_process(tasks, size)


def test_order_shows_in_the_bits() -> None:
    """Or the test above would see nothing."""
    tasks = shots(37)
    assert one_process(tasks, 64) != one_process(tasks[::-1], 64)


def test_blocks_have_a_power_of_two(dask: Any) -> None:
    with pytest.raises(ValueError, match="power of two"):
        dask.sums(shots(3), 3)


def test_results_are_in_order(dask: Any) -> None:
    tasks = shots(12)
    expected = [task().values.tobytes() for task in tasks]
    assert [each.values.tobytes() for each in dask.map(tasks)] == expected


def test_nothing_to_do(dask: Any) -> None:
    assert list(dask.map([])) == list(dask.sums([], 4)) == []


def test_results_wait_for_their_reader(dask: Any, tmp_path: Path) -> None:
    """Few shots run ahead of it."""
    tasks = shots(40, Started(tmp_path))
    results = dask.map(tasks)
    next(results)
    time.sleep(2.0)
    ahead = len(list(tmp_path.iterdir()))
    assert ahead < 10
    assert len(list(results)) == 39
    assert len(list(tmp_path.iterdir())) == 40


def test_the_client_receives_one_sum_a_block(dask: Any) -> None:
    Values.arrivals.clear()
    assert len(sums(dask, shots(50), 16)) == 4
    assert len(Values.arrivals) == 4


def test_each_worker_receives_the_model_once(dask: Any, tmp_path: Path) -> None:
    """And it is gone after the evaluation."""
    tasks = [Shot(Model(np.ones(100), tmp_path), n) for n in range(30)]
    tasks = [Shot(tasks[0].common, task.number) for task in tasks]
    sums(dask, tasks, 8)
    arrivals = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
    assert len(arrivals) == len(set(arrivals)) == 2
    for _ in range(50):
        stored = dask.connection.client.run(_stored)
        if not any(stored.values()):
            return
        time.sleep(0.1)
    pytest.fail(f"workers still have {stored}")


def _stored(dask_worker: Any) -> list[str]:
    return [str(key) for key in dask_worker.data]


def test_each_finished_task_is_told_once(dask: Any) -> None:
    finished: list[int] = []
    list(dask.sums(shots(21), 8, finished.append))
    assert sorted(finished) == list(range(21))


def test_a_killed_worker_does_not_show(dask: Any, tmp_path: Path) -> None:
    """Its shot, and the results that it had, are computed again."""
    tasks = shots(30, Accident(tmp_path, "killed", {3, 17}))
    finished: list[int] = []
    totals = [each.values.tobytes() for each in dask.sums(tasks, 32, finished.append)]
    assert totals == one_process(tasks, 32)
    assert sorted(finished) == list(range(30))


def test_the_last_worker_may_be_lost(tmp_path: Path) -> None:
    """With it, the model is: it is sent again."""
    from fwicli.execution.dask import clusters
    from fwicli.execution.dask.executor import Dask

    tasks = shots(10, Accident(tmp_path, "killed", {6}))
    with clusters.on_this_machine(1) as connection:
        assert sums(Dask(connection), tasks, 16) == one_process(tasks, 16)


def test_a_worker_may_be_lost_while_it_receives_the_model(
    dask: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Dask waits for it without an end; the model is sent to those that there are."""
    model = DeadlyModel(np.random.default_rng(9).random(100), tmp_path)
    tasks = [Shot(model, number) for number in range(9)]
    plain = [Shot(Model(model.values), number) for number in range(9)]
    assert sums(dask, tasks, 16) == one_process(plain, 16)
    assert "ended meanwhile); it is sent again" in caplog.text


def test_an_accident_is_told_and_the_shot_run_again(
    dask: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = shots(12, Accident(tmp_path, "raised", {5}, times=2))
    assert sums(dask, tasks, 16) == one_process(tasks, 16)
    told = [r.getMessage() for r in caplog.records if "shot task 5 failed" in r.getMessage()]
    assert len(told) == 2
    assert "RuntimeError: shot 5 met an accident on tcp://" in told[0]


def test_three_failures_end_the_call(dask: Any, tmp_path: Path) -> None:
    """With what the shot has raised last, and where."""
    tasks = shots(12, Accident(tmp_path, "raised", {5}, times=9))
    with pytest.raises(ExecutionError, match="shot task 5 failed 3 times") as caught:
        sums(dask, tasks, 16)
    assert "RuntimeError: shot 5 met an accident on tcp://" in str(caught.value)
    assert "in _is_due" not in str(caught.value.__cause__)
    assert 'raise RuntimeError(f"shot {number} met' in str(caught.value.__cause__)
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("5-")]) == 3
    assert sums(dask, shots(3), 4) == one_process(shots(3), 4)


def test_three_lost_workers_end_the_call(dask: Any, tmp_path: Path) -> None:
    """With advice: memory that has run out is the most frequent reason."""
    tasks = shots(12, Accident(tmp_path, "killed", {5}, times=9))
    with pytest.raises(ExecutionError, match="shot task 5 was lost 3 times") as caught:
        sums(dask, tasks, 16)
    assert "lower `execution.workers`" in str(caught.value)
    assert "last because its worker was killed by SIGKILL" in str(caught.value)
    # A fourth attempt may have begun before the client has heard of the third loss.
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("5-")]) in (3, 4)


def test_impossible_input_is_not_repeated(dask: Any, tmp_path: Path) -> None:
    tasks = shots(40, Accident(tmp_path, "refused", {2}, times=9))
    with pytest.raises(GeometryError, match="shot 2 is nowhere") as caught:
        sums(dask, tasks, 64)
    assert "raise GeometryError" in str(caught.value.__cause__)
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("2-")]) == 1


def test_warnings_of_workers_are_told(dask: Any, caplog: pytest.LogCaptureFixture) -> None:
    list(dask.map([_warn]))
    for _ in range(50):
        if any("of a worker" in record.getMessage() for record in caplog.records):
            return
        time.sleep(0.1)
    pytest.fail("no warning")


def _warn() -> None:
    logging.getLogger("fwicli.tests").warning("the warning of a worker")


def test_workers_without_room_take_smaller_tasks(
    dask: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each worker learns it once, and the client logs it."""
    for _ in range(2):
        assert list(dask.map([Hungry(tmp_path, n) for n in range(6)])) == list(range(6))
    assert 2 <= len(list(tmp_path.iterdir())) <= 4
    end = time.monotonic() + 10
    while "with less (40 MB)" not in caplog.text and time.monotonic() < end:
        time.sleep(0.05)
    assert "(MemoryError: no room; 80 MB)" in caplog.text


def test_workers_killed_for_memory_are_relieved(
    dask: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All shots take less from then on, also in later calls, and no attempt is used up."""
    assert list(dask.map([Killed(tmp_path, n) for n in range(6)])) == list(range(6))
    marks = len(list(tmp_path.iterdir()))
    assert 2 <= marks <= 4
    assert "killed by SIGKILL, as the kernel does when memory runs out" in caplog.text
    assert "with less (40 MB)" in caplog.text
    assert "with less (20 MB)" in caplog.text
    assert list(dask.map([Killed(tmp_path, n) for n in range(3)])) == list(range(3))
    assert len(list(tmp_path.iterdir())) == marks


def test_shots_that_cannot_do_with_less_end_the_call(dask: Any, tmp_path: Path) -> None:
    """After three losses, with what is known and what to do."""
    with pytest.raises(ExecutionError, match="shot task 0 was lost 3 times") as caught:
        list(dask.map([Killed(tmp_path, 0, least=80)]))
    assert "last because its worker was killed by SIGKILL, as the kernel" in str(caught.value)
    assert "lower `execution.workers`, or set `physics.history: auto`" in str(caught.value)
    assert "may have run out" not in str(caught.value)


@pytest.mark.parametrize(("count", "size"), [(6, 1), (20, 16), (75, 128)])
def test_idle_workers_take_the_shots_of_slow_ones(
    dask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, size: int
) -> None:
    """The sum does not wait for them, and has the same bits; nor does the next one."""
    from fwicli.execution.dask import calls

    monkeypatch.setattr(pace, "LEAST", 0.5)
    monkeypatch.setattr(calls, "INTERVAL", 0.1)
    tasks = shots(count, Stuck(tmp_path, {4}))
    finished: list[int] = []
    try:
        totals = [each.values.tobytes() for each in dask.sums(tasks, size, finished.append)]
        assert totals == one_process(tasks, size)
        assert sorted(finished) == list(range(count))
        assert sums(dask, shots(9), 16) == one_process(shots(9), 16)
        assert {path.name for path in tmp_path.iterdir()} == {"stuck-4", "again-4"}
    finally:
        (tmp_path / "free").touch()
    for _ in range(300):
        if (tmp_path / "late-4").exists():
            break
        time.sleep(0.1)
    assert sums(dask, shots(9), 16) == one_process(shots(9), 16)
