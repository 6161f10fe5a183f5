"""Reciprocity of sources of pressure and records of motion: forces that are recorded as pressure.

Without its source, a step of the equations of first order is symmetric but for a sign: with stress
or pressure s at whole steps, velocity v half a step later, D = -G^T the differences, the time
difference d, moduli C and densities R,

    C^-1 d s - D v = b Q        source of pressure, b its weights, Q the sum of q up to the step
    R^-1 d v - G s = f          force

With the sign of the second row changed the matrix is symmetric. Therefore b^T s of a force f at a
sensor is minus the v that it records of a source with Q = f, later by a step of the loop:

    v_e(x_r; q at x_s)[n + 1] = - w sum_{m <= n} dt p(x_s; force q along e at x_r)[m]
    a_e(x_r; q at x_s)[n + 1] = - w p(x_s; force q along e at x_r)[n]

with w = 1 / 1000 kg/m3, as q is relative to the density of water. The second line is that of the
equation of second order, whose sources of pressure are not integrated. The sum belongs to the
record, and not to the wavelet: samples become steps, and steps samples, as in the shot that was
recorded, so that both are equal to round-off for any wavelet. A force has no amplitude of its own:
its wavelet has the numbers of q.

Reference: Aki and Richards (2002), Quantitative Seismology, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fwicli.errors import PhysicsError
from fwicli.propagators.equations.channel import Channel

if TYPE_CHECKING:
    from fwicli.survey.components import Component


def channel(
    component: Component, recorded: Mapping[str, Channel], emitted: Mapping[str, Channel]
) -> Channel:
    """How a reciprocal component is recorded: from pressure, where its force is elsewhere.

    Parameters
    ----------
    component : Component
        Velocity or acceleration along a direction, reciprocal.
    recorded, emitted : mapping of str to Channel
        Tables of the equation.

    Returns
    -------
    Channel

    Raises
    ------
    PhysicsError
        If the equation lacks pressure, or forces.
    """
    motion = recorded[f"{component.quantity[0]}z"]
    tables = (("pressure", recorded), ("pressure", emitted), ("fz", emitted))
    missing = [name for name, table in tables if name not in table]
    if missing:
        raise PhysicsError(
            f"{component.name} needs an equation that has `{missing[0]}`; choose another for "
            f"`physics.equation`"
        )
    pressure, force = recorded["pressure"], emitted["fz"]
    share = -sum(motion.fields.values()) / sum(force.fields.values())
    return Channel(
        {name: share * weight for name, weight in pressure.fields.items()},
        pressure.half,
        pressure.even,
        half_steps=motion.half_steps,
        integrated=emitted["pressure"].integrated,
        delayed=True,
    )
