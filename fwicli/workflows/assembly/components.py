"""Components of sources and receivers, as a config names them."""

from __future__ import annotations

from fwicli.config.components import ComponentKey, DirectionSection
from fwicli.survey.components import Component


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
        return Component(key.quantity, key.dip, key.azimuth)
    return Component.named(key)
