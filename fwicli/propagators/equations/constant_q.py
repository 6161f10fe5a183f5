"""The reference frequency of waves that lose energy: there they have the velocities of the model.

A solid with a constant quality factor Q is dispersive: causality ties its velocities to its losses
(Kjartansson, 1979, J. Geophys. Res. 84, 4737-4748). One velocity then needs one frequency.
"""

from __future__ import annotations

from fwicli import scalars
from fwicli.errors import PhysicsError
from fwicli.propagators.equations import registry


def reference_frequency(equation: str, frequency: float | None, usual: float) -> float | None:
    """The reference frequency of an equation; none where velocities do not depend on frequency.

    Parameters
    ----------
    equation : str
        Name of the equation.
    frequency : float or None
        The frequency that is asked for [Hz]; None for the usual one.
    usual : float
        [Hz]

    Returns
    -------
    float or None
        [Hz]

    Raises
    ------
    PhysicsError
        If a frequency is given that has no meaning, or is not positive.
    """
    if registry.load(equation).constant_q is None:
        if frequency is not None:
            raise PhysicsError(
                f"`reference_frequency` is {frequency!r}, and waves of `{equation}` "
                f"have one velocity at all frequencies; leave it out"
            )
        return None
    frequency = usual if frequency is None else frequency
    return scalars.positive("`reference_frequency`", frequency, " [Hz]", PhysicsError)
