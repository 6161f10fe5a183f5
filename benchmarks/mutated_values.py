"""Part of `mutated_inputs.py`: arrays as another program, or a mistake, may have left them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rng = np.random.Generator


def _some(values: Array, rng: Rng, new: Any) -> Array:
    changed = np.array(values, dtype=float)
    if changed.size:
        changed.reshape(-1)[rng.integers(changed.size)] = new
    return changed


def _compound(values: Array) -> Array:
    made = np.zeros(np.shape(values), dtype=[("re", "f4"), ("im", "f4")])
    made["re"] = values
    return made


def _cut(values: Array, rng: Rng) -> Array:
    if not np.ndim(values):
        return values
    axis = int(rng.integers(np.ndim(values)))
    count = int(rng.integers(np.shape(values)[axis] + 1))
    return np.take(values, np.arange(count), axis)


def _longer(values: Array, rng: Rng) -> Array:
    if not np.ndim(values):
        return np.repeat(values, 3)
    return np.concatenate([values, values], axis=int(rng.integers(np.ndim(values))))


VALUES: dict[str, Callable[[Array], Any]] = {
    "scalar": lambda v: np.ravel(v)[0] if np.size(v) else 0.0,
    "array of one": lambda v: np.ravel(v)[:1],
    "axis in front": lambda v: np.asarray(v)[None],
    "axis behind": lambda v: np.asarray(v)[..., None],
    "two axes more": lambda v: np.asarray(v)[None, ..., None],
    "transposed": np.transpose,
    "flat": np.ravel,
    "first axis dropped": lambda v: v[0] if np.ndim(v) and len(v) else v,
    "repeated rows": lambda v: np.stack([v, v, v]),
    "no values, axes kept": lambda v: np.zeros((0, *np.shape(v)[1:])),
    "NaN": lambda v: np.full(np.shape(v), np.nan),
    "zeros": lambda v: np.zeros(np.shape(v)),
    "negative": lambda v: -np.asarray(v, dtype=float),
    "in km": lambda v: np.asarray(v) / 1000,
    "in mm": lambda v: np.asarray(v) * 1000,
    "1e30": lambda v: np.full(np.shape(v), 1e30),
    "1e-300": lambda v: np.full(np.shape(v), 1e-300),
    "complex": lambda v: np.asarray(v).astype(complex),
    "imaginary": lambda v: np.asarray(v) * 1j,
    "compound": _compound,
    "text": lambda v: np.asarray(v).astype("S12"),
    "words": lambda v: np.full(np.shape(v), b"water"),
    "bool": lambda v: np.asarray(v) > 0,
    "int64": lambda v: np.nan_to_num(np.asarray(v)).astype(np.int64),
    "uint8": lambda v: np.clip(np.nan_to_num(np.asarray(v)), 0, 255).astype(np.uint8),
    "float16": lambda v: np.asarray(v).astype(np.float16),
    "big-endian": lambda v: np.asarray(v).astype(">f8"),
    "long double": lambda v: np.asarray(v).astype(np.longdouble),
}
DRAWN: dict[str, Callable[[Array, Rng], Any]] = {
    "cut": _cut,
    "longer": _longer,
    "one NaN": lambda v, rng: _some(v, rng, np.nan),
    "one infinite": lambda v, rng: _some(v, rng, np.inf),
    "one zero": lambda v, rng: _some(v, rng, 0.0),
    "one negative": lambda v, rng: _some(v, rng, -1.0),
    "one 1e300": lambda v, rng: _some(v, rng, 1e300),
    "noise": lambda v, rng: rng.standard_normal(np.shape(v)),
    "bits": lambda v, rng: np.frombuffer(rng.bytes(8 * max(np.size(v), 1))),
}


def changed(kind: str, values: Array, rng: Rng) -> Any:
    """Values of another shape, size or type."""
    return DRAWN[kind](values, rng) if kind in DRAWN else VALUES[kind](values)
