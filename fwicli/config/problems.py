"""Problems of a config: each with its key, its place and its remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fwicli.errors import ConfigError

Key = tuple[str | int, ...]

# Longest text of the user's that is repeated in a message.
LONGEST = 80


@dataclass(frozen=True)
class ConfigProblem:
    """Something wrong at a place of the config."""

    key: Key
    message: str
    place: str = ""
    impossible: bool = False

    def __str__(self) -> str:
        where = shortened(".".join(str(k) for k in self.key))
        return ": ".join(p for p in (self.place, where, self.message) if p)


class ProblemsError(ConfigError):
    """All problems of a config; 3 is the exit code where it is valid but impossible.

    Parameters
    ----------
    note : str
        A remark on all of them.
    """

    def __init__(self, problems: Sequence[ConfigProblem], note: str = "") -> None:
        self.problems = tuple(problems)
        if all(p.impossible for p in problems):
            self.exit_code = 3
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{count} in the config{note}", *map(str, problems)]))


def place_of(key: Key, places: Mapping[Key, str]) -> str:
    """Where a key, or the nearest one above it, was found.

    Parameters
    ----------
    key : Key
    places : mapping of Key to str
        file:line:column by key.

    Returns
    -------
    place : str
    """
    while key not in places and key:
        key = key[:-1]
    return places.get(key, "")


def shortened(text: str) -> str:
    """A text of the user's as it is repeated in a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
