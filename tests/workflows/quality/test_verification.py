"""`fwi verify` passes what is exact and finds what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from fwicli import Propagator
from fwicli.cli.verify import command
from fwicli.config.loader import load
from fwicli.workflows.quality import verification

# Spacing, order and layer are those of `make_setting`, so that kernels are compiled once for both.
OPTIONS = [
    "time.duration=0.3",
    "model.spacing=[10, 12]",
    "physics.absorbing.cells=10",
    "physics.order=4",
    "wavelet.frequency=8",
]


# Slow: seven kernels of this test alone; `test_sides` has operators between free sides.
@pytest.mark.parametrize("surface", ["false", pytest.param("true", marks=pytest.mark.slow)])
def test_exact_operators_pass(survey: Path, surface: str) -> None:
    """With a free surface and a coarse grid of its own, too."""
    settings = [*OPTIONS, f"physics.free_surface={surface}"]
    assert all(v.good for v in verification.run(load(survey / "model.yaml", settings=settings)))


@pytest.mark.parametrize(
    ("operator", "caught"),
    [
        ("adjoint", {"adjoint of F"}),
        ("jacobian", {"adjoint of J", "J is the derivative of F (slope 2)"}),
        ("curvature", {"H is the derivative of the gradient (slope 2)"}),
    ],
)
def test_broken_operator_fails(
    survey: Path, monkeypatch: pytest.MonkeyPatch, operator: str, caught: set[str]
) -> None:
    """An operator that is wrong by a thousandth is found, and the command says so."""
    good = getattr(Propagator, operator)

    def broken(self: Any, *args: Any, **options: Any) -> Any:
        result = good(self, *args, **options)
        if operator == "curvature":
            product = {n: 1.001 * v for n, v in result.product.items()}
            return replace(result, gradients=dict.fromkeys(result.gradients, product))
        if isinstance(result, dict):
            return {name: 1.001 * np.asarray(value) for name, value in result.items()}
        return 1.001 * result

    monkeypatch.setattr(Propagator, operator, broken)
    settings = [part for option in OPTIONS for part in ("--set", option)]
    done = CliRunner().invoke(command, [str(survey / "model.yaml"), *settings])
    assert done.exit_code == 1
    failed = {line[8:54].strip() for line in done.output.splitlines() if "FAILED" in line}
    assert failed == caught


def test_records_are_shortened_to_the_memory(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller budget tests fewer samples, down to the shortest record."""
    seen: list[int] = []
    monkeypatch.setattr(
        verification.Verification, "run", lambda self: seen.append(self.gather.shape[1])
    )
    for budget in (1e12, 3e7, 1.0):
        monkeypatch.setattr(verification, "BUDGET", budget)
        verification.run(load(survey / "model.yaml"))
    assert seen[0] == 151
    assert seen[0] > seen[1] > seen[2] == verification.SHORTEST
