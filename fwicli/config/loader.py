"""From a YAML file to a validated config, with the place of every mistake.

A section may be a file of its own: a string where a section belongs is the path of a YAML file,
relative to the file that names it, as are all data files. `${NAME}` in a string is replaced by
the environment variable, and `--set a.b=c` by the command line, before validation. All problems
are reported in one go, each with file, line and column.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from fwicli.config.schema import KINDS
from fwicli.errors import ConfigError

Key = tuple[str | int, ...]

SECTIONS = ("model", "reference", "geometry", "wavelet", "time", "physics", "data")
COMMAND_LINE = "--set"
# Settings of a model that may be the path of a file.
PROPERTIES = ("vp", "rho", "epsilon", "delta", "theta", "phi")
VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place of the config."""

    key: Key
    message: str
    place: str = ""
    impossible: bool = False

    def __str__(self) -> str:
        where = ".".join(str(k) for k in self.key)
        return ": ".join(p for p in (self.place, where, self.message) if p)


class ProblemsError(ConfigError):
    """All problems of a config; 3 is the exit code where it is valid but impossible."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        if all(p.impossible for p in problems):
            self.exit_code = 3
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{count} in the config", *map(str, problems)]))


@dataclass(frozen=True)
class Loaded:
    """A validated config and where each of its values was found.

    Attributes
    ----------
    config : ModelConfig, InvertConfig or RtmConfig
        According to `kind`.
    places : mapping
        file:line:column by key.
    """

    config: Any
    kind: str
    path: Path
    places: Mapping[Key, str]

    def problem(self, key: Key, message: str) -> Problem:
        """A physical impossibility at a key, with its place or that of the nearest above it.

        What the command line has set below the key comes first: it is the likelier cause.
        """
        below = [p for k, p in self.places.items() if k[: len(key)] == key]
        told = [p for p in below if p.startswith(COMMAND_LINE)]
        place = told[0] if told else place_of(key, self.places)
        return Problem(key, message, place, impossible=True)


def place_of(key: Key, places: Mapping[Key, str]) -> str:
    """Where a key, or the nearest one above it, was found."""
    while key not in places and key:
        key = key[:-1]
    return places.get(key, "")


class _Reader:
    """Reads YAML files into plain values and notes where each came from."""

    def __init__(self) -> None:
        self.places: dict[Key, str] = {}
        self.problems: list[Problem] = []

    def file(self, path: Path, key: Key = ()) -> Any:
        """Content of a YAML file that stands at `key`."""
        self.places.setdefault(key, str(path))
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._problem(key, f"cannot read {path} ({error})")
            return {}
        try:
            content = YAML().load(StringIO(text))
        except MarkedYAMLError as error:
            mark = error.problem_mark
            place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
            self.problems.append(Problem(key, f"not valid YAML: {error.problem}", place))
            return {}
        except YAMLError as error:
            self._problem(key, f"not valid YAML: {error}")
            return {}
        if content is None:
            content = {}
        if not isinstance(content, Mapping):
            self._problem(key, f"{path} must hold `key: value` pairs")
            return {}
        return self._plain(content, path, key)

    def _plain(self, value: Any, path: Path, key: Key) -> Any:
        if isinstance(value, Mapping):
            plain = {}
            for name, item in value.items():
                below = (*key, str(name))
                line, column = value.lc.key(name)  # type: ignore[attr-defined]
                self.places[below] = f"{path}:{line + 1}:{column + 1}"
                plain[str(name)] = self._plain(item, path, below)
            return plain
        if isinstance(value, Sequence) and not isinstance(value, str):
            items = []
            for i, item in enumerate(value):
                line, column = value.lc.item(i)  # type: ignore[attr-defined]
                self.places[(*key, i)] = f"{path}:{line + 1}:{column + 1}"
                items.append(self._plain(item, path, (*key, i)))
            return items
        if isinstance(value, str):
            return self._text(str(value), path, key)
        for kind in (bool, int, float):
            if isinstance(value, kind):
                return kind(value)
        return value

    def _text(self, value: str, path: Path, key: Key) -> Any:
        """Text with variables replaced; the content of a file where it names one."""

        def replace(match: re.Match[str]) -> str:
            found = os.environ.get(match[1])
            if found is None:
                setting = ".".join(str(k) for k in key)
                self._problem(
                    key,
                    f"the environment variable {match[1]} is not set; set it, or give the value "
                    f"with --set {setting}=VALUE",
                )
                return match[0]
            return found

        value = VARIABLE.sub(replace, value)
        if len(key) == 1 and key[0] in SECTIONS:
            return self.file(_beside(path, value), key)
        if key and (key[-1] == "file" or key[-1] in PROPERTIES):
            return str(_beside(path, value))
        return value

    def _problem(self, key: Key, message: str) -> None:
        self.problems.append(Problem(key, message, place_of(key, self.places)))

    def set(self, tree: Any, setting: str) -> None:
        """Apply one `a.b=c` of the command line; numbers in the path index lists."""
        name, equals, text = setting.partition("=")
        place = f"{COMMAND_LINE} {setting}"
        key: Key = tuple(int(k) if k.isdigit() else k for k in name.split("."))
        if not equals or not name:
            self.problems.append(Problem((), "write it as KEY=VALUE, e.g. model.spacing=10", place))
            return
        try:
            value = YAML(typ="safe").load(text)
        except YAMLError as error:
            self.problems.append(Problem(key, f"not valid YAML: {error}", place))
            return
        for below in [k for k in self.places if k[: len(key)] == key]:
            del self.places[below]
        self.problems = [p for p in self.problems if p.key[: len(key)] != key]
        self.places[key] = place
        if isinstance(value, str):
            value = self._text(value, Path.cwd() / "command line", key)
            self.places[key] = place
        self._assign(tree, key, value, place)

    def _assign(self, tree: Any, key: Key, value: Any, place: str) -> None:
        for depth, step in enumerate(key[:-1]):
            if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
                tree = tree[step]
                continue
            if not isinstance(tree, dict):
                self.problems.append(Problem(key[: depth + 1], "there is no such key", place))
                return
            if not isinstance(tree.get(str(step)), dict | list):
                tree[str(step)] = {}
            tree = tree[str(step)]
        last = key[-1]
        if isinstance(tree, list):
            if isinstance(last, int) and last < len(tree):
                tree[last] = value
            else:
                self.problems.append(
                    Problem(key, f"the list has {len(tree)} items, numbered from 0", place)
                )
        else:
            tree[str(last)] = value


def _beside(path: Path, name: str) -> Path:
    """A path as named in the file `path`."""
    return (path.parent / Path(name).expanduser()).resolve()


def load(path: Path, kind: str | None = None, settings: Iterable[str] = ()) -> Loaded:
    """Read and validate a config.

    Parameters
    ----------
    kind : {"model", "invert", "rtm"}, optional
        Which command it is for; by default what its sections say.
    settings : iterable of str
        `a.b=c` of the command line.

    Raises
    ------
    ProblemsError
        With every problem found.
    """
    reader = _Reader()
    tree = reader.file(path)
    for setting in settings:
        reader.set(tree, setting)
    kind = kind or kind_of(tree)
    schema = KINDS[kind]
    problems = list(reader.problems)
    try:
        config = schema.model_validate(tree)
    except ValidationError as error:
        already = {p.key for p in problems}
        problems += [
            p for p in _explain(error, schema, tree, reader.places) if p.key not in already
        ]
    if problems:
        raise ProblemsError(problems)
    return Loaded(config, kind, path, reader.places)


def kind_of(tree: Mapping[str, Any]) -> str:
    """Which command a config is for."""
    if "inversion" in tree:
        return "invert"
    return "rtm" if "imaging" in tree else "model"


# --- what went wrong, in words --------------------------------------------------------------------


def _explain(
    error: ValidationError, schema: type[BaseModel], tree: Any, places: Mapping[Key, str]
) -> list[Problem]:
    """Problems in the user's terms, one a place."""
    problems: dict[Key, Problem] = {}
    for detail in error.errors():
        key = _in_tree(detail["loc"], tree, detail["type"] == "missing")
        message = _message(detail, schema, key)
        problems.setdefault(key, Problem(key, message, place_of(key, places)))
    return sorted(problems.values(), key=lambda p: _reading_order(p.place))


