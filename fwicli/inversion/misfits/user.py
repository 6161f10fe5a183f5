"""A misfit written by the user: a function in a Python file.

    def f(synthetic, observed, interval):

It compares two gathers of shape (n_receivers, samples), sampled at an interval [s]. It returns the
value and its derivative with respect to the synthetic gather, as float64 arrays. With
`derivative: torch` it returns the value alone, computed from tensors, and PyTorch differentiates
it. It must depend on nothing else: it runs in several processes, and again when a run is resumed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.misfits.misfit import Misfit

Array = NDArray[Any]

DERIVATIVES = ("own", "torch")


@dataclass(frozen=True)
class UserMisfit(Misfit):
    """A misfit that calls the user's function.

    Parameters
    ----------
    file : str
        Path of the Python file.
    name : str
        Name of the function.
    derivative : str
        "own" if the function returns its derivative, "torch" if PyTorch computes it.
    """

    file: str
    name: str
    derivative: str = "own"

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather.

        Raises
        ------
        ConfigError
            If the function is missing, fails, or returns something else than it should.
        """
        function = self.function()
        compare = _by_torch if self.derivative == "torch" else _by_hand
        s, d = synthetic.astype(np.float64), observed.astype(np.float64)
        try:
            value, derivative = compare(function, s, d, interval)
        except _WrongError as error:
            raise ConfigError(f"the misfit {self._where} {error}") from error
        except Exception as error:
            raise ConfigError(
                f"the misfit {self._where} failed with {type(error).__name__}: {error}"
            ) from error
        if derivative.shape != s.shape:
            raise ConfigError(
                f"the misfit {self._where} returned a derivative of shape {derivative.shape}; it "
                f"must have that of the gathers, {s.shape}"
            )
        if not math.isfinite(value) or not np.isfinite(derivative).all():
            raise ConfigError(
                f"the misfit {self._where} is not finite: its value is {value:g}, and "
                f"{int((~np.isfinite(derivative)).sum())} of {derivative.size} samples of its "
                f"derivative are not; guard divisions and roots against traces that are zero"
            )
        return value, derivative

    def scale(self, observed: Array, interval: float) -> float:
        """Absolute value for a gather of zeros.

        Raises
        ------
        ConfigError
            If the function is missing, fails, or returns something else than it should.
        """
        return abs(self(np.zeros_like(observed), observed, interval)[0])

    def function(self) -> Callable[..., Any]:
        """The function itself.

        Raises
        ------
        ConfigError
            If file or function are missing, or the file cannot be run.
        """
        module = _module(self.file)
        function = getattr(module, self.name, None)
        if callable(function):
            return function  # type: ignore[no-any-return]
        names = [n for n, v in vars(module).items() if _defined(v, module)]
        raise ConfigError(
            f"{self.file} has no function `{self.name}`; "
            + (f"it has {', '.join(names)}" if names else "it defines none")
        )

    @property
    def _where(self) -> str:
        return f"`{self.name}` in {self.file}"


class _WrongError(Exception):
    """The function returned something else than it should."""


@lru_cache
def _module(file: str) -> ModuleType:
    """Run a Python file, once in a process."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None or not Path(file).is_file():
        raise ConfigError(f"cannot read {file}; `file` must be a Python file, as in my.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    return module


def _defined(value: Any, module: ModuleType) -> bool:
    """Whether a value is a function of the module itself."""
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _by_hand(
    function: Callable[..., Any], s: Array, d: Array, interval: float
) -> tuple[float, Array]:
    """Value and derivative as the function returns them."""
    result = function(s, d, interval)
    if not isinstance(result, tuple) or len(result) != 2:
        raise _WrongError(
            f"returned {type(result).__name__}; it must return the value and its derivative, or "
            f"the value alone with `derivative: torch`"
        )
    return float(result[0]), np.asarray(result[1], dtype=np.float64)


def _by_torch(
    function: Callable[..., Any], s: Array, d: Array, interval: float
) -> tuple[float, Array]:
    """Value of the function, and its derivative by reverse differentiation."""
    try:
        import torch  # optional, and slow to import
    except ImportError:
        raise _WrongError(
            "needs PyTorch, which is not installed: pip install torch, or return the derivative "
            "as well and leave out `derivative: torch`"
        ) from None
    synthetic = torch.from_numpy(s).requires_grad_()
    value = function(synthetic, torch.from_numpy(d), interval)
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        kind = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise _WrongError(
            f"returned {kind}; with `derivative: torch` it must return one number, "
            f"a tensor, as in ((synthetic - observed)**2).sum()"
        )
    if not value.requires_grad:
        raise _WrongError(
            "returned a value that does not depend on the synthetic gather; use "
            "operations of torch from it to the value, without detach() or numpy()"
        )
    (derivative,) = torch.autograd.grad(value, synthetic, allow_unused=True)
    if derivative is None:
        raise _WrongError("returned a value that does not depend on the synthetic gather")
    return float(value.detach()), derivative.numpy()
