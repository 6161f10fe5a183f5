"""From the section `misfit` of a config to the misfit."""

from __future__ import annotations

from functools import singledispatch

from fwicli.config.misfits import UserMisfitSection
from fwicli.config.values import Section
from fwicli.inversion.misfits import user
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.misfits.registry import MISFITS


@singledispatch
def build(section: Section) -> Misfit:
    """The misfit of a section: its class by name, with the settings of the section as fields."""
    settings = section.model_dump()
    return MISFITS[settings.pop("kind")](**settings)


@build.register
def _user(section: UserMisfitSection) -> Misfit:
    return user.UserMisfit(str(section.file), section.name, section.derivative)
