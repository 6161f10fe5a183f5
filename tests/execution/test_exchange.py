"""Shots over processes that share no more than a folder."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.disk import beacons
from fwicli.disk.beacons import Beacon
from fwicli.errors import ConfigError, DataError, ExecutionError
from fwicli.execution import InProcess, pace, processes, total
from fwicli.execution.exchange import calls, parcels, place
from fwicli.execution.exchange.calls import Blocks, Tasks
from fwicli.execution.exchange.leader import Leader
from fwicli.execution.exchange.member import Member
from fwicli.execution.exchange.place import Deposed, End, ForeignError, Place
from fwicli.workflows.run_folder import lock
from tests.execution.test_tree import RandomShot

GROUP = {"group": {"code": "1", "settings": {}}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are taken for dead, and look again, sooner than in earnest."""
    monkeypatch.setattr(beacons, "INTERVAL", 0.05)
    monkeypatch.setattr(beacons, "PATIENCE", 1.5)
    monkeypatch.setattr(place, "POLL", 0.05)


def joined(folder: Path) -> Place:
    """A process of an exchange."""
    there = Place(folder, GROUP, lambda _: None)
    there.join()
    return there


def leading(folder: Path) -> Place:
    """The process that leads."""
    there = joined(folder)
    assert there.may_lead()
    assert there.lead()
    return there


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Callable[[int], list[Member]]]:
    """Members that serve in threads of this process."""
    threads = []

    def start(count: int) -> list[Member]:
        several = [Member(joined(tmp_path), InProcess()) for _ in range(count)]
        for member in several:
            threads.append(threading.Thread(target=member.serve))
            threads[-1].start()
        return several

    yield start
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


@dataclass(frozen=True)
class Fails:
    """Raises an error, a number of times."""

    folder: Path
    error: type[Exception]
    times: int = 9

    def __call__(self) -> np.ndarray:
        (self.folder / f"attempt-{len(list(self.folder.iterdir()))}").touch()
        if len(list(self.folder.iterdir())) <= self.times:
            raise self.error("no luck")
        return np.ones(3)


