"""Signature of a kernel, which determines its code, and the arrays that the kernel works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fwicli.propagators.absorbing import walls
from fwicli.propagators.kernels.rings import Ring


@dataclass(frozen=True)
class Signature:
    """Everything that the generated code of a kernel depends on.

    Parameters
    ----------
    kind : {"forward", "adjoint", "gradient", "reverse"}
    equation : str
        Name in the registry.
    spacing : tuple of float
        Grid spacing [m].
    order : int
        Order of the space differences.
    layer : int
        Cells of the absorbing layer.
    precision : {"float32", "float64"}
    history : bool
        For a forward kernel, whether it keeps the fields that the gradient needs.
    edges : bool
        For a forward kernel, whether it keeps the fields in the layer, from which a reverse kernel
        finds them again.
    free : tuple of str
        Sides without a layer (see `absorbing`).
    images : tuple of str
        For a gradient kernel, what it accumulates: "gradient" or names of `CONDITIONS`.
    parameters : tuple of str
        Parameters of which a gradient is accumulated, or which a history serves; None for all.
    n_directions : int
        Number of directions along which derivatives are taken (see `directions`).
    recorded : bool
        For a gradient kernel, whether it records at the sources.
    reference_frequency : float
        At which waves have the velocities of the model, where these depend on it [Hz].
    driven, sensed : tuple of str
        Fields that sources enter, and fields that receivers record; none stands for those of
        pressure.
    weights : {"taylor", "optimised"}
        Of the space differences (see `stencils`).
    thin : bool
        Whether the strips of the layer along the last axis overlap, and are not packed.
    topography : bool
        Whether a surface cuts the cells (see `cut_cells`).
    counted : bool
        Whether the code holds the lengths of the layer's strips along the last axis (see `strips`).
    """

    kind: str
    equation: str
    spacing: tuple[float, ...]
    order: int
    layer: int
    precision: str
    history: bool = False
    edges: bool = False
    free: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    parameters: tuple[str, ...] | None = None
    n_directions: int = 0
    recorded: bool = False
    reference_frequency: float = 0.0
    driven: tuple[str, ...] = ()
    sensed: tuple[str, ...] = ()
    weights: str = "taylor"
    thin: bool = False
    topography: bool = False
    counted: bool = False

    @property
    def components(self) -> int:
        """Components of the lifted equation."""
        return int(2**self.n_directions)

    def is_layer(self, strip: str) -> bool:
        """Whether a strip is one of the layer, by the name of its thickness.

        Parameters
        ----------
        strip : str
            As Devito names it, such as `z_ltkn0`.

        Returns
        -------
        bool
        """
        ndim = len(self.spacing)
        axis = min("xyz".index(strip[0]), ndim - 1)
        return not walls(self.free, ndim)[axis]["_rtkn" in strip]


@dataclass(frozen=True)
class ArraySpec:
    """Shape of an array that a kernel works on, for any grid.

    Attributes
    ----------
    kind : {"field", "model", "line", "cut", "history", "edge"}
        A cut is an array of `cut_cells`.
    time_levels : int
        Time levels kept of a field.
    axis : int
        Axis of a line, or along which an edge is thin.
    strips : tuple of (int, str, int)
        Axis, side ("left" or "right") and thickness of the strips outside which a field is zero;
        none for a field on the whole grid.
    remembered : tuple of int
        Levels of a field that the first step reads; with them it can be begun anew.
    packed : bool
        Whether strips along the last axis lie next to each other in memory (see `packing`).
    ring : Ring, optional
        Rows of a field that has no others in memory.
    """

    name: str
    kind: str
    space_order: int
    time_order: int = 0
    time_levels: int = 0
    axis: int = 0
    strips: tuple[tuple[int, str, int], ...] = ()
    remembered: tuple[int, ...] = ()
    packed: bool = False
    ring: Ring | None = None

    @property
    def row(self) -> int:
        """Values of a row of a packed field without its halo: those of strips, and the gap."""
        return sum(thickness for *_, thickness in self.strips) + self.space_order

    def thickened(self, cells: int) -> ArraySpec:
        """The array for a layer with this number of cells more."""
        strips = tuple((axis, side, thickness + cells) for axis, side, thickness in self.strips)
        return replace(self, strips=strips)
