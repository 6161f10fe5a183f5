"""Components of sources and receivers, as a config names them."""

from __future__ import annotations

from collections.abc import Mapping

from fwicli.config.components import ComponentKey, ComponentsKey, DirectionSection
from fwicli.config.inversion import InversionSection
from fwicli.errors import GeometryError
from fwicli.survey.components import EXCHANGED, Component


def component(key: ComponentKey) -> Component:
    """The component of a key.

    Parameters
    ----------
    key : str or DirectionSection

    Returns
    -------
    component : Component
    """
    if isinstance(key, DirectionSection):
        if key.tensor is not None:
            return Component("moment", tensor=tuple(key.tensor))
        if key.strike is not None and key.dip is not None and key.rake is not None:
            return Component.double_couple(key.strike, key.dip, key.rake)
        return Component(key.quantity, key.dip, key.azimuth or 0.0, key.gauge)
    return Component.named(key)


def components(key: ComponentsKey) -> list[Component]:
    """The components of a key, each once.

    Parameters
    ----------
    key : str, DirectionSection or list of these

    Returns
    -------
    list of Component

    Raises
    ------
    GeometryError
        If one occurs twice.
    """
    each = [component(one) for one in (key if isinstance(key, list) else [key])]
    twice = sorted({c.name for c in each if each.count(c) > 1})
    if twice:
        raise GeometryError(f"the component {twice[0]} is listed twice; list it once")
    return each


def component_weights(settings: InversionSection) -> Mapping[Component, float]:
    """Weights of components in the misfit of a stage; those that are left out have 1.

    Reciprocal ones have the weights of those that were measured.

    Parameters
    ----------
    settings : InversionSection
        Of the stage.

    Returns
    -------
    weights : mapping of Component to float
    """
    weights = settings.component_weights or {}
    own = {Component.named(name): weight for name, weight in weights.items()}
    exchanged = {c.exchanged[1]: w for c, w in own.items() if c.quantity in EXCHANGED}
    return own | exchanged
