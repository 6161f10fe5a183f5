"""How components are recorded from the fields of an equation, and drive them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Channel:
    """How a component is recorded from the fields of an equation, or drives them.

    Recorded, it is the sum of fields times weights; driven, it enters their residuals times these.
    All its fields have one place and time.

    Attributes
    ----------
    fields : mapping of str to float
        Weights by the names of fields; they turn the units of the equation into those of the
        component, and those of a source into the equation's.
    half : tuple of int
        Axes along which values sit half a cell on from the point that they belong to.
    even : tuple of int
        Axes about whose free sides the fields are even; about those of others they are odd.
    half_steps : int
        When the values of a step are those of the waves, in half time steps after its own time.
    integrated : bool
        Whether the source that enters is the integral over time of the source time function, as
        in equations of first order in time; of a record, whether it is the integral of the fields.
    differentiated : bool
        Whether it is the derivative: so where a moment drives stresses. Of its values, those of the
        end of a step belong to it.
    delayed : bool
        Whether the record at a step is that of the step before, and zero at the first.
    strain : {"", "level", "upright", "shear"}
        The rate of strain which a stress works on that is driven: along axes of which none is z,
        along z, or across both; none for other fields.
    """

    fields: Mapping[str, float]
    half: tuple[int, ...] = ()
    even: tuple[int, ...] = ()
    half_steps: int = 0
    integrated: bool = False
    differentiated: bool = False
    delayed: bool = False
    strain: str = ""

    @property
    def timing(self) -> tuple[int, bool, bool, bool]:
        """When values are those of the waves, and their integral or derivative over time."""
        return self.half_steps, self.integrated, self.differentiated, self.delayed

    def integral(self) -> Channel:
        """The record of the integral over time: a sum of steps, half a step after the last."""
        return replace(self, half_steps=self.half_steps + 1, integrated=True)


Channels = Callable[[int], Mapping[str, Channel]]


def pressure(field: str, integrated: bool = False) -> Channels:
    """The table of an equation that has pressure only.

    Parameters
    ----------
    field : str
        Field on the points, at whole steps.
    integrated : bool
        See `Channel`.

    Returns
    -------
    callable
        From the number of space dimensions to the channels by component.
    """
    return lambda _: {"pressure": Channel({field: 1.0}, integrated=integrated)}
