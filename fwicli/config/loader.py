"""From a YAML file to a validated config, with the place of every mistake.

A section may be a file of its own: a string where a section belongs is the path of a YAML file,
relative to the file that names it, as are all data files. `${NAME}` in a string is replaced by
the environment variable, and `--set a.b=c` by the command line, before validation. All problems
are reported in one go, each with file, line and column.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fwicli.config import templates
from fwicli.config.explanations import explain
from fwicli.config.problems import ConfigProblem, Key, ProblemsError, place_of
from fwicli.config.reader import COMMAND_LINE, Reader
from fwicli.config.schema import KINDS

__all__ = ["ConfigProblem", "Key", "Loaded", "ProblemsError", "kind_of", "load", "of_options"]

Part = TypeVar("Part", bound=BaseModel)

# Sections that one command alone has.
OWN = {
    name: kind
    for kind, schema in KINDS.items()
    for name in schema.model_fields
    if sum(name in other.model_fields for other in KINDS.values()) == 1
}


@dataclass(frozen=True)
class Loaded:
    """A validated config and where each of its values was found.

    Attributes
    ----------
    config : ModelConfig, InvertConfig, RtmConfig or LsrtmConfig
        According to `kind`.
    places : mapping
        file:line:column by key.
    start : EarthModel or None
        Model to begin from in place of that of the config, which names a file that the run writes.
    branch : mapping or None
        Where that model is from: run, iterate, fingerprint.
    """

    config: Any
    kind: str
    path: Path
    places: Mapping[Key, str]
    start: Any = None
    branch: Mapping[str, Any] | None = None

    def problem(self, key: Key, message: str) -> ConfigProblem:
        """A physical impossibility at a key, with its place or that of the nearest above it.

        A value of the command line below the key comes first: it is the likelier cause.

        Parameters
        ----------
        key : Key
        message : str

        Returns
        -------
        problem : ConfigProblem
        """
        below = [p for k, p in self.places.items() if k[: len(key)] == key]
        from_command_line = [p for p in below if p.startswith(COMMAND_LINE)]
        place = from_command_line[0] if from_command_line else place_of(key, self.places)
        return ConfigProblem(key, message, place, impossible=True)


def load(path: str | Path, kind: str | None = None, settings: Iterable[str] = ()) -> Loaded:
    """Read and validate a config.

    Parameters
    ----------
    path : Path
    kind : str, optional
        Command that it is for; by default that of its sections.
    settings : iterable of str
        `a.b=c` of the command line.

    Returns
    -------
    loaded : Loaded

    Raises
    ------
    ProblemsError
        With every problem found.
    """
    path, reader = Path(path), Reader()
    tree = reader.file(path)
    for setting in settings:
        reader.set(tree, setting)
    if not tree and not reader.problems:
        message = f"is empty; {_start(kind or 'model')}"
        raise ProblemsError([ConfigProblem((), message, str(path))])
    guessed, why = kind_of(tree)
    schema = KINDS[kind or guessed]
    problems, note = list(reader.problems), ""
    config = None
    try:
        config = schema.model_validate(tree)
    except ValidationError as error:
        explained = explain(error, schema, reader.places)
        amiss = [p for p in explained if len(p.key) == 1 and _amiss(p.key[0], schema, tree)]
        if amiss and kind not in (None, guessed):
            explained = [p for p in explained if p not in amiss]
            problems.append(_of_another(path, kind or "", guessed, why))
        elif amiss and kind is None:
            note = f", taken for one of `fwi {guessed}`: {why}; --for says another command"
        problems += [p for p in explained if not _below(p.key, reader.unread)]
    if problems:
        raise ProblemsError(problems, "" if () in reader.unread else note)
    return Loaded(config, kind or guessed, path, reader.places)


def of_options(section: type[Part], stated: Mapping[str, Any], settings: Iterable[str]) -> Part:
    """A section from options of a command line, in place of a file.

    Parameters
    ----------
    section : subclass of pydantic.BaseModel
    stated : mapping
        Keys and values.
    settings : iterable of str
        More of them as text, as in `bytes.receiver_x=81:int32`.

    Returns
    -------
    section : pydantic.BaseModel

    Raises
    ------
    ProblemsError
        With every problem found.
    """
    reader, tree = Reader(), dict(stated)
    for setting in settings:
        reader.set(tree, setting)
    problems = list(reader.problems)
    try:
        validated = section.model_validate(tree)
    except ValidationError as error:
        problems += explain(error, section, reader.places)
    if problems:
        raise ProblemsError(problems, " of the options")
    return validated


def _amiss(name: str | int, schema: type[BaseModel], tree: Mapping[str, Any]) -> bool:
    """Whether a section is missing or too many."""
    return name not in schema.model_fields or name not in tree


def _of_another(path: Path, kind: str, guessed: str, why: str) -> ConfigProblem:
    return ConfigProblem(
        (),
        f"this is no config of `fwi {kind}`, but one of `fwi {guessed}`: {why}; run "
        f"`fwi {guessed} {path}`, or {_start(kind)}",
        str(path),
    )


def _start(kind: str) -> str:
    """How to begin a config of a kind."""
    if kind in templates.kinds():
        return f"`fwi init {kind}` writes a config to start from"
    return f"`fwi schema {kind}` lists the sections of its configs"


def _below(key: Key, others: Iterable[Key]) -> bool:
    """Whether a key stands at or below one of others."""
    return any(key[: len(other)] == other for other in others)


def kind_of(tree: Mapping[str, Any]) -> tuple[str, str]:
    """Which command a config is for.

    Returns
    -------
    kind : str
        One of `KINDS`.
    why : str
        In words: which section says so.
    """
    for name in [n for n in OWN if n in tree] or _misspelt(tree):
        return OWN[name], f"it has a section `{name}`"
    if "data" in tree:
        # The section `imaging` may be left out, and `inversion` may not.
        return "rtm", "it has a section `data` and no `inversion`"
    return "model", "it has no section `data`"


def _misspelt(tree: Mapping[str, Any]) -> list[str]:
    """Sections of one command that a key seems to mean."""
    return [
        match for name in tree for match in difflib.get_close_matches(name, OWN, n=1, cutoff=0.8)
    ]
