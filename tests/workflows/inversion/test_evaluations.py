"""Evaluations on disk: found again, and only those that are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwicli.workflows.inversion.evaluations import EvaluationCache

X = np.arange(6.0).reshape(2, 3)


class Counted:
    """Makes an entry, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"value": np.asarray(0.1 * self.calls), "gradient": X / 3}


def test_an_evaluation_is_done_once(tmp_path: Path) -> None:
    """By another process, too, to the last bit; another place or name is another evaluation."""
    make = Counted()
    first = EvaluationCache(tmp_path / "journal").recall("0 gradient", (X,), make)
    again = EvaluationCache(tmp_path / "journal").recall("0 gradient", (X.copy(),), make)
    assert make.calls == 1
    for name in ("value", "gradient"):
        np.testing.assert_array_equal(again[name], first[name])
    for what, at in (("1 gradient", X), ("0 gradient", X + 1e-15), ("0 gradient", X.T)):
        before = make.calls
        EvaluationCache(tmp_path / "journal").recall(what, (at,), make)
        assert make.calls == before + 1


def test_what_is_not_whole_is_done_again(tmp_path: Path) -> None:
    journal, make = EvaluationCache(tmp_path / "journal"), Counted()
    journal.recall("0", (X,), make)
    (path,) = journal.folder.glob("*.npz")
    for damaged in (path.read_bytes()[:100], b""):
        path.write_bytes(damaged)
        journal.recall("0", (X,), make)
    assert make.calls == 3


def test_nothing_is_left(tmp_path: Path) -> None:
    journal, make = EvaluationCache(tmp_path / "journal"), Counted()
    journal.recall("0", (X,), make)
    journal.clear()
    assert not journal.folder.exists()
    journal.clear()
