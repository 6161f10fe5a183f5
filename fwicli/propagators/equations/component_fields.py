"""Fields that sources of some components enter, or receivers of them record."""

from __future__ import annotations

from collections.abc import Collection

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation
from fwicli.survey.components import Component


def component_fields(
    equation: Equation, components: Collection[Component], verb: str, ndim: int
) -> dict[str, Channel]:
    """Channels of some components by field, in the order that signatures of kernels have.

    Parameters
    ----------
    equation : Equation
    components : collection of Component
    verb : {"record", "emit"}
        Whether they are of receivers or of sources.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    dict of str to Channel
        Fields of the usual component come first, as in kernels for it alone.

    Raises
    ------
    PhysicsError
        If the equation has no such component.
    GeometryError
        If the direction of a component leaves the plane of a model in 2D.
    """
    channels = {
        name: channel
        for component in components
        for _, channel in equation.channels(component, verb, ndim)
        for name in channel.fields
    }
    usual = equation.usual(verb, ndim)[1].fields
    order = [*(n for n in usual if n in channels), *sorted(channels.keys() - usual.keys())]
    return {name: channels[name] for name in order}
