"""Linear operators that know the shapes of their inputs and outputs.

An operator A takes arrays x of shape `dims` and gives y = A x of shape `dimsd`, or vectors for
vectors, as solvers want them. With B, a number c, and operators of SciPy or PyLops,

    A @ B,    A + B,    c * A,    A.H,    A.T,    A**2

are operators again. `dottest` measures how far A.H is from the adjoint,

    |<A x, y> - <x, A^H y>| / (|A x| |y|),        x and y random.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from fwicli import ndarrays
from fwicli.errors import DataError

Array = NDArray[Any]
Shape = tuple[int, ...]

# Columns of a matrix that are applied at once: their shots share the workers of an executor.
COLUMNS = 8


class Operator(LinearOperator):  # type: ignore[misc]
    """A real linear operator, matrix-free.

    Parameters
    ----------
    dims, dimsd : tuple of int
        Shapes of its input and output, as in PyLops.
    dtype : dtype
        Of its output; inputs are converted.
    """

    def __init__(self, dims: Shape, dimsd: Shape, dtype: Any) -> None:
        self.dims, self.dimsd = tuple(dims), tuple(dimsd)
        super().__init__(dtype, (math.prod(self.dimsd), math.prod(self.dims)))

    # --- what an operator states -----------------------------------------------------------------

    def _apply(self, x: Array) -> Array:
        """A x for each of several x, (k, *dims) to (k, *dimsd)."""
        raise NotImplementedError

    def _apply_adjoint(self, y: Array) -> Array:
        """A^T y for each of several y, (k, *dimsd) to (k, *dims)."""
        raise NotImplementedError

    # --- what SciPy calls ------------------------------------------------------------------------

    def _matvec(self, x: Array) -> Array:
        return self._matmat(np.reshape(x, (-1, 1)))

    def _rmatvec(self, x: Array) -> Array:
        return self._rmatmat(np.reshape(x, (-1, 1)))

    def _matmat(self, x: Array) -> Array:
        return self._columns(self._apply, x, self.dims)

    def _rmatmat(self, x: Array) -> Array:
        return self._columns(self._apply_adjoint, x, self.dimsd)

    def _columns(self, function: Callable[[Array], Array], x: Any, shape: Shape) -> Array:
        """A function of several arrays, applied to the columns of a matrix."""
        if hasattr(x, "toarray"):
            x = x.toarray()
        if np.iscomplexobj(x):
            real = self._columns(function, np.concatenate([x.real, x.imag], axis=1), shape)
            return np.asarray(real[:, : x.shape[1]] + 1j * real[:, x.shape[1] :])
        x = ndarrays.real("what an operator is applied to", x, DataError)
        rows = np.ascontiguousarray(np.asarray(x, dtype=self.dtype).T).reshape(-1, *shape)
        parts = [function(rows[i : i + COLUMNS]) for i in range(0, len(rows), COLUMNS)]
        return np.concatenate([part.reshape(len(part), -1) for part in parts]).T

    # --- algebra ---------------------------------------------------------------------------------

    def dot(self, x: Any) -> Any:
        """A x for an array, or the composition with another operator, or with a number.

        Parameters
        ----------
        x : ndarray of shape dims, (n,) or (n, k); or an operator; or a number
            The columns of a matrix are taken one by one.

        Returns
        -------
        ndarray of shape dimsd, (m,) or (m, k); or an operator

        Raises
        ------
        DataError
            If an array has another shape.
        """
        if _of_pylops(x):
            return self.pylops() @ x
        if isinstance(x, LinearOperator):
            _fit(self, x)
            return Composed(super().dot(x), getattr(x, "dims", (x.shape[1],)), self.dimsd)
        if np.isscalar(x):
            return Composed(super().dot(x), self.dims, self.dimsd)
        if not hasattr(x, "tocsr"):
            x = _array(x)
            if x.ndim > 1 and x.shape == self.dims:
                return self.matvec(x.ravel()).reshape(self.dimsd)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise DataError(
                f"the operator takes arrays of shape {self.dims}, or vectors of {self.shape[1]}, "
                f"alone or as columns of a matrix; this array has the shape {x.shape}"
            )
        return super().dot(x)

    def __rmul__(self, x: Any) -> Any:
        if isinstance(x, LinearOperator):
            return Composed(super().__rmul__(x), self.dims, getattr(x, "dimsd", (x.shape[0],)))
        product = super().__rmul__(x)
        return Composed(product, self.dims, self.dimsd) if np.isscalar(x) else product

    def __add__(self, x: Any) -> Any:
        if _of_pylops(x):
            return self.pylops() + x
        if not isinstance(x, LinearOperator):
            # The sum of a list begins with the number 0.
            return self if np.isscalar(x) and x == 0 else NotImplemented
        _alike(self, x)
        return Composed(super().__add__(x), self.dims, self.dimsd)

    __radd__ = __add__

    def __sub__(self, x: Any) -> Any:
        return self + (-x)

    def __neg__(self) -> Operator:
        return Composed(super().__neg__(), self.dims, self.dimsd)

    def __truediv__(self, x: Any) -> Operator:
        return Composed(super().__truediv__(x), self.dims, self.dimsd)

    def __pow__(self, p: Any) -> Operator:
        return Composed(super().__pow__(p), self.dims, self.dimsd)

    def _adjoint(self) -> Operator:
        return Composed(super()._adjoint(), self.dimsd, self.dims)

    def _transpose(self) -> Operator:
        return Composed(super()._transpose(), self.dimsd, self.dims)

    # --- checks, and other libraries -------------------------------------------------------------

    def dottest(self, seed: int = 0) -> float:
        """Relative error of the adjoint for random arrays (see above)."""
        random = np.random.default_rng(seed)
        x, y = (random.standard_normal(n).astype(self.dtype) for n in self.shape[::-1])
        forward, back = self.matvec(x).astype(complex), self.rmatvec(y).astype(complex)
        difference = np.vdot(forward, y) - np.vdot(x, back)
        scale = np.linalg.norm(forward) * np.linalg.norm(y.astype(float))
        return float(abs(difference) / scale) if difference else 0.0

    @property
    def forceflat(self) -> bool | None:
        """Whether PyLops keeps vectors as vectors: where those of one side have no other shape."""
        return True if (len(self.dims) == 1) != (len(self.dimsd) == 1) else None

    def pylops(self) -> Any:
        """The same as an operator of PyLops, with `dims` and `dimsd`."""
        import pylops  # late: an optional extra, which takes seconds to import

        return pylops.aslinearoperator(self)

    def pyxu(self) -> Any:
        """The same as an operator of Pyxu, with the shapes `dims` and `dimsd`."""
        from pyxu.abc import LinOp  # late: not among the requirements
        from pyxu.operator.interop import from_source

        def stacked(function: Callable[[Array], Array], before: Shape, after: Shape) -> Any:
            def applied(_: Any, arr: Array) -> Array:
                vectors = np.reshape(arr, (-1, math.prod(before))).T
                return np.asarray(function(vectors)).T.reshape(*arr.shape[: -len(before)], *after)

            return applied

        return from_source(
            LinOp,
            self.dims,
            self.dimsd,
            apply=stacked(self.matmat, self.dims, self.dimsd),
            adjoint=stacked(self.rmatmat, self.dimsd, self.dims),
        )


class Composed(Operator):
    """An operator of SciPy with shapes: what algebra makes of operators.

    Parameters
    ----------
    operator : scipy.sparse.linalg.LinearOperator
    dims, dimsd : tuple of int
    """

    def __init__(self, operator: Any, dims: Shape, dimsd: Shape) -> None:
        super().__init__(dims, dimsd, operator.dtype)
        self.operator = operator

    def _matvec(self, x: Array) -> Array:
        return np.asarray(self.operator.matvec(x))

    def _rmatvec(self, x: Array) -> Array:
        return np.asarray(self.operator.rmatvec(x))

    def _matmat(self, x: Array) -> Array:
        return np.asarray(self.operator.matmat(x))

    def _rmatmat(self, x: Array) -> Array:
        return np.asarray(self.operator.rmatmat(x))


def _array(x: Any) -> Array:
    """The input of an operator, as an array of real or complex numbers."""
    what = "what an operator is applied to"
    if getattr(getattr(x, "dtype", None), "kind", "") != "c":
        return ndarrays.real(what, x, DataError)
    ndarrays.check_unmasked(what, x, DataError)
    return np.asarray(x)


def _of_pylops(x: Any) -> bool:
    """Whether something is an operator of PyLops, which only its import can have made."""
    module = sys.modules.get("pylops")
    return module is not None and isinstance(x, module.LinearOperator)


def _fit(left: Any, right: Any) -> None:
    """Make sure that a composition is possible."""
    if left.shape[1] != right.shape[0]:
        output_shape = getattr(right, "dimsd", right.shape[:1])
        raise DataError(
            f"operators do not follow each other: the right one gives {output_shape}, "
            f"{right.shape[0]} values, and the left one takes {left.dims}, {left.shape[1]} values"
        )


def _alike(left: Any, right: Any) -> None:
    """Make sure that a sum is possible."""
    if left.shape != right.shape:
        raise DataError(
            f"operators of {left.shape[0]} x {left.shape[1]} and {right.shape[0]} x "
            f"{right.shape[1]} values cannot be added; take the same shots and parameters in both"
        )
