"""Compiled time loops: built once per signature, kept in the process and on disk.

A kernel is one Devito operator with one time loop (see `time_loops`). It holds no array, no grid
size and, in most cases, no thickness of the layer. A run gives these. Kernels are kept in a cache
(see `cache`), under a key that contains everything that the generated code depends on, each with
its compiled library. Where there is no compiler, one will do that another compiler made.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import pickle
import platform
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import devito
import numpy as np
from devito import Operator, configuration
from devito.ir.iet import Expression, FindNodes, retrieve_iteration_tree
from devito.symbolics import retrieve_indexed
from devito.types.dimension import Thickness
from devito.warnings import DevitoWarning

from fwicli.errors import CalculusError, CompilerError
from fwicli.propagators.equations import registry
from fwicli.propagators.kernels import (
    cache,
    devito_patches,
    library,
    origins,
    packing,
    tiles,
    time_loops,
    toolchain,
)
from fwicli.propagators.kernels.array_specs import array_specs
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.symbolic import blocking
from fwicli.propagators.symbolic.elimination import SHARED
from fwicli.threads import locks

configuration["language"] = "openmp"
configuration["log-level"] = "ERROR"

# Names of arrays to which every step of a kernel adds begin with one of these.
ACCUMULATED = ("gradient_", "image_", "sum_")
# Of these, those from which others are made after the last step, begin with this.
DERIVED = "sum_"
# Grid on which kernels are generated; they run on any.
TEMPLATE_POINTS = 64
# Cells of the layer with which kernels are generated that run with any.
TEMPLATE_LAYER = 10


@dataclass(frozen=True)
class Kernel:
    """An operator, the arrays that it needs, and its compiled code; none before it is compiled.

    Attributes
    ----------
    signature : Signature
    operator : devito.Operator
    arrays : tuple of ArraySpec
    code : bytes
    thicker : int
        Cells of the layer beyond those with which the operator was generated.
    """

    signature: Signature
    operator: Any
    arrays: tuple[ArraySpec, ...]
    code: bytes = b""
    thicker: int = 0

    @functools.cached_property
    def function(self) -> Any:
        """The compiled function; its arguments are those of the operator, in their order.

        Raises
        ------
        CompilerError
            If the library cannot be loaded here.
        """
        function = getattr(library.load(self.code), self.operator.name)
        function.argtypes = [p._C_ctype for p in self.operator.parameters]
        return function

    @property
    def thicknesses(self) -> dict[str, int]:
        """Thicknesses of the strips of the layer, by the names of the operator's arguments."""
        strips = (p for p in self.operator.parameters if isinstance(p, Thickness))
        return {p.name: p.value + self.thicker for p in strips}

    def with_layer(self, cells: int) -> Kernel:
        """The same code for a layer of another thickness."""
        more = cells - self.signature.layer
        if not more:
            return self
        kernel = replace(
            self,
            signature=replace(self.signature, layer=cells),
            arrays=tuple(spec.thickened(more) for spec in self.arrays),
            thicker=self.thicker + more,
        )
        kernel.__dict__["function"] = self.function
        return kernel

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "function"}


@functools.cache
def load(signature: Signature) -> Kernel:
    """The kernel of a signature: from this process, from disk, or built now.

    Of several processes that need the same kernel at the same time, one builds it; of several
    threads, one after the other.

    Raises
    ------
    CompilerError
        If it is not on disk, and there is no compiler or it fails.
    """
    path = _path(signature)
    with locks.DEVITO:
        kernel = _stored(signature)
        if kernel is None:
            with cache.alone(path.name):
                kernel = _stored(signature)
                if kernel is None:
                    kernel = build(template(signature))
                    cache.write(path.name, pickle.dumps(kernel))
    return kernel.with_layer(signature.layer)


def template(signature: Signature) -> Signature:
    """The signature whose kernel is run: one layer stands for all where the code is the same.

    Code that keeps the fields in the layer counts its cells.
    """
    counted = signature.edges or signature.kind == "reverse"
    if counted or not signature.layer:
        return signature
    return replace(signature, layer=TEMPLATE_LAYER)