def _reading_order(place: str) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in place.split(":")]


def _in_tree(location: Sequence[str | int], tree: Any, missing: bool) -> Key:
    """A location of pydantic's without the names of union members, which are not in the file."""
    key: list[str | int] = []
    for i, step in enumerate(location):
        if isinstance(tree, dict) and str(step) in tree:
            tree = tree[str(step)]
        elif isinstance(tree, list) and isinstance(step, int):
            tree = tree[step]
        elif not (missing and i == len(location) - 1):
            continue
        key.append(step)
    return tuple(key)


def _message(detail: Mapping[str, Any], schema: type[BaseModel], key: Key) -> str:
    context, value = detail.get("ctx", {}), detail.get("input")
    match detail["type"]:
        case "missing":
            return "this key is required"
        case "extra_forbidden":
            return _unknown(str(key[-1]), _fields(schema, key[:-1]))
        case "greater_than":
            text = f"must be greater than {context['gt']:g}"
        case "greater_than_equal":
            text = f"must be {context['ge']:g} or more"
        case "less_than":
            text = f"must be less than {context['lt']:g}"
        case "less_than_equal":
            text = f"must be {context['le']:g} or less"
        case "float_type" | "float_parsing":
            text = "must be a number"
        case "int_type" | "int_parsing" | "int_from_float":
            text = "must be a whole number"
        case "bool_type" | "bool_parsing":
            text = "must be true or false"
        case "string_type":
            text = "must be text"
        case "finite_number":
            text = "must be a finite number"
        case "list_type":
            text = "must be a list, as in [1, 2]"
        case "model_type" | "model_attributes_type" | "dict_type":
            text = "must be a section of `key: value` pairs"
        case "too_short" | "too_long":
            bound = context.get("min_length", context.get("max_length"))
            text = f"must have {bound} values, not {context['actual_length']}"
        case "literal_error":
            text = f"must be {context['expected']}"
        case "union_tag_invalid" if context["discriminator"] == "kind()":
            tags = context["expected_tags"].replace("'", "")
            text = "must be a " + tags.replace(", ", " or a ")
        case "union_tag_invalid":
            tag = context["tag"]
            text = f"{context['discriminator']} must be one of: {context['expected_tags']}"
            return f"{text}; got '{tag}'" + _closest(tag, context["expected_tags"])
        case "union_tag_not_found":
            text = f"needs the key {context['discriminator']}"
        case "string_pattern_mismatch":
            text = "must be written as start:stop:step, as in 0:20:2"
        case "value_error":
            text = str(context["error"])
        case _:
            text = str(detail["msg"])
    shown = "" if isinstance(value, dict) else f"; got {value!r}"
    return text + shown + _suggestion(detail, value)


