"""Sites of a user from text to validated sections, with the place of every mistake."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from fwicli.config.explanations import explain
from fwicli.config.problems import ConfigProblem, ProblemsError, place_of
from fwicli.config.reader import Reader
from fwicli.config.site import SiteSection

START = "`fwi site init NAME` writes a site to start from"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Words of `fwi site` that no site can be named.
RESERVED = ("init", "check")
NO_NAME = "is no name of a site: letters, digits, `_`, `-` and `.`, and not `init` or `check`"


def is_name(name: str) -> bool:
    """Whether a text can be the name of a site."""
    return NAME.fullmatch(name) is not None and name not in RESERVED


def read_sites(file: Path) -> dict[str, SiteSection]:
    """Sites of a file, by name.

    Parameters
    ----------
    file : Path

    Returns
    -------
    sites : dict of str to SiteSection

    Raises
    ------
    ProblemsError
        With every problem of the file.
    """
    reader = Reader(START)
    tree = reader.file(file)
    problems, sections = list(reader.problems), {}
    for name, content in tree.items():
        if not is_name(name):
            problems.append(ConfigProblem((name,), NO_NAME, place_of((name,), reader.places)))
            continue
        places = {key[1:]: place for key, place in reader.places.items() if key[:1] == (name,)}
        try:
            sections[name] = SiteSection.model_validate(content)
        except ValidationError as error:
            explained = explain(error, SiteSection, places)
            problems += [ConfigProblem((name, *p.key), p.message, p.place) for p in explained]
    if problems:
        raise ProblemsError(problems, " of sites")
    return sections
