"""The last check of a run: what it is about to write must hold something.

Records, images and models that are zero everywhere, or hold values that are no numbers, are no
results, whatever the steps before them have said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError

Array = NDArray[Any]

NO_RECORDS = (
    "no wave comes to a receiver: check that the record is long enough for the way from source to "
    "receivers, that none of them is where the pressure is zero, the wavelet, and the units of "
    "velocity, positions and times"
)
NO_IMAGE = (
    "what goes back from the receivers meets no wave of the sources: check that the data are not "
    "those of the smooth model itself (`imaging.subtract_modelled` takes these out), that `mute` "
    "and `band` leave something, and the units of velocity, positions and times"
)
NO_MODEL = "check the data and `bounds`, and begin with a lower band"


def check(arrays: Mapping[str, Array], causes: str, may_be_zero: bool = False) -> None:
    """Arrays that are to be written must be finite, and not zero everywhere.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By their names in the message.
    causes : str
        Likely causes of an array of zeros.
    may_be_zero : bool
        Whether zero everywhere is a value like others, as for parameters of anisotropy.

    Raises
    ------
    DataError
        With the name of the array; no result is written then.
    """
    for name, values in arrays.items():
        bad = ~np.isfinite(values)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                f"{int(bad.sum())} of {values.size} values of the {name} are no numbers, the first "
                f"{values[place]} at {place}; they are not written. {causes[0].upper()}{causes[1:]}"
            )
        if not may_be_zero and not values.any():
            raise DataError(f"the {name} would be zero everywhere: {causes}")


def silent_shots(silent: Sequence[int], count: int) -> str:
    """How many of the shots of some records are zero throughout; empty if none is.

    Parameters
    ----------
    silent : sequence of int
        Numbers of the shots that recorded nothing.
    count : int
        Number of all shots.

    Returns
    -------
    text : str

    Raises
    ------
    DataError
        If all are; no records are written then.
    """
    if not silent:
        return ""
    if len(silent) == count:
        raise DataError(f"the records would be zero everywhere: {NO_RECORDS}")
    named = ", ".join(map(str, silent[:5])) + (", ..." if len(silent) > 5 else "")
    return f"{len(silent)} of {count} shots recorded nothing ({named}): {NO_RECORDS}"
