"""Waves of a point source in horizontal layers, with the differences of a grid, by frequency.

Over a column of the earth, whose properties depend on depth alone, the equations of the program
become for each frequency w and horizontal wavenumber one of the depth,

    D b D p + (k w**2 - b K**2) p = -q,

with pressure p, compressibility k at the points, inverse density b there and half a cell away, the
differences D of the stencil along z, and the horizontal wavenumber K that the same differences see
along x (see `phase_errors`). With constant density k = 1 / vp**2, b = 1, and D b D is the second
difference. Vertical transverse isotropy (see `equations.vti`) has

    D b D w + (k w**2 - s**2 b K**2 / d) w = -s q / d,        p = s w / d,
    d = 1 - b K**2 (e - s**2) / (k w**2).

Above and below lies the absorbing layer with the recursions of the program, which stretch z by
1 + d / (a + i w) with the rounding of the time step; or p is odd about a free side.

The matrix of the equation is symmetric and has few diagonals. It is factored from the bottom
upwards, for many pairs of w and K at once; rows above source and receivers give the rest.
Frequencies are complex, w - i a: records are weighted with exp(-a t). Waves beyond the end of the
record hardly count then, and no pivot vanishes.

Reference: Kennett (1983), Seismic wave propagation in stratified media, Cambridge University Press.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.propagators.absorbing import AbsorbingLayer
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling import interpolation, phase_errors

Array = NDArray[Any]

# Pairs that are solved at once: their rows stay in the cache of a processor.
CHUNK = 1024
# Single precision takes 0.6 of the time, and changes no estimate by more than a hundredth of it.
SINGLE = np.complex64


@dataclass(frozen=True)
class Pairs:
    """Pairs of a frequency and a horizontal wavenumber.

    Attributes
    ----------
    angular : ndarray of complex, shape (n_frequencies,)
        w - i a [rad/s].
    frequency : ndarray of int, shape (n_pairs,)
        Number of the frequency.
    wavenumber : ndarray of shape (n_pairs,)
        Of the waves along x [rad/m].
    """

    angular: Array
    frequency: Array
    wavenumber: Array


@dataclass(frozen=True)
class Sampling:
    """Steps in space and time of a propagation.

    Attributes
    ----------
    spacing : tuple of float
        Along x and along z [m].
    stencil : Stencil
    kind : {"second", "half"}
        Differences of the equation: second ones, or slopes half a cell away.
    step : float
        Time step [s].
    corrected : bool
        Whether the dispersion of the time step is removed from the records.
    layer : AbsorbingLayer
    interpolation : {"sinc", "linear"}
    """

    spacing: tuple[float, float]
    stencil: Stencil
    kind: str
    step: float
    corrected: bool
    layer: AbsorbingLayer
    interpolation: str = "sinc"


class Column:
    """The wave equation over a column of the earth, on the points of a grid and of its layers.

    Parameters
    ----------
    parameters : mapping of str to ndarray of shape (n_depths,)
        k [s2/m2], b, e and s at the points; b, e and s are 1 where they are left out.
    sampling : Sampling
    """

    def __init__(self, parameters: Mapping[str, Array], sampling: Sampling) -> None:
        self.sampling, layer = sampling, sampling.layer
        self.free = ("z-" in layer.free, "z+" in layer.free)
        self.pads = layer.pads(2)[-1]
        k = np.pad(np.asarray(parameters["k"], dtype=float), self.pads, mode="edge")
        self.k, self.n = k, k.size
        self.b, self.e, self.s = (
            np.pad(np.asarray(parameters[name], dtype=float), self.pads, mode="edge")
            if name in parameters
            else np.ones(self.n)
            for name in "bes"
        )
        self.anisotropic = bool((self.e != 1).any() or (self.s != 1).any())

    def weights(self, depths: Array) -> Array:
        """Weights of positions at the points of the column.

        Parameters
        ----------
        depths : ndarray of shape (n_positions,)
            Below the first point of the model [m].

        Returns
        -------
        weights : ndarray of shape (n_positions, n)
        """
        positions = np.ravel(depths)[:, None] / self.sampling.spacing[1] + self.pads[0]
        kind = self.sampling.interpolation
        rows = interpolation.interpolation(positions, kind, (self.free,), (self.n,))
        weights = np.zeros((len(positions), self.n))
        np.add.at(weights, (np.arange(len(positions))[:, None], rows.indices[0]), rows.weights)
        return weights

    def pressures(self, pairs: Pairs, source: float, receivers: Array) -> Array:
        """Pressures of a source of amplitude 1.

        Parameters
        ----------
        pairs : Pairs
        source : float
            Depth of the source below the first point of the model [m].
        receivers : ndarray of shape (n_receivers,)
            Depths of receivers [m].

        Returns
        -------
        pressures : ndarray of complex, shape (n_receivers, n_pairs)
            Of the amplitude of the source, times its length [m]; 0 where the grid has no wave of
            the wavenumber.
        """
        h, stencil = self.sampling.spacing[0], self.sampling.stencil
        angle = np.minimum(pairs.wavenumber * h, np.pi)
        numerical = phase_errors.wavenumber(angle, stencil, self.sampling.kind) / h
        matrix = _Matrix(self, self._frequencies(pairs.angular))
        weights = self.weights(np.array([source])), self.weights(receivers)
        solved = []
        for first in range(0, numerical.size, CHUNK):
            part = slice(first, first + CHUNK)
            number = pairs.frequency[part]
            solved.append(matrix.solve(number, numerical[part] ** 2, *weights))
        return np.concatenate(solved, axis=1) * (angle < np.pi)

    def _frequencies(self, angular: Array) -> Array:
        """Frequencies that the time stepping sees: those of the waves where it is corrected."""
        if self.sampling.corrected:
            return angular
        step = self.sampling.step
        return np.asarray(2 / step * np.sin(angular * step / 2))

    def plain(self) -> Array:
        """Diagonals of D b D without the layer, from the main one on, shape (reach + 1, n)."""
        h, stencil = self.sampling.spacing[1], self.sampling.stencil
        if self.sampling.kind == "half":
            return self.of_slopes(stencil.half / h, np.ones(self.n - 1))
        weights = np.array(stencil.second) / h**2
        diagonals = np.repeat(weights[:, None], self.n, axis=1)
        for i in range(weights.size):
            for j in range(i, weights.size - i):
                # Points i and j from a free side: j is the image of -j.
                if self.free[0]:
                    diagonals[j - i, i] -= weights[i + j]
                if self.free[1]:
                    diagonals[j - i, self.n - 1 - j] -= weights[i + j]
        return diagonals

    def of_slopes(self, slopes: Array, shares: Array) -> Array:
        """Diagonals of -sum_h share_h b_h d_h d_h^T, of slopes d_h at the places h in between.

        Parameters
        ----------
        slopes : ndarray of shape (count,)
            Weights at 1/2, 3/2, ... cells [1/m].
        shares : ndarray of shape (n - 1, ...)
            Of the places between points.

        Returns
        -------
        diagonals : ndarray of shape (2 count, n, ...)
        """
        n, count, places = self.n, len(slopes), np.arange(self.n - 1)
        density = 1 / self.b
        b = (2 / (density[1:] + density[:-1])).reshape(-1, *(1,) * (shares.ndim - 1))
        matrix = scipy.sparse.csr_matrix((n - 1, n))
        for offset in range(1 - count, count + 1):
            weight = np.full(n - 1, slopes[offset - 1] if offset > 0 else -slopes[-offset])
            points = places + offset
            before, behind = points < 0, points > n - 1
            weight[before] *= -1 if self.free[0] else 0
            weight[behind] *= -1 if self.free[1] else 0
            # On a free side there is no pressure.
            weight[(points == 0) & self.free[0] | (points == n - 1) & self.free[1]] = 0
            points = np.where(before, -points, np.where(behind, 2 * (n - 1) - points, points))
            matrix = matrix + scipy.sparse.csr_matrix((weight, (places, points)), (n - 1, n))
        diagonals = np.zeros((2 * count, n, *shares.shape[1:]), dtype=shares.dtype)
        for distance in range(2 * count):
            products = matrix[:, : n - distance].multiply(matrix[:, distance:])
            diagonals[distance, : n - distance] = -(products.T @ (b * shares))
        return diagonals


class _Matrix:
    """Matrices of a column for some frequencies, and their solution.

    Parameters
    ----------
    column : Column
    angular : ndarray of complex, shape (n_frequencies,)
        Frequencies that the time stepping sees [rad/s].
    """

    def __init__(self, column: Column, angular: Array) -> None:
        self.column, self.angular = column, angular
        sampling, h = column.sampling, column.sampling.spacing[1]
        # Of the recursions, whose frequency is that of the steps.
        turn = np.exp(-2j * np.arcsin(angular * sampling.step / 2))
        on, between = (
            c[:, None] / (1 - b[:, None] * turn)
            for b, c in (
                sampling.layer.coefficients(column.n, h, sampling.step, offset, column.free)
                for offset in (0.0, 0.5)
            )
        )
        second = sampling.kind == "second"
        # The slopes are of lower order than the second difference: see `absorbing`.
        slopes = Stencil(sampling.stencil.order - 2) if second else sampling.stencil
        plain, extra = column.plain(), column.of_slopes(slopes.half / h, between[:-1])
        self.reach = max(len(plain), len(extra)) - 1
        self.diagonals = np.zeros((column.n, self.reach + 1, angular.size), dtype=complex)
        self.diagonals[:, : len(extra)] += np.moveaxis(extra, 0, 1)
        self.diagonals[:, : len(plain)] += plain.T[:, :, None]
        self.stretch = 1 / (1 + on)
        self.of_layer = (extra != 0).any(axis=(0, 2)) | (on != 0).any(axis=1)

    def solve(self, number: Array, horizontal: Array, source: Array, receivers: Array) -> Array:
        """Pressures at receivers for some pairs.

        Parameters
        ----------
        number : ndarray of int, shape (n_pairs,)
            Of the frequency.
        horizontal : ndarray of shape (n_pairs,)
            K**2 [1/m2].
        source, receivers : ndarray of shape (1, n) and (n_receivers, n)
            Weights.

        Returns
        -------
        pressures : ndarray of complex, shape (n_receivers, n_pairs)
        """
        n, reach, size = self.column.n, self.reach, self.reach + 1
        used = np.flatnonzero((source != 0).any(axis=0) | (receivers != 0).any(axis=0))
        deepest = int(used[-1])
        main, scale = self._pointwise(number, horizontal)
        # Rows that are changed by the one below, each with its diagonals towards the top.
        window = np.zeros((size, size, number.size), dtype=SINGLE)
        right = np.zeros((size, number.size), dtype=SINGLE)
        ratios: dict[int, Array] = {}
        solution = np.zeros((deepest + 1, number.size), dtype=SINGLE)
        for entering in range(n - 1, -size, -1):
            if entering >= 0:
                at = entering % size
                self._enter(window[at], entering, number)
                window[at, 0] += main(entering)
                strength = source[0, entering] / self.column.sampling.spacing[1]
                right[at] = -strength * scale(entering) if strength else 0.0
            i = entering + reach
            if i > n - 1:
                continue
            own, at = window[i % size], i % size
            pivot = 1 / own[0]
            ratio = own[1:] * pivot
            for a in range(1, min(reach, i) + 1):
                window[(i - a) % size, : size - a] -= ratio[a - 1] * own[a:]
                if i <= deepest:
                    right[(i - a) % size] -= ratio[a - 1] * right[at]
            if i <= deepest:
                ratios[i], solution[i] = ratio, right[at] * pivot
        for i in range(1, deepest + 1):
            for a in range(1, min(reach, i) + 1):
                solution[i] -= ratios[i][a - 1] * solution[i - a]
        for row in used.tolist() if self.column.anisotropic else ():
            solution[row] *= scale(row)
        return np.asarray(receivers[:, : deepest + 1] @ solution)

    def _enter(self, row: Array, i: int, number: Array) -> None:
        """Write the row i, with the diagonals towards the top, without the pointwise term."""
        for distance in range(min(self.reach, i) + 1):
            values = self.diagonals[i - distance, distance]
            row[distance] = values[number] if self.of_layer[i - distance] else values[0]
        row[i + 1 :] = 0.0

    def _pointwise(
        self, number: Array, horizontal: Array
    ) -> tuple[Callable[[int], Array], Callable[[int], Any]]:
        """Functions of a row: k w**2 - s**2 b K**2 / d, stretched in the layer, and s / d."""
        column, square = self.column, self.angular[number] ** 2

        def slow(i: int) -> Array | float:
            """The divisor d of anisotropy."""
            if not column.anisotropic:
                return 1.0
            more = column.e[i] - column.s[i] ** 2
            return np.asarray(1 - column.b[i] * horizontal * more / (column.k[i] * square))

        def main(i: int) -> Array:
            across = column.s[i] ** 2 * column.b[i] * horizontal / slow(i)
            values = column.k[i] * square - across
            return np.asarray(values * self.stretch[i][number] if self.of_layer[i] else values)

        return main, lambda i: column.s[i] / slow(i)
