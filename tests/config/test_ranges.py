"""Lines of positions and selections of shots: what leads nowhere is refused, the rest is used."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.geometry import LineSection
from fwicli.config.loader import ProblemsError, load
from fwicli.errors import DataError
from fwicli.files.records import _check_selection
from fwicli.workflows.assembly import points

CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
data: {file: shots.h5}
inversion: {bounds: [1500, 3000], stages: [{band: [0, 10]}]}
"""


def values(line: dict[str, Any]) -> np.ndarray:
    return points._values(
        LineSection.model_validate({k: v for k, v in line.items() if v is not None})
    )


STARTS, STOPS = (0.0, 800.0, -50.0), (800.0, 200.0, 0.0, -50.0)
STEPS, COUNTS = (300.0, -300.0, 70.0, 0.0, 1e4, -1e4), (1, 2, 5)
LINES = [
    {"start": start, "stop": stop, "step": step, "count": count}
    for start, stop in itertools.product(STARTS, STOPS)
    for step, count in [*((s, None) for s in STEPS), *((None, c) for c in COUNTS)]
]


@pytest.mark.parametrize("line", LINES, ids=str)
def test_line(line: dict[str, Any]) -> None:
    """Points from start towards stop, all of them different, or what to type instead."""
    try:
        points = values(line)
    except ValueError as error:
        advised = re.search(r"set `(step|count): (-?[0-9.e+]+)`", str(error))
        if advised:
            name, value = advised.groups()
            number = int(value) if name == "count" else float(value)
            assert values(line | {name: number}).size >= 2
        return
    start, stop = line["start"], line["stop"]
    assert points[0] == start
    assert ((points - start) * (points - stop) <= 0).all()
    if start != stop:  # a line across this one counts its points
        assert np.unique(points).size == points.size
    if line["step"] is None:
        assert points.size == line["count"]
        assert points[-1] == (stop if points.size > 1 else start)
    else:
        np.testing.assert_allclose(np.diff(points), line["step"])
        assert abs(stop - points[-1]) < abs(line["step"])


def test_step_that_almost_divides() -> None:
    """Round-off takes no point away from the end."""
    assert values({"start": 0.0, "stop": 1.0, "step": 0.1}).size == 11
    assert values({"start": 1.0, "stop": 0.0, "step": -0.1}).size == 11


def selection(folder: Path, text: str) -> slice:
    (folder / "invert.yaml").write_text(CONFIG, encoding="utf-8")
    shots = load(folder / "invert.yaml", settings=[f"data.shots={text}"]).config.data.selection()
    assert isinstance(shots, slice)
    return shots


@pytest.mark.parametrize(
    ("text", "shots"),
    [
        ("1:", [1, 2, 3, 4]),
        (":", [0, 1, 2, 3, 4]),
        (":2", [0, 1]),
        ("-2:", [3, 4]),
        ("3", [3]),
        ("-1", [4]),
        ("'1:'", [1, 2, 3, 4]),
        ("1::", [1, 2, 3, 4]),
        ("::2", [0, 2, 4]),
        ("::-1", [4, 3, 2, 1, 0]),
        ("1 : 3", [1, 2]),
        ("0:99", [0, 1, 2, 3, 4]),
    ],
)
def test_selection(text: str, shots: list[int], tmp_path: Path) -> None:
    """As Python has it, whatever YAML makes of what was typed."""
    assert list(range(5))[selection(tmp_path, text)] == shots


@pytest.mark.parametrize(
    "text", ["::0", "a:", "[0, 1]", "0.5", "true", "''", "0:1:2:3", "{}", "{a: b, c: d}", "1:2.5"]
)
def test_no_selection(text: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"data\.shots: .*start:stop:step"):
        selection(tmp_path, text)


@pytest.mark.parametrize("text", ["5:2", "7", "5:", "1:1", "-9", ":0", "0:4:-1"])
def test_selection_of_nothing(text: str, tmp_path: Path) -> None:
    """The message says how many there are, and what it advises selects all."""
    with pytest.raises(DataError, match=r"has 5 shots, .* none of them is selected") as caught:
        _check_selection(Path("shots.h5"), selection(tmp_path, text), 5)
    advised = str(caught.value).rpartition("as in `")[2].rstrip("`")
    assert list(range(5))[selection(tmp_path, advised)] == [0, 1, 2, 3, 4]
