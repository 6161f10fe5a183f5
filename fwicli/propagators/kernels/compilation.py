"""Compiled time loops: built once per signature, kept in the process and on disk.

A kernel is one function with one time loop (see `time_loops`). It holds no array, no grid size and,
in most cases, no thickness of the layer. A run gives these. Kernels are kept in a cache (see
`cache`), under a key that contains everything that the generated code depends on, each with its
compiled library. Where there is no compiler, one will do that another compiler made.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pickle
import platform
from dataclasses import asdict, replace
from pathlib import Path

from fwicli.disk import cache
from fwicli.errors import CompilerError
from fwicli.propagators.absorbing import strip_points
from fwicli.propagators.equations import own, registry
from fwicli.propagators.kernels import origins, toolchain
from fwicli.propagators.kernels.kernel import Kernel
from fwicli.propagators.kernels.signature import Signature
from fwicli.threads import locks

# Cells of the layer with which kernels are generated that run with any.
TEMPLATE_LAYER = 10
# Arrays of a forward run of equations whose kernels are worth one for each thickness of the layer:
# it saves 14 to 21 % of the time of `tti`, 10 % of that of `viscoelastic`, and none of `elastic`.
MANY_ARRAYS = 30
# Points of a strip that are whole vectors of single precision: with others, a length that the
# compiler knows gains nothing.
WHOLE = 8


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

    Code that keeps the fields in the layer counts its cells; so does code that is faster for it.
    """
    keeps = signature.edges or signature.kind == "reverse"
    if keeps or not signature.layer:
        return signature
    if _is_worth_counting(signature):
        return replace(signature, counted=True)
    return replace(signature, layer=TEMPLATE_LAYER)


def _is_worth_counting(signature: Signature) -> bool:
    """Whether a kernel of a plane for one thickness of the layer is faster than one for any."""
    points, ndim = strip_points(signature.layer, signature.order), len(signature.spacing)
    if ndim != 2 or signature.precision != "float32":
        return False
    if points % WHOLE or points < 2 * WHOLE:
        return False
    if isinstance(signature.equation, own.OwnEquation):
        return False  # its arrays are counted in kernels
    return registry.load(signature.equation).footprint(ndim).forward >= MANY_ARRAYS


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
    parts = [importlib.metadata.version("devito"), toolchain.processor(), platform.python_version()]
    return "|".join([*parts, origins.digest("kernels.generation")])


def build(signature: Signature) -> Kernel:
    """Derive, generate and compile the kernel of a signature.

    Raises
    ------
    CompilerError
        If there is no compiler, or it fails.
    """
    from fwicli.propagators.kernels import generation  # late: what is on disk needs no Devito

    toolchain.check()
    kernel = generation.generate(signature)
    kernel = replace(kernel, code=toolchain.compiled(kernel.source))
    _ = kernel.function
    return kernel
