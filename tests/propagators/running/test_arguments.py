"""Arguments of kernels are those that Devito would give."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from fwicli.propagators.kernels import generation
from fwicli.propagators.kernels.kernel import ArrayArgument, Kernel

Make = Callable[..., Any]


def numbers(arguments: Mapping[str, Any]) -> dict[str, float]:
    """Those that are numbers, as they are passed."""
    return {n: float(v) for n, v in arguments.items() if isinstance(v, int | float | np.number)}


# Blocks of rows and threads of several kinds are in the larger kernel alone.
@pytest.mark.parametrize(
    "equation", [pytest.param("acoustic", marks=pytest.mark.slow), "variable_density"]
)
def test_devito_gives_the_same(
    make_setting: Make, equation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounds of all loops, and the shapes of arrays, which it takes from the arrays themselves."""
    taken: list[tuple[Kernel, dict[str, Any], dict[str, Any]]] = []
    arguments = Kernel.arguments

    def noting(kernel: Kernel, arrays: Any, values: Any) -> dict[str, Any]:
        taken.append((kernel, dict(arrays), arguments(kernel, arrays, values)))
        return taken[-1][-1]

    monkeypatch.setattr(Kernel, "arguments", noting)
    s = make_setting(equation=equation)
    s.forward()
    s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert [k.signature.kind for k, *_ in taken] == ["forward", "adjoint"]
    for kernel, arrays, ours in taken:
        operator, _ = generation.operator_of(kernel.signature)
        # Rows are longer in memory than the grid; threads, steps and the layer are the run's.
        own = ("_blk", "_part", "tkn")
        stated = ("y_M", "dt", "time_m", "time_M", "nthreads", "nthreads_nonaffine")
        given = {n: v for n, v in ours.items() if n in stated or any(w in n for w in own)}
        parameters = [p.name for p in operator.parameters]
        assert parameters == [p.name for p in kernel.parameters]
        # Devito knows no arrays that are packed, and no rings of rows: such fields have all points.
        short = {a.name for a in kernel.arrays if a.packed or a.ring is not None}
        whole = next(arrays[a.name].shape for a in kernel.arrays if a.kind == "model")
        passed = {n: a for n, a in arrays.items() if n in parameters}
        passed |= {n: np.zeros((len(arrays[n]), *whole), arrays[n].dtype) for n in short}
        theirs = operator.arguments(**passed, **given)
        assert numbers(ours) == pytest.approx({n: numbers(theirs)[n] for n in numbers(ours)})
        for name, argument in ours.items():
            if isinstance(argument, ArrayArgument) and name not in short:
                shape = [argument.size[axis] for axis in range(arrays[name].ndim)]
                address = ctypes.cast(theirs[name]._obj.data, ctypes.c_void_p).value
                assert (shape, argument.data) == (
                    [theirs[name]._obj.size[axis] for axis in range(arrays[name].ndim)],
                    address,
                )
