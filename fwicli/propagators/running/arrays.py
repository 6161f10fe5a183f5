"""Arrays of kernels: with a halo, the absorbing layer around the model, aligned in memory.

Model values are extended into the layer by their values at the edge, E p; the gradient on the
model's grid is E^T of that on the grid with the layer: what lies in the layer adds to the edge.

Beyond a free side of zero pressure the model is its own mirror image. The sum for a point on such a
side is the derivative for the model and its image together; half of it belongs to the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.absorbing import strip_points, walls
from fwicli.propagators.checks.loaded_model import LoadedModel
from fwicli.propagators.equations import registry
from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.arguments import Prepared
from fwicli.propagators.running.lines import line
from fwicli.propagators.sampling import memory
from fwicli.propagators.sampling.memory import ALIGNMENT
from fwicli.threads import passes

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]
# Axis, side and thickness of each (see `ArraySpec`); none for the whole grid.
Strips = tuple[tuple[int, str, int], ...]


class GridArrays:
    """Arrays of one discretization, allocated on first use and reused for the next shot.

    Parameters
    ----------
    discretization : Discretization
    steps : int
        Time steps of a propagation.
    """

    def __init__(self, discretization: Discretization, steps: int) -> None:
        self.discretization = discretization
        self.steps = steps
        self._dtype = np.dtype(discretization.precision)
        self._pads = discretization.layer.pads(discretization.grid.ndim)
        self._walls = walls(discretization.layer.free, discretization.grid.ndim)
        equation = registry.load(discretization.equation)
        self._images = self._walls if equation.free_sides else walls((), discretization.grid.ndim)
        self.shape = discretization.layer.padded(discretization.grid.shape)
        self.allocated = memory.allocated(self.shape, discretization.order, self._dtype.itemsize)
        self._arrays: dict[tuple[str, tuple[int, ...]], Array] = {}
        # Strips to which the values of an array are confined.
        self._strips: dict[tuple[str, tuple[int, ...]], Strips] = {}
        self.prepared = Prepared()
        self.model = LoadedModel(discretization.threads)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays on the grid [bytes]."""
        return sum(a.nbytes for a in self._arrays.values())

    def aligned(self, values: Array, dtype: Any = None) -> Array:
        """A contiguous copy that starts where vector instructions may load from.

        Parameters
        ----------
        values : ndarray
        dtype : dtype, optional
            By default the precision of the discretization.

        Returns
        -------
        ndarray
        """
        array = _empty(values.shape, np.dtype(dtype or self._dtype))
        array[...] = values
        return array

    def array(self, spec: ArraySpec) -> Array:
        """The array of a specification, allocated once for all kernels."""
        halo, shape = 2 * spec.space_order, self.shape_of(spec)
        key = (spec.name, shape)
        if key not in self._arrays:
            self._arrays[key] = _empty(shape, self._dtype, 0 if spec.kind == "line" else halo // 2)
            self._arrays[key][...] = 0
            if spec.kind == "line":
                self._set_line(spec, self._arrays[key])
            elif spec.kind == "cut":
                inside = tuple(slice(spec.space_order, spec.space_order + n) for n in self.shape)
                self._arrays[key][inside] = self.discretization.cut_cells.array(spec.name)
        # Kernels that share an array might write on unequal strips of it.
        if self._strips.setdefault(key, spec.strips) != spec.strips:
            self._strips[key] = ()
        return self._arrays[key]

    def shape_of(self, spec: ArraySpec) -> tuple[int, ...]:
        """Shape of the array of a specification."""
        shape = tuple(n + 2 * spec.space_order for n in self.allocated)
        if spec.kind == "line":
            return (shape[spec.axis],)
        if spec.packed:
            return (spec.time_levels, *shape[:-1], self._packed_row(spec))
        if spec.ring is not None:
            slots = spec.ring.slots(self.shape, spec.space_order, self.discretization.threads)
            return (spec.time_levels, int(slots.max()) + 1, *shape[1:])
        if spec.kind == "field":
            return (spec.time_levels, *shape)
        return shape

    def _packed_row(self, spec: ArraySpec) -> int:
        """Values of a row of a packed field, a multiple of those that are aligned."""
        values = ALIGNMENT // self._dtype.itemsize
        return -(-(spec.row + 2 * spec.space_order) // values) * values

    def snapshots(self, spec: ArraySpec, count: int) -> Array:
        """The array of a history, for a number of snapshots.

        Parameters
        ----------
        spec : ArraySpec
        count : int
            Number of snapshots.

        Returns
        -------
        ndarray of shape (count, *grid)
        """
        return self.buffer(spec.name, self.of_snapshots(spec, count), self._dtype, spec.space_order)

    def of_snapshots(self, spec: ArraySpec, count: int) -> tuple[int, ...]:
        """Shape of a history, for a number of snapshots.

        Parameters
        ----------
        spec : ArraySpec
        count : int
            Number of snapshots.

        Returns
        -------
        tuple of int
        """
        return (count, *(n + 2 * spec.space_order for n in self.allocated))

    def room(self, histories: int, count: int) -> int:
        """Upper bound of the memory of some histories [bytes].

        Parameters
        ----------
        histories : int
            Number of fields that are stored.
        count : int
            Number of snapshots of each.

        Returns
        -------
        int
        """
        halo = 2 * self.discretization.order
        points = math.prod(n + halo for n in self.allocated)
        return histories * (count * points * self._dtype.itemsize + 2 * ALIGNMENT) + ALIGNMENT

    def placed(
        self, room: Array, first: int, shape: tuple[int, ...], before: int = 0
    ) -> tuple[Array, int]:
        """An array in a buffer of bytes, from `first` on.

        Its value number `before` is at a multiple of `ALIGNMENT` bytes.

        Parameters
        ----------
        room : ndarray of bytes
        first : int
            Byte at which the array may begin.
        shape : tuple of int
        before : int
            Number of the value that is aligned.

        Returns
        -------
        array : ndarray
            And the byte at which it ends.
        """
        size = math.prod(shape) * self._dtype.itemsize
        first += -(room.ctypes.data + first + before * self._dtype.itemsize) % ALIGNMENT
        return room[first : first + size].view(self._dtype).reshape(shape), first + size

    def edges(self, spec: ArraySpec, steps: int) -> Array:
        """The array of a field in the layer on one side, for a number of steps.

        Parameters
        ----------
        spec : ArraySpec
        steps : int
            Steps of a propagation.

        Returns
        -------
        ndarray of shape (steps, ...)
        """
        discretization, shape = self.discretization, list(self.allocated)
        shape[spec.axis] = strip_points(discretization.layer.cells, discretization.order)
        return self.buffer(spec.name, (steps, *shape), self._dtype)

    def buffer(self, name: str, shape: tuple[int, ...], dtype: Any, before: int = 0) -> Array:
        """An array of any shape for one purpose in every shot; zeros at first.

        Parameters
        ----------
        name : str
            Purpose of the array.
        shape : tuple of int
        dtype : dtype
        before : int
            Number of the value that is aligned.

        Returns
        -------
        ndarray
        """
        key = (name, shape)
        if key not in self._arrays:
            self._arrays[key] = _empty(shape, np.dtype(dtype), before)
            self._arrays[key][...] = 0
        return self._arrays[key]

    def parts(self, spec: ArraySpec) -> list[Array]:
        """Views of the values of a field that the first step reads, where not always zero."""
        levels = [self.array(spec)[level] for level in spec.remembered]
        return [view for level in levels for view in self._written(level, spec, spec.strips)]

    def clear(self, spec: ArraySpec) -> None:
        """Set an array to zero where kernels write."""
        array = self.array(spec)
        for view in self._written(array, spec, self._strips[spec.name, array.shape]):
            passes.clear(view, self.discretization.threads)

    def is_finite(self, spec: ArraySpec) -> bool:
        """Whether all values of an array are finite that the kernel of a specification writes."""
        array = self.array(spec)
        views = self._written(array, spec, spec.strips)
        return all(passes.are_finite(view, self.discretization.threads) for view in views)

    def first_failure(self, spec: ArraySpec) -> tuple[int, ...]:
        """First point at which a field is not finite, on the grid with the layer.

        Parameters
        ----------
        spec : ArraySpec

        Returns
        -------
        tuple of int
        """
        points = [*self.shape[:-1], spec.row if spec.packed else self.shape[-1]]
        inside = (slice(spec.space_order, spec.space_order + n) for n in points)
        bad = ~np.isfinite(self.array(spec)[(slice(None), *inside)])
        _, *index = map(int, np.unravel_index(int(np.argmax(bad)), bad.shape))
        first_points = sum(thickness for _, side, thickness in spec.strips if side == "left")
        if spec.packed and index[-1] >= first_points:
            index[-1] += self.shape[-1] - spec.row
        return tuple(index)

    def _written(self, values: Array, spec: ArraySpec, strips: Strips) -> list[Array]:
        """Views of the array of a specification, or of one level of it, on strips and halo.

        The whole array, without strips.
        """
        if not strips or spec.packed:
            return [values]
        views = []
        for axis, side, thickness in strips:
            n, halo = self.shape[axis], spec.space_order
            part = (
                slice(0, halo + thickness) if side == "left" else slice(halo + n - thickness, None)
            )
            after = len(self.shape) - axis - 1
            views.append(values[(..., part, *[slice(None)] * after)])
        return views

    def extend(self, values: Array, spec: ArraySpec) -> None:
        """Set an array to model values, extended into the layer and beyond free sides.

        Nothing is done where it holds them (see `loaded_model`).

        Parameters
        ----------
        values : ndarray of shape (*grid,)
        spec : ArraySpec
        """
        if self.model.is_current(spec.name, spec.space_order, values):
            return
        interior = self._interior(spec)
        pads = zip(self.shape, self._pads, strict=True)
        inside = [slice(before, n - after) for n, (before, after) in pads]
        own, topography = interior[tuple(inside)], self.discretization.topography
        self.model.load(spec.name, spec.space_order, own, values)
        if topography is not None:
            own[...] = topography.fill(values)
        for axis, part in enumerate(inside):
            # All of the axes before, and of those after the model alone.
            filled = interior[(slice(None),) * (axis + 1) + tuple(inside[axis + 1 :])]
            rows = np.moveaxis(filled, axis, 0)
            rows[: part.start] = rows[part.start]
            rows[part.stop :] = rows[part.stop - 1]
        for axis, (first, last) in enumerate(self._images):
            array, halo = np.moveaxis(self.array(spec), axis, 0), spec.space_order
            reach, end = min(halo, self.shape[axis] - 1), halo + self.shape[axis]
            if first:
                array[halo - reach : halo] = array[halo + 1 : halo + 1 + reach][::-1]
            if last:
                array[end : end + reach] = array[end - 1 - reach : end - 1][::-1]

    def fold(self, spec: ArraySpec) -> Array:
        """Transpose of `extend`: add the values in the layer to those at the edge."""
        values, folded = self._interior(spec), self.crop(spec)
        # All but the faces of the model stay as they are: only slabs beside them are summed.
        for axis, (before, after) in enumerate(self._pads):
            n, pads, around = self.shape[axis], list(self._pads), (slice(None),) * axis
            if before:
                pads[axis] = (before, 0)
                slab = values[(*around, slice(0, before + 1))]
                folded[(*around, slice(0, 1))] = _summed(slab, pads)
            if after:
                pads[axis] = (0, after)
                slab = values[(*around, slice(n - after - 1, n))]
                folded[(*around, slice(-1, None))] = _summed(slab, pads)
        for axis, ends in enumerate(self._images):
            for last, free in enumerate(ends):
                np.moveaxis(folded, axis, 0)[-last] *= 0.5 if free else 1.0
        topography = self.discretization.topography
        return folded if topography is None else topography.fold(folded)

    def crop(self, spec: ArraySpec) -> Array:
        """Values on the model's grid, without those in the layer."""
        return self.inside(self.array(spec), spec).copy()

    def inside(self, values: Array, spec: ArraySpec) -> Array:
        """View of values on the model's grid, without halo and layer.

        Parameters
        ----------
        values : ndarray
            Of the shape of the array of a specification.
        spec : ArraySpec

        Returns
        -------
        ndarray of shape (*grid,)
        """
        shape, halo = self.discretization.grid.shape, spec.space_order
        pads = zip(shape, self._pads, strict=True)
        return values[tuple(slice(halo + b, halo + b + n) for n, (b, _) in pads)]

    def _interior(self, spec: ArraySpec) -> Array:
        """View of an array without its halo."""
        inside = tuple(slice(spec.space_order, spec.space_order + n) for n in self.shape)
        return self.array(spec)[inside]

    def _set_line(self, spec: ArraySpec, array: Array) -> None:
        """Coefficients along an axis."""
        n, name = self.shape[spec.axis], spec.name.rstrip("0123456789")
        values = line(name, spec.axis, n, self.discretization)
        array[spec.space_order : spec.space_order + n] = values


def _summed(values: Array, pads: Sequence[tuple[int, int]]) -> Array:
    """Sums of the values before and after a model, along each axis, with those at its ends."""
    total = values.astype(np.float64)
    for axis, (before, after) in enumerate(pads):
        rows = np.moveaxis(total, axis, 0)
        end = rows.shape[0] - after
        inside = rows[before:end].copy()
        inside[0] += rows[:before].sum(axis=0)
        inside[-1] += rows[end:].sum(axis=0)
        total = np.moveaxis(inside, 0, axis)
    return total


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any], before: int = 0) -> Array:
    """An uninitialised array; its value number `before` is at a multiple of `ALIGNMENT` bytes."""
    count = int(np.prod(shape))
    raw = np.empty(count * dtype.itemsize + ALIGNMENT, dtype=np.uint8)
    start = -(raw.ctypes.data + before * dtype.itemsize) % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype).reshape(shape)
