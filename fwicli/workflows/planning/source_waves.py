"""Sources whose waves a medium or a grid cannot hold: moments in fluids, and slow shear waves."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.errors import FwiError
from fwicli.propagators.equations import registry
from fwicli.survey import moments
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.model import EarthModel
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning.placement import by_component, in_fluid
from fwicli.workflows.planning.problems import Problems


def moments_in_rock(
    problems: Problems,
    key: Key,
    physics: schema.PhysicsSection,
    model: EarthModel,
    geometry: Acquisition,
) -> None:
    """Moment tensors must be in rock, where they are more than pressure, and not on its surface.

    A fluid bears no shear: it would move on and on. Errors next to a plane surface, order 8 and 10
    points in the S wavelength, for the parts zz and xz: 17 % at a third of a cell, 14 % at 0.8 and
    6 % at 1.2 cells; on the surface 68 % of zz (`tests/propagators/test_moments.py`).

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the positions are in the config.
    physics : PhysicsSection
    model : EarthModel
    geometry : Acquisition
    """
    grid = model.grid
    for name, verb, component, positions in by_component(geometry):
        tensor = component.tensor
        if tensor is None or verb != "emit" or "vs" not in model.properties:
            continue
        with suppress(FwiError):  # said where components are checked
            if (wet := in_fluid(model, positions)).any() and not moments.is_isotropic(
                tensor, grid.ndim
            ):
                where = ", ".join(f"{value:g}" for value in positions[wet][0])
                problems.add(
                    (*key, name) if key == ("geometry",) else key,
                    f"{int(wet.sum())} of {len(wet)} sources, the first at ({where}) m, are "
                    f"{component.name} in a fluid, where vs is 0 and which bears no shear; set "
                    f"`component: pressure`, or move them into rock",
                )
            below = (positions[:, -1] - grid.origin[-1]) / grid.spacing[-1]
            close = (below < 1) & ~wet
            shears = any(moments.across(tensor))
            if shears and physics.free_surface and close.any():
                problems.warn(
                    f"{int(close.sum())} of {len(close)} sources are {component.name} less than a "
                    f"cell, {grid.spacing[-1]:g} m, below the free surface: waves of mzz, mxz and "
                    f"myz err there by 6 to 23 %, those of mzz on the surface by 70 %; move them "
                    f"down by a cell, or, for an explosion, set `component: pressure`"
                )


def without_slow_shear(
    problems: Problems, physics: schema.PhysicsSection, model: EarthModel, geometry: Acquisition
) -> None:
    """Warn of sources of acoustic waves in anisotropy that is not elliptic.

    With epsilon above delta a fluid has slow shear waves, too. In `vti` with epsilon 0.2, at five
    points in the shortest P wavelength and beyond four cells from the source, records on a grid
    and on one four times as fine differ by 70 % (delta 0.19) to 94 % (0.15), and by less than
    0.1 % at delta 0.2.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    model : EarthModel
    geometry : Acquisition
    """
    equation = registry.load(wave_equation(physics))
    needed = equation.properties_in(model.grid.ndim)
    if "epsilon" not in needed or "vs" in needed or not {"epsilon", "delta"} <= {*model.properties}:
        return
    at = model.grid.nearest(geometry.sources)
    epsilon, delta = (
        np.broadcast_to(model.properties[name], model.grid.shape)[at]
        for name in ("epsilon", "delta")
    )
    sheared = epsilon > delta
    if sheared.any():
        first = int(sheared.argmax())
        problems.warn(
            f"{int(sheared.sum())} of {len(sheared)} sources, the first number {first}, lie where "
            f"epsilon is {epsilon[first]:.3g} and delta {delta[first]:.3g}: there "
            f"`{equation.name}` also sends slow shear waves, which no rock has, and which are too "
            f"short for the grid and can be most of the records; make epsilon and delta equal "
            f"within four cells of the sources"
        )