def _suggestion(detail: Mapping[str, Any], value: Any) -> str:
    """The nearest allowed name to a wrong one."""
    context = detail.get("ctx", {})
    allowed = str(context.get("expected", "")) + str(context.get("error", "")).partition(":")[2]
    return _closest(value, allowed) if isinstance(value, str) else ""


def _closest(name: str, allowed: str) -> str:
    close = difflib.get_close_matches(name, re.findall(r"[\w-]+", allowed), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"unknown key `{name}`; did you mean `{close[0]}`?"
    return f"unknown key `{name}`; known here: {', '.join(known)}"


def _fields(schema: Any, key: Key) -> list[str]:
    """Keys that are known in the section at `key`."""
    models = [schema]
    for step in key:
        following: list[Any] = []
        for model in models:
            if isinstance(step, int):
                following += [model]
            elif get_origin(model) is dict:
                following += _models(get_args(model)[1])
            elif step in getattr(model, "model_fields", {}):
                following += _models(model.model_fields[step].annotation)
        models = following
    return list(dict.fromkeys(f for m in models for f in getattr(m, "model_fields", {})))


def _models(annotation: Any) -> list[Any]:
    """Sections inside a type: members of unions, items of lists, and mappings of sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is dict:
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated, list):
        return [m for a in get_args(annotation) for m in _models(a)]
    return []
