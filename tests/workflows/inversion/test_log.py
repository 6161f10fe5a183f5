"""Numbers in the log of an inversion keep their meaning."""

from __future__ import annotations

import logging
import re

import pytest

from fwicli.workflows.inversion.run import _log_step


@pytest.mark.parametrize("value", [3.21e-9, 5.16185e-5, 0.0594078, 0.99996, 12.5])
def test_small_numbers_are_not_shown_as_zero(value: float) -> None:
    """Misfits and model errors parse back to four digits."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("fwicli")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        step = {"stage": 1, "iteration": 2, "evaluations": 3, "misfit": value}
        _log_step({**step, "model_error": value, "model_error_rho": value})
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    (line,) = lines
    numbers = re.findall(r"(?:misfit|model error(?: rho)?) ([\d.e+-]+)", line)
    assert [float(n) for n in numbers] == pytest.approx(3 * [value], rel=1e-3)
