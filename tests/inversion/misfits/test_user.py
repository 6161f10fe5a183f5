"""A misfit from a file: what it computes is taken, and what is wrong with it is said."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from fwicli.errors import ConfigError
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.misfits.user import UserMisfit
from tests.inversion.arrivals import INTERVAL, gathers

FILE = """\
import numpy as np

def absolute(synthetic, observed, interval):
    residual = synthetic - observed
    return interval * np.abs(residual).sum(), interval * np.sign(residual)

def value_alone(synthetic, observed, interval):
    return interval * ((synthetic - observed) ** 2).sum() / 2

def constant(synthetic, observed, interval):
    return observed.sum()

def detached(synthetic, observed, interval):
    return (synthetic.detach() - observed).sum()

def many(synthetic, observed, interval):
    return synthetic - observed

def as_long_as_wide(synthetic, observed, interval):
    return 1.0, synthetic.T

def logarithm(synthetic, observed, interval):
    with np.errstate(all="ignore"):
        return np.log(synthetic[0, 0] * 0), 1 / (0 * synthetic)

def failing(synthetic, observed, interval):
    return synthetic @ observed
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "my.py"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def test_derivative_by_hand(file: str) -> None:
    """Value, derivative and scale are what the function says, in a worker as well."""
    synthetic, observed = gathers()
    misfit = pickle.loads(pickle.dumps(UserMisfit(file, "absolute")))
    value, adjoint = misfit(synthetic.astype(np.float32), observed, INTERVAL)
    residual = synthetic.astype(np.float32).astype(float) - observed
    assert value == pytest.approx(INTERVAL * np.abs(residual).sum())
    np.testing.assert_array_equal(adjoint, INTERVAL * np.sign(residual))
    assert misfit.scale(observed, INTERVAL) == pytest.approx(INTERVAL * np.abs(observed).sum())


@pytest.mark.torch
def test_derivative_by_torch(file: str) -> None:
    """The same as by hand; and NumPy arrays go in and out."""
    synthetic, observed = gathers()
    value, adjoint = UserMisfit(file, "value_alone", "torch")(synthetic, observed, INTERVAL)
    expected, residual = LeastSquares()(synthetic, observed, INTERVAL)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(adjoint, residual, rtol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("constant", "does not depend on the synthetic gather"),
        ("detached", "without detach\\(\\)"),
        ("many", r"returned \(4, 90\); .* it must return one number"),
        ("absolute", "failed with RuntimeError: Can.t call numpy"),
    ],
)
def test_mistakes_with_torch(file: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        UserMisfit(file, name, "torch")(*gathers(), INTERVAL)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absolut", "no function `absolut`; it has absolute, value_alone,"),
        ("value_alone", "returned float64; it must return the value and its derivative"),
        ("as_long_as_wide", r"derivative of shape \(90, 4\); it must have .* \(4, 90\)"),
        ("logarithm", r"value is -?(nan|inf), and 360 of 360 samples"),
        ("failing", r"`failing` in .*my.py failed with ValueError: matmul"),
    ],
)
def test_mistakes(file: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        UserMisfit(file, name)(*gathers(), INTERVAL)


def test_files_that_are_none(tmp_path: Path) -> None:
    """Missing, or not Python."""
    with pytest.raises(ConfigError, match=r"cannot read .*none.py"):
        UserMisfit(str(tmp_path / "none.py"), "f").function()
    (tmp_path / "bad.py").write_text("def f(:\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad.py cannot be run: SyntaxError"):
        UserMisfit(str(tmp_path / "bad.py"), "f").function()


def test_without_torch(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is needed only for its derivatives; the message says how to install it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    UserMisfit(file, "absolute")(*gathers(), INTERVAL)
    with pytest.raises(ConfigError, match=r"needs PyTorch.*pip install torch"):
        UserMisfit(file, "value_alone", "torch")(*gathers(), INTERVAL)
