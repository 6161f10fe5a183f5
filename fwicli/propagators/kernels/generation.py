"""Generation of kernels: from a signature to a time loop in C, by Devito.

Each kernel is one Devito operator with one time loop (see `time_loops`).
"""

from __future__ import annotations

import ctypes
import gc
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import devito
import numpy as np
from devito import Operator, configuration
from devito.ir.iet import Expression, FindNodes, retrieve_iteration_tree
from devito.symbolics import retrieve_indexed
from devito.types import Timer
from devito.types.dimension import Thickness
from devito.warnings import DevitoWarning

from fwicli.errors import CalculusError
from fwicli.propagators.equations import registry
from fwicli.propagators.kernels import (
    devito_patches,
    packing,
    passes,
    row_functions,
    strips,
    sweeps,
    tiles,
    time_loops,
)
from fwicli.propagators.kernels.array_specs import array_specs
from fwicli.propagators.kernels.kernel import LAYOUT, Kernel, Parameter
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.kernels.transient_fields import transient_fields
from fwicli.propagators.symbolic.elimination import SHARED

configuration["language"] = "openmp"
configuration["log-level"] = "ERROR"

# Grid on which kernels are generated; they run on any.
TEMPLATE_POINTS = 64


@contextmanager
def _uncollected() -> Iterator[None]:
    """Suspend garbage collection, which takes a tenth of the time and frees little."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def template_grid(signature: Signature) -> devito.Grid:
    """A grid on which a signature is stated; its kernel runs on any."""
    points = 2 * (signature.layer + 2 * signature.order) + TEMPLATE_POINTS
    return devito.Grid(
        shape=(points,) * len(signature.spacing),
        extent=tuple(h * (points - 1) for h in signature.spacing),
        dtype=np.dtype(signature.precision).type,
    )


def generate(signature: Signature) -> Kernel:
    """Derive the equations of a signature and generate their code.

    Parameters
    ----------
    signature : Signature

    Returns
    -------
    Kernel
        Without its library.
    """
    with _uncollected():
        operator, arrays = operator_of(signature)
        parameters, source = _parameters(operator), str(operator)
    if LAYOUT not in source:
        raise CalculusError(f"Devito passes arrays to {operator.name} in another way than this")
    return Kernel(signature, operator.name, parameters, arrays, source)


def operator_of(signature: Signature) -> tuple[Any, tuple[ArraySpec, ...]]:
    """Devito's operator of a signature, and the arrays on the grid that it works on.

    Parameters
    ----------
    signature : Signature

    Returns
    -------
    operator : devito.Operator
    arrays : tuple of ArraySpec
    """
    grid = template_grid(signature)
    equations = time_loops.equations(signature, registry.load(signature.equation), grid)
    options: dict[str, Any] = {"par-dynamic-work": np.inf}
    axes, specs = grid.dimensions, tuple(array_specs(equations))
    confined = [] if signature.thin else [s.name for s in specs if s.packed]
    generator = ExitStack()
    with generator:
        generator.enter_context(strict())
        generator.enter_context(devito_patches.patched())
        packed = generator.enter_context(packing.packed(confined, axes))
        generator.enter_context(strips.counted(axes, signature.counted))
        generator.enter_context(tiles.tiled(axes))
        transient = transient_fields(equations, specs)
        generator.enter_context(passes.finished(_checked))
        generator.enter_context(row_functions.outlined(axes))
        rings = generator.enter_context(sweeps.swept(axes, transient))
        operator = Operator(
            equations,
            subs=grid.spacing_map,
            name=f"{signature.equation.partition('@')[0]}_{signature.kind}",
            opt=("advanced", options),
        )
        check_direction(operator, signature.kind != "forward")
    return operator, tuple(
        replace(s, packed=s.name in packed, ring=rings.get(s.name)) for s in specs
    )


def _checked(iet: Any) -> tuple[Any, list[Any]]:
    """The function of a kernel as it is, if it is in order."""
    check_code(iet)
    return iet, []


def _parameters(operator: Any) -> tuple[Parameter, ...]:
    """Arguments of an operator's function."""
    return tuple(_parameter(p) for p in operator.parameters)


def _parameter(p: Any) -> Parameter:
    if isinstance(p, Thickness):
        return Parameter(p.name, "thickness", p.value)
    if isinstance(p, sweeps.PartSize):
        return Parameter(p.name, "rows", p.shift)
    if isinstance(p, Timer):
        return Parameter(p.name, "timers", len(p._C_ctype._type_._fields_))
    if p.is_DiscreteFunction:
        return Parameter(p.name, "array")
    kinds = {ctypes.c_int: "int", ctypes.c_float: "float32", ctypes.c_double: "float64"}
    return Parameter(p.name, kinds[p._C_ctype])


@contextmanager
def strict() -> Iterator[None]:
    """Turn Devito's warnings into errors: each means that something is left out silently."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DevitoWarning)
        yield


def check_direction(operator: Any, backward: bool) -> None:
    """Make sure that the time loop runs backwards, or forwards.

    Parameters
    ----------
    operator : devito.Operator
    backward : bool

    Raises
    ------
    CalculusError
        If it runs the other way: Devito takes the direction from the fields alone.
    """
    first = "time_M" if backward else "time_m"
    if not re.search(rf"for \(int time = {first}[;,]", str(operator.ccode)):
        raise CalculusError(f"Devito runs the time loop of {operator.name} the wrong way")


def check_code(operator: Any) -> None:
    """Make sure that the generated code has one time loop, and loops that are in order.

    Raises
    ------
    CalculusError
        If there are several time loops; if a loop over the grid reads at the neighbours of a point
        what it writes, as it does when loops are fused that must follow each other; or if it reads
        a scalar of another loop.
    """
    loops = str(operator.ccode).count("for (int time =")
    if loops != 1:
        raise CalculusError(f"Devito split {operator.name} into {loops} time loops")
    for tree in retrieve_iteration_tree(operator):
        inside = FindNodes(Expression).visit(tree.inner)
        written = {e.write: e.output for e in inside if e.write is not None}
        shared = {s for e in inside for s in e.expr.rhs.free_symbols if SHARED in s.name}
        if lost := shared - {e.output for e in inside}:
            raise CalculusError(f"Devito computes {lost} of {operator.name} in another loop")
        for access in {a for e in inside for a in retrieve_indexed(e.expr.rhs)}:
            target = written.get(access.function)
            if target is not None and _at_neighbours(access, target, set(tree.dimensions)):
                raise CalculusError(
                    f"Devito fused loops of {operator.name} that must follow each other: one "
                    f"reads {access} while it writes {target}"
                )


def _at_neighbours(read: Any, written: Any, dimensions: set[Any]) -> bool:
    """Whether two accesses at the same time are apart along a dimension that is looped over."""
    time, *_ = read.function.dimensions
    pairs = list(zip(read.indices, written.indices, strict=True))
    if time.is_Time and pairs[0][0] != pairs[0][1]:
        return False
    moving = {d for pair in pairs for i in pair for d in i.free_symbols} & dimensions
    return any(a != b and (a.free_symbols | b.free_symbols) & moving for a, b in pairs)
