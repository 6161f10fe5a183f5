"""What is used below derivatives only is computed block by block, with the same result."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli.propagators.kernels import block_sizes, compilation, generation
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.symbolic import time_step
from tests.propagators.kernels.test_compilation import signature

Make = Callable[..., Any]
PLACES: list[dict[str, Any]] = [{"cells": 0}, {"free": ("x-", "z+")}]
# The second of these has their layer and their surface; each compiles two large kernels.
MORE_PLACES: list[dict[str, Any]] = [{}, {"surface": True}]
EQUATION = "variable_density"


def test_fluxes_live_in_blocks_of_rows() -> None:
    """The slopes over density have no array on the grid; what is summed is still in the cache."""
    kernel = generation.generate(replace(signature("forward", EQUATION), order=8))
    assert not {"a0", "a1"} & {s.name for s in kernel.arrays}
    code = kernel.source
    assert "x0_blk0_size" in code
    # One temporary of a block of rows, one of a single row, both of a thread.
    assert re.search(r"pr\d+_vec\[tid\]\),64,sizeof\(double\)\*\(long\)y_size\*\(7 \+", code)
    assert re.search(r"pr\d+_vec\[tid\]\),64,sizeof\(double\)\*\(7 \+ \(long\)y_size\)\)", code)


def test_history_keeps_what_the_gradient_reads() -> None:
    """For the gradient of density the slopes are kept; for that of velocity they need not be."""
    both = compilation.load(signature("forward", EQUATION, history=True))
    assert {"a0", "a1"} <= {s.name for s in both.arrays}
    only = compilation.load(signature("forward", EQUATION, history=True, parameters=("k",)))
    assert not {"a0", "a1"} & {s.name for s in only.arrays}


@pytest.mark.parametrize(
    "place", [*PLACES, *(pytest.param(p, marks=pytest.mark.slow) for p in MORE_PLACES)], ids=str
)
def test_records_are_those_of_arrays(
    make_setting: Make, place: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To round-off, in the layer and beyond free sides too, for blocks that end anywhere."""
    s = make_setting(2, equation="variable_density", **place)
    s.receivers[0, -1] = s.propagator.grid.origin[-1] + 3.0
    blocked = s.forward()
    monkeypatch.setattr(block_sizes, "ROWS", 7)
    np.testing.assert_array_equal(s.forward(), blocked)
    monkeypatch.setattr(time_step, "block_rows", lambda system, keep: system)
    monkeypatch.setattr(compilation, "load", compilation.build)
    plain = s.forward()
    assert np.linalg.norm(blocked - plain) < 1e-13 * np.linalg.norm(plain)


def test_blocking_is_devitos_own_elsewhere() -> None:
    """Other kernels are generated as before, and so is what comes after."""
    blocks = "_blk0_size"
    # Without a layer, and of low order: such kernels are generated soon.
    for equation, blocked in ((EQUATION, True), ("acoustic", False)):
        small = Signature("forward", equation, (10.0, 12.0), 4, 0, "float64")
        assert (blocks in generation.generate(small).source) == blocked
