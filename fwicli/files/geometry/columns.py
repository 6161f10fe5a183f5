"""Names of columns as people write them: what each holds, of which point, and in which unit.

A name is one of a coordinate or of an identity, perhaps with that of a point: `x`, `Easting (m)`,
`sx`, `source_x`, `X_Receiver_ft`, `FFID`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from fwicli.errors import DataError

# Lengths of units [m].
UNITS = {"m": 1.0, "km": 1000.0, "cm": 0.01, "ft": 0.3048, "us_ft": 1200 / 3937}
# How people write them, in small letters without marks; "" is for units that are no length.
SPELLINGS = {
    spelling: unit
    for unit, spellings in {
        "m": "m meter meters metre metres",
        "km": "km kilometer kilometers kilometre kilometres",
        "cm": "cm centimeter centimeters centimetre centimetres",
        "ft": "ft feet foot ift intft",
        "us_ft": "usft ftus usfeet ussurveyft ussurveyfeet ussurveyfoot",
        "": "deg degree degrees dd dms arcsec rad s ms",
    }.items()
    for spelling in spellings.split()
}
# A unit at the end of a name, without brackets, as in `x_ft`.
AT_END = re.compile(r"(.*?[\W_])(us[_-]?ft|ft[_-]?us|km|cm|ft|feet|m|meters|metres|deg)")

# Names of points; the empty one is that of a file of these points alone.
POINTS = {
    "source": "s src source sou sources shot shots sp shotpoint vp vibpoint gun",
    "receiver": "r g rec rcv recv rx receiver receivers geo geophone group node hydrophone phone",
}
NAMES = {
    "x": "x e east easting utmx utme utmeasting xcoord xcoordinate coordx xutm mapx "
    "xpos posx xposition mapgrideasting",
    "y": "y n north northing utmy utmn utmnorthing ycoord ycoordinate coordy yutm mapy "
    "ypos posy yposition mapgridnorthing",
    "z": "z depth dep tvd tvdss zcoord zcoordinate coordz zpos posz depthbelowdatum",
    "elevation": "elevation elev ele el height alt altitude surfaceelevation msl groundelevation",
    "burial": "burial burialdepth holedepth depthbelowsurface depthbelowground",
    "id": "id ids no nr num number name label station stn stat point pt index fid key",
}
# Identities that are the name of a point itself.
SELF = {
    "source": "shot source src sp shotpoint ffid fldr ep fileid filenumber shotno shotnumber vp",
    "receiver": "receiver rec rcv geophone group node channel chan trace tracf tracl hydrophone",
}
GEOGRAPHIC = "lat latitude lon long longitude"
AXES = ("x", "y", "z", "elevation", "burial")


def words(name: str) -> tuple[str, str | None]:
    """Name of a column in small letters without marks, and its unit.

    Parameters
    ----------
    name : str

    Returns
    -------
    name : str
    unit : str or None
        One of `UNITS`, "" for one that is no length, None without one.
    """
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    unit = None
    if brackets := re.search(r"[\[(]([^\])]*)[\])]?\s*$", plain):
        spelling = re.sub(r"[\W_]", "", brackets[1].lower())
        first_word = re.match(r"\w*", brackets[1].lower())
        # As in `Elevation (m above sea level)`.
        unit = SPELLINGS.get(spelling, SPELLINGS.get(first_word[0] if first_word else "") or None)
        if unit is not None or not spelling:
            plain = plain[: brackets.start()]
    plain = plain.lower().strip()
    if unit is None and (match := AT_END.fullmatch(plain)):
        plain, unit = match[1], SPELLINGS[re.sub("[_-]", "", match[2])]
    return re.sub(r"[\W_]", "", plain), unit


def accepted(role: str, point: str, alone: bool) -> frozenset[str]:
    """Names that a column may have.

    Parameters
    ----------
    role : str
        One of `NAMES`.
    point : {"source", "receiver"}
    alone : bool
        Whether the file holds these points alone, so that names need not say which.

    Returns
    -------
    names : frozenset of str
        In small letters without marks.
    """
    bases, prefixes = NAMES[role].split(), POINTS[point].split()
    names = {a + b for a, b in product(prefixes, bases)}
    # Of one letter, a point comes last in `xs`, but not in `nr`.
    names |= {b + a for a, b in product(prefixes, bases) if len(a) > 1 or b == role}
    names |= set(bases) if alone else set()
    names |= set(SELF[point].split()) if role == "id" else set()
    return frozenset(names)


def find(
    names: Sequence[str], roles: Mapping[str, frozenset[str]], stated: Mapping[str, str | int]
) -> dict[str, int]:
    """Columns by their roles.

    Parameters
    ----------
    names : sequence of str
        Of all columns.
    roles : mapping of str to frozenset of str
        Names that a column of each role may have.
    stated : mapping of str to str or int
        Name of a column, or its number from 1, by role; they come first.

    Returns
    -------
    columns : dict of str to int
        Index of the column by role, for the roles that there are.

    Raises
    ------
    DataError
        If a stated column is missing, or several columns have one role.
    """
    plain = [words(name)[0] for name in names]
    columns = {role: _stated(names, role, column) for role, column in stated.items()}
    free = [n for n in range(len(names)) if n not in columns.values()]
    for role, spellings in roles.items():
        if role in columns:
            continue
        candidates = [n for n in free if plain[n] in spellings]
        if len(candidates) > 1:
            first = names[candidates[0]]
            raise DataError(
                f"the columns {listed(names[n] for n in candidates)} may all be `{role}`; say "
                f"which, as in `columns: {{{role}: {first}}}`"
            )
        if candidates:
            columns[role] = candidates[0]
    return columns


def _stated(names: Sequence[str], role: str, column: str | int) -> int:
    """Index of a column that the user names or numbers."""
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise DataError(
                f"`columns: {{{role}: {column}}}`: there are {len(names)} columns, numbered from 1"
            )
        return column - 1
    matches = [n for n, name in enumerate(names) if name == column]
    matches = matches or [n for n, name in enumerate(names) if words(name)[0] == words(column)[0]]
    if len(matches) == 1:
        return matches[0]
    what = f"{len(matches)} columns have the name" if matches else "no column has the name"
    raise DataError(
        f"`columns: {{{role}: {column}}}`: {what} `{column}`; there are {listed(names)}; "
        f"name one of them, or give its number from 1"
    )


def unit_of(name: str, unit: str | None) -> tuple[float, str]:
    """Unit of a column.

    Parameters
    ----------
    name : str
        Of the column.
    unit : str or None
        Unit that the user states.

    Returns
    -------
    length : float
        [m].
    unit : str
        Name of the unit; empty where neither says one.

    Raises
    ------
    DataError
        If the name has another unit than the user states, or one that is no length.
    """
    own = words(name)[1]
    if own == "":
        raise DataError(
            f"the column `{name}` is not in a unit of length; project it to eastings and northings "
            f"[m] first, as with pyproj or a GIS"
        )
    if own is not None and unit is not None and own != unit:
        raise DataError(f"the column `{name}` is in {own}, and `unit` says {unit}; leave out one")
    chosen = own or unit
    return UNITS[chosen or "m"], chosen or ""


def check_geographic(names: Sequence[str]) -> None:
    """Refuse latitudes and longitudes, where no other coordinates are.

    Raises
    ------
    DataError
    """
    angles = [name for name in names if words(name)[0] in GEOGRAPHIC.split()]
    if angles:
        raise DataError(
            f"the columns {listed(angles)} are angles, and positions are in metres; project them "
            f"to eastings and northings first, as with pyproj or a GIS"
        )


def listed(names: Iterable[object]) -> str:
    """Names in backquotes."""
    return ", ".join(f"`{str(name)[:40]}`" for name in names)
