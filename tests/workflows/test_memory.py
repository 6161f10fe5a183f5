"""Runs whose memory runs out go on with less, to the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.propagators.propagator import Propagator
from fwicli.workflows import invert
from tests.workflows.test_invert import result


def test_inversion_without_room_for_its_history_has_the_same_bits(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an evaluation; the log says what was done."""
    kinds: list[str] = []
    images = Propagator.images

    def planted(self: Propagator, *arguments: Any, **options: Any) -> Any:
        kinds.append(self.discretization.history.kind)
        if len(kinds) > 6 and kinds[-1] == "stored":
            raise MemoryError("no room for the history")
        return images(self, *arguments, **options)

    monkeypatch.setattr(Propagator, "images", planted)
    loaded = load(survey / "invert.yaml", settings=["execution.workers=1"])
    invert.run(loaded, tmp_path / "run")
    np.testing.assert_array_equal(result(tmp_path / "run"), result(survey / "whole"))
    assert kinds[:7] == ["stored"] * 7
    assert set(kinds[7:]) == {"checkpoints"}
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "ran out of memory (MemoryError: no room for the history; history: stored, " in log
    assert "are run with less (history: checkpoints, " in log