def sleepers(count: int) -> list[Any]:
    return [RandomShot(n) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_sums_have_the_same_bits(
    count: int, members: Callable[[int], list[Member]], tmp_path: Path
) -> None:
    """With one, two and three processes, for one block a shot and for several shots a block."""
    there = leading(tmp_path)
    several = members(count)
    try:
        for shots, workers in ((5, 1), (40, 1), (70, 1), (13, 4)):
            leader, done = Leader(there, InProcess(), workers), list[int]()
            stack = total(leader, sleepers(shots), done.append)
            expected = total(InProcess(), sleepers(shots)).everywhere()["vp"]
            np.testing.assert_array_equal(stack.everywhere()["vp"], expected)
            assert sorted(done) == list(range(shots))
            results = list(leader.map(sleepers(shots)))
            assert [r.window for r in results] == [s().window for s in sleepers(shots)]
    finally:
        there.end(End())
    if several:
        assert sum(member.shots for member in several)
    assert not list(tmp_path.iterdir())


def test_blocks_of_other_sizes_are_refused(tmp_path: Path) -> None:
    """A size that is no power of two has no place in the tree, also where parts of it have."""
    with pytest.raises(ValueError, match="power of two as their size, not 6"):
        Leader(leading(tmp_path), InProcess(), 4).sums(sleepers(13), 6)


def test_a_lost_block_is_claimed_again(tmp_path: Path) -> None:
    """Of a member that is killed with the block in its hands, and one that leaves in order."""
    there = leading(tmp_path)
    expected = total(InProcess(), sleepers(6)).everywhere()["vp"]
    for leave in (False, True):
        lost = joined(tmp_path)
        leader = Leader(there, InProcess(), 1)
        sums = leader.sums(sleepers(6), 1)
        first = next(sums)
        (call,) = calls.posted(there.folder, there.term)
        blocks = Blocks(there.folder, call, 6, lost.beacon)
        blocks.look()
        assert blocks.claim() == (1, 1)
        silence(lost, leave)
        stack = first
        rest = list(sums)
        stack = stack.plus(rest[0]).plus(rest[1].plus(rest[2])).plus(rest[3].plus(rest[4]))
        np.testing.assert_array_equal(stack.everywhere()["vp"], expected)
        # The result of the lost claim comes late, and is no harm.
        parcels.write(blocks.path(1, "result"), None)
    there.end(End())
    assert not list(tmp_path.iterdir())


def silence(lost: Place, leave: bool) -> None:
    """A member that goes: in order, or without a word."""
    beacon = lost._member
    assert beacon is not None
    if leave:
        beacon.leave()
    else:
        beacon._end.set()
        beacon._thread.join()
        os.close(beacon._descriptor)


def test_a_slow_member_does_not_hold_the_others_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is alive, and far slower than the leader: the leader runs its block as well."""
    monkeypatch.setattr(pace, "LEAST", 0.3)
    there, slow = leading(tmp_path), joined(tmp_path)
    expected = total(InProcess(), sleepers(6)).everywhere()["vp"]
    sums = Leader(there, InProcess(), 1).sums(sleepers(6), 1)
    stack = next(sums)
    (call,) = calls.posted(there.folder, there.term)
    blocks = Blocks(there.folder, call, 6, slow.beacon)
    blocks.look()
    assert blocks.claim() == (1, 1)
    rest = list(sums)
    stack = stack.plus(rest[0]).plus(rest[1].plus(rest[2])).plus(rest[3].plus(rest[4]))
    np.testing.assert_array_equal(stack.everywhere()["vp"], expected)
    slow.leave()
    there.end(End())


@dataclass(frozen=True)
class SlowElsewhere:
    """A shot that is quick in one process, and takes minutes in all others."""

    shot: RandomShot
    home: int
    folder: Path

    def __call__(self) -> Any:
        if os.getpid() != self.home:
            (self.folder / f"slow-{self.shot.number}").touch()
            time.sleep(120.0)
        return self.shot()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_leader_does_not_hold_the_others_up(
    workers: int,
    members: Callable[[int], list[Member]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It still leads, and leaves its block to a member; so do later calls, without a new one."""
    monkeypatch.setattr(pace, "LEAST", 2.0)
    monkeypatch.setattr(processes, "INTERVAL", 0.05)
    marks = tmp_path / "marks"
    marks.mkdir()
    there = leading(tmp_path)
    with closing(processes.Processes(workers)) as executor:
        list(executor.map(sleepers(2 * workers)))
        begun = time.monotonic()
        (member,) = members(1)
        leader = Leader(there, executor, workers)
        for _ in range(2):
            tasks = [SlowElsewhere(shot, os.getpid(), marks) for shot in sleepers(12)]
            stack = total(leader, tasks)
            expected = total(InProcess(), sleepers(12)).everywhere()["vp"]
            np.testing.assert_array_equal(stack.everywhere()["vp"], expected)
        assert there.may_lead() is False
        there.end(End())
    assert time.monotonic() - begun < 60
    assert member.shots == 24
    assert len(list(marks.iterdir())) == workers


def test_third_failure_is_the_last(tmp_path: Path) -> None:
    there, marks = leading(tmp_path), tmp_path / "marks"
    marks.mkdir()
    leader = Leader(there, InProcess(), 1)
    assert len(list(leader.map([Fails(marks, RuntimeError, 2)]))) == 1
    with pytest.raises(ExecutionError, match=r"block 1 of 1.*failed 3 times.*no luck") as raised:
        list(leader.map([Fails(marks, RuntimeError)]))
    assert "raise self.error" in str(raised.value.__cause__.__cause__)
    assert len(list(marks.iterdir())) == 6
    there.end(End())


def test_mistakes_of_the_user_are_not_repeated(tmp_path: Path) -> None:
    there, marks = leading(tmp_path), tmp_path / "marks"
    marks.mkdir()
    with pytest.raises(DataError, match="no luck"):
        list(Leader(there, InProcess(), 1).map([Fails(marks, DataError)]))
    assert len(list(marks.iterdir())) == 1
    there.end(End())


def test_members_end_with_the_error_of_the_run(tmp_path: Path) -> None:
    there, member = leading(tmp_path), Member(joined(tmp_path), InProcess())
    parcels.write(there.folder / "ended", End(ForeignError.of(DataError("no luck"))))
    end = member.serve()
    assert end is not None
    assert end.fault is not None
    assert isinstance(end.fault.raised(), DataError)
    there.end(End())


def test_an_earlier_error_is_not_that_of_this_attempt(tmp_path: Path) -> None:
    """Of a leader that was killed after it had failed, with no time to clean up."""
    first = leading(tmp_path)
    parcels.write(first.folder / "ended", End(ForeignError.of(DataError("no luck"))))
    second = joined(tmp_path)
    assert second.ended() is None
    parcels.write(first.folder / "ended", End(ForeignError.of(DataError("no luck"))))
    assert second.ended() is not None
    second.leave()
    first.end(End())


def test_a_node_without_files_leaves(tmp_path: Path) -> None:
    """Its process ends with an error, and another runs the block."""
    there, marks = leading(tmp_path), tmp_path / "marks"
    marks.mkdir()
    results = Leader(there, InProcess(), 1).map([RandomShot(0), Fails(marks, FileNotFoundError, 1)])
    next(results)
    place_of_member = joined(tmp_path)
    with pytest.raises(ExecutionError, match="block 2 of 2 failed here with FileNotFoundError"):
        Member(place_of_member, InProcess()).serve()
    place_of_member.leave()
    assert (next(results) == 1).all()
    results.close()
    there.end(End())


def test_who_was_taken_for_dead_leaves_the_claim_of_another(tmp_path: Path) -> None:
    lock.hold(tmp_path)
    later = Beacon.light(beacons.claim_path(tmp_path, 2), GROUP)
    assert later is not None
    lock.release(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [later.path.name]
    later.leave(remove=True)


def test_another_process_leads_when_the_leader_is_silent(tmp_path: Path) -> None:
    """And the old one learns it, before it posts or takes anything."""
    there, other = leading(tmp_path), joined(tmp_path)
    assert not other.may_lead()
    assert there._claim is not None
    there._claim._end.set()  # as if its node stood still
    there._claim._thread.join()
    while not other.may_lead():
        time.sleep(0.05)
    assert other.lead()
    with pytest.raises(Deposed):
        next(Leader(there, InProcess(), 1).map(sleepers(2)))
    assert len(list(Leader(other, InProcess(), 1).map(sleepers(2)))) == 2
    other.end(End())


def test_only_one_of_many_leads(tmp_path: Path) -> None:
    several = [joined(tmp_path) for _ in range(8)]
    for each in several:
        assert each.may_lead()
    threads, leaders = [], list[Place]()

    def run(each: Place) -> None:
        if each.lead():
            leaders.append(each)

    for each in several:
        threads.append(threading.Thread(target=run, args=(each,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(leaders) == 1
    for each in several:
        each.leave()
    leaders[0].end(End())


def test_clocks_do_not_matter(tmp_path: Path) -> None:
    """A counter that changes is alive, whatever the dates of its file; one that rests is not."""
    now = 0.0
    path = tmp_path / "beacon"
    path.write_text(f"{1:<20}\n{{}}\n")
    os.utime(path, (4e9, 4e9))  # of a node whose clock is decades ahead
    watch = beacons.BeaconWatch(path, lambda: now)
    for count in range(5):
        assert not watch.is_silent()
        path.write_text(f"{count:<20}\n{{}}\n")
        os.utime(path, (1e6, 1e6))
        now += 0.9 * beacons.PATIENCE
    assert not watch.is_silent()
    now += 1.1 * beacons.PATIENCE
    assert watch.is_silent()
    path.write_text(f"{7:<20}\n{{}}\n")
    assert not watch.is_silent()


def test_files_that_are_shown_late(
    monkeypatch: pytest.MonkeyPatch,
    members: Callable[[int], list[Member]],
    tmp_path: Path,
) -> None:
    """Listings without the newest files, and files of which only the beginning is there."""
    there = leading(tmp_path)
    random = np.random.default_rng(3)
    whole = parcels._parts
    listing = Path.iterdir

    def shown(folder: Path) -> Iterator[Path]:
        return iter([path for path in listing(folder) if random.random() < 0.7])

    def beginning(data: memoryview) -> list[memoryview] | None:
        return whole(data[: len(data) - 10] if random.random() < 0.4 else data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", shown)
        patch.setattr(parcels, "_parts", beginning)
        members(2)
        expected = total(InProcess(), sleepers(40)).everywhere()["vp"]
        for _ in range(3):
            stack = total(Leader(there, InProcess(), 1), sleepers(40))
            np.testing.assert_array_equal(stack.everywhere()["vp"], expected)
    there.end(End())


def test_damaged_results_are_computed_again(tmp_path: Path) -> None:
    there = leading(tmp_path)
    results = Leader(there, InProcess(), 1).map(sleepers(3))
    next(results)
    (call,) = calls.posted(there.folder, there.term)
    blocks = Blocks(there.folder, call, 3, there.beacon)
    beacons.create(blocks.path(1, "try-1"), b"exchange/member-0")
    blocks.path(1, "result").write_bytes(b"fwicli01 and nothing of it")
    assert next(results).window == sleepers(3)[1]().window
    results.close()
    there.end(End())


def test_members_of_other_groups_are_refused(tmp_path: Path) -> None:
    there = leading(tmp_path)

    def refuse(_: Any) -> None:
        raise ConfigError("another version")

    with pytest.raises(ConfigError, match="another version"):
        Place(tmp_path, GROUP, refuse).may_lead()
    there.end(End())


def test_tasks_hand_over_common_objects_once(tmp_path: Path) -> None:
    common = {"vp": np.zeros(1000)}
    tasks = Tasks.of([Shared(common, n) for n in range(30)], 1, summed=False)
    assert len(tasks.common) == 1
    parcels.write(tmp_path / "call-000001-000001", tasks)
    assert (tmp_path / "call-000001-000001").stat().st_size < 14_000
    again = calls.read(tmp_path, "000001-000001")
    assert again is not None
    assert [again.run(n, InProcess())[0] for n in range(30)] == list(range(30))


@dataclass(frozen=True)
class Detached:
    """Without the object in common."""

    number: int

    def attached(self, common: dict[str, np.ndarray]) -> Shared:
        return Shared(common, self.number)


@dataclass(frozen=True)
class Shared:
    """A task with an object in common."""

    common: dict[str, np.ndarray]
    number: int

    def __call__(self) -> int:
        return self.number + int(self.common["vp"].sum())

    def detached(self) -> Detached:
        return Detached(self.number)