def _stored(signature: Signature) -> Kernel | None:
    """A kernel on disk that can be loaded here, made by the compiler that there is, if any is."""
    names = [_path(signature).name]
    if _compiler() is None:
        names += cache.names(_key(signature))
    return next((k for k in map(_read, map(Path, names)) if k is not None), None)


def _read(path: Path) -> Kernel | None:
    """A kernel on disk, if it is there and can be loaded here."""
    data = cache.read(path.name)
    if data is None:
        return None
    try:
        kernel: Kernel = pickle.loads(data)
        _ = kernel.function
    except (CompilerError, pickle.UnpicklingError, EOFError, AttributeError, ImportError):
        return None
    return kernel


def prepare(signature: Signature) -> None:
    """Make sure that the kernel of a signature is on disk."""
    load(signature)


def is_cached(signature: Signature) -> bool:
    """Whether the kernel of a signature is on disk, from the compiler that there is, if any is."""
    names = cache.names(_key(signature))
    return bool(names) if _compiler() is None else _path(signature).name in names


def _path(signature: Signature) -> Path:
    """Where a kernel is written, of the compiler that there is."""
    compiler = hashlib.sha256(str(_compiler()).encode()).hexdigest()[:8]
    return (cache.folder() or Path()) / f"{_key(signature)}-{compiler}.kernel"


def _key(signature: Signature) -> str:
    """Digest of a signature and all other inputs of the generated code but the compiler."""
    inputs = f"{asdict(template(signature))}{_generator()}"
    return hashlib.sha256(inputs.encode()).hexdigest()[:32]


def _compiler() -> str | None:
    """The compiler of this machine, with its version and flags; None without a compiler."""
    try:
        chosen = toolchain.compiler()
    except CompilerError:
        return None
    version = toolchain.version(chosen.command)
    return None if version is None else f"{chosen} {version}"


@functools.cache
def _generator() -> str:
    """Versions of Python and Devito, the processor, and this package's generator."""
    parts = [devito.__version__, _processor(), platform.python_version()]
    return "|".join([*parts, origins.digest("kernels.compilation")])


def _processor() -> str:
    """Instruction set of this machine: kernels are compiled for it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return line
    return platform.processor()


def build(signature: Signature) -> Kernel:
    """Derive, generate and compile the kernel of a signature.

    Raises
    ------
    CompilerError
        If there is no compiler, or it fails.
    """
    toolchain.check()
    with _uncollected():
        kernel = generate(signature)
    # The operator's inputs are large, and not needed to run it.
    kernel.operator._args = None
    kernel = replace(kernel, code=toolchain.compiled(str(kernel.operator)))
    _ = kernel.function
    return kernel


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
    """Derive the equations of a signature and generate their code."""
    grid = template_grid(signature)
    equations = time_loops.equations(signature, registry.load(signature.equation), grid)
    options: dict[str, Any] = {"par-dynamic-work": np.inf}
    blocked = blocking.is_blocked(equations)
    if blocked:
        options |= {"blocklevels": 1, "min-storage": True}
    axes, specs = grid.dimensions, tuple(array_specs(equations))
    confined = [s.name for s in specs if {axis for axis, *_ in s.strips} == {len(axes) - 1}]
    confined = [] if signature.thin else confined
    generator = ExitStack()
    with generator:
        generator.enter_context(strict())
        generator.enter_context(devito_patches.patched(blocked))
        packed = generator.enter_context(packing.packed(confined, axes))
        generator.enter_context(tiles.tiled(axes))
        operator = Operator(
            equations,
            subs=grid.spacing_map,
            name=f"{signature.equation.partition('@')[0]}_{signature.kind}",
            opt=("advanced", options),
        )
        check_code(operator)
        check_direction(operator, signature.kind != "forward")
    specs = tuple(replace(s, packed=s.name in packed) for s in specs)
    return Kernel(signature, operator, specs)


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
