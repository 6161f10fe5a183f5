"""Footprints of equations: the arrays that they work on, from disk or counted now.

The equations of this package state their footprint, so that a plan needs no Devito; tests compare
it with the count (see `counting`). That of a user's equation is counted once and kept beside
compiled kernels.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from functools import cache

from fwicli.disk import cache as disk
from fwicli.errors import CalculusError, PhysicsError
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.own import COUNTED, OwnEquation
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.kernels import origins

log = logging.getLogger("fwicli")


def prepare(name: str, ndim: int) -> None:
    """Make sure that the footprint of an equation is known, also of one in a file.

    Parameters
    ----------
    name : str
        Of the equation.
    ndim : int
        Number of space dimensions.

    Raises
    ------
    PhysicsError
        If the file of the equation, or its statement, has a fault.
    """
    if isinstance(name, OwnEquation) and (str(name), ndim) not in COUNTED:
        try:
            COUNTED[str(name), ndim] = footprint(name, ndim)
        except CalculusError as error:
            raise PhysicsError(
                f"nothing can be derived from the statement in `{name.file}`: {error}"
            ) from error


def footprint(name: str, ndim: int) -> Footprint:
    """The footprint of an equation: from disk, or counted now.

    Parameters
    ----------
    name : str
        Of the equation.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    Footprint
    """
    inputs = f"{name} {ndim} {origins.digest('kernels.counting')}"
    entry = f"footprint-{hashlib.sha256(inputs.encode()).hexdigest()[:32]}"
    data = disk.read(entry)
    if data is None:
        log.info("counting the arrays of the equation %s; later runs know them", name)
        from fwicli.propagators.kernels import counting  # late: what is on disk needs no Devito

        counted = counting.count(name, ndim)
        disk.write(entry, json.dumps(asdict(counted)).encode())
        return counted
    stored = json.loads(data)
    histories = {
        name: {parameter: tuple(fields) for parameter, fields in stored[name].items()}
        for name in ("history", "surface_history")
    }
    tuples = {name: tuple(stored[name]) for name in ("evolving", "surface", "topography", "packed")}
    return Footprint(**{**stored, **histories, **tuples})


@cache
def check_stencil(name: str, ndim: int, stencil: Stencil) -> None:
    """Make sure that the differences of an equation may have the weights of a stencil.

    Parameters
    ----------
    name : str
        Of the equation.
    ndim : int
        Number of space dimensions.
    stencil : Stencil

    Raises
    ------
    PhysicsError
        If they have Taylor's weights only.
    """
    if stencil.optimised:
        from fwicli.propagators.kernels import counting  # late: Taylor's weights need no Devito

        counting.stated(name, ndim, stencil)
