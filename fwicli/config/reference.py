"""Reference of all keys of configs, from the schema: type, unit, default, range, a sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from fwicli.config.problems import LONGEST, shortened
from fwicli.config.schema import KINDS
from fwicli.errors import ConfigError

# In a key, any name that a mapping of the user's gives.
NAME = "NAME"
# Type of a section whose keys are the user's names.
MAPPING = "mapping of names"
# Keys that choose among alternatives.
SELECTORS = ("kind", "method", "layout")
UNIT = re.compile(r"\[([^\]]+)\]")
# Keywords of a JSON schema, and how a range is written.
RANGE = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}

Node = Mapping[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """One key of a config, in one of the alternatives that have it.

    Parameters
    ----------
    key : tuple of str
        Names from the top of the config; lists add none, and `NAME` stands for any name.
    selector : str
        Choice of the alternative that has the key, as in `kind: huber`; or empty.
    sentence, unit, type, default, allowed : str
        Description, unit and default, as they are shown; or empty.
    """

    key: Key
    selector: str
    sentence: str
    unit: str
    type: str
    default: str
    allowed: str


def json_schema(command: str) -> dict[str, Any]:
    """JSON schema of the configs of a command, as editors take it.

    Parameters
    ----------
    command : str
        One of `KINDS`.
    """
    schema = KINDS[command].model_json_schema()
    plain: dict[str, Any] = _for_editors(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **plain}


@cache
def settings(command: str) -> tuple[Setting, ...]:
    """All keys of the configs of a command, each once for every alternative."""
    schema = json_schema(command)
    return tuple(dict.fromkeys(_walk(schema, schema["$defs"], ())))


def explained(key: str) -> dict[Setting, list[str]]:
    """Meaning of a key for each alternative, and the commands whose configs have it.

    Parameters
    ----------
    key : str
        Names joined by dots, as in `inversion.stages.band`; numbers of list items are left out.

    Raises
    ------
    ConfigError
        If no config has such a key.
    """
    parts = tuple(part for part in key.split(".") if not part.lstrip("-").isdecimal())
    commands: dict[Setting, list[str]] = {}
    for command in KINDS:
        for setting in settings(command):
            if _is_meant(setting, parts):
                commands.setdefault(setting, []).append(command)
    if not commands:
        names = sorted({".".join(s.key) for command in KINDS for s in settings(command)})
        raise ConfigError(f"no config has the key `{shortened(key)}`{_suggestion(parts, names)}")
    return commands


def elsewhere(key: Sequence[str | int], schema: type[BaseModel]) -> str:
    """A key of the same name in another section, nearest by its sections; or empty.

    Parameters
    ----------
    key : sequence of str or int
    schema : type
        Of the config.

    Returns
    -------
    key : str
    """
    parts = _without_places(key)
    names = [".".join(s.key) for s in _settings_of(schema)]
    same = [name for name in names if name.rpartition(".")[2] == parts[-1]]
    return next(iter(_nearest(parts, same)), "")


def alternatives(key: Sequence[str | int], schema: type[BaseModel]) -> list[str]:
    """Alternatives of a section that have a key which the chosen one lacks, as `kind: bregman`.

    Parameters
    ----------
    key : sequence of str or int
    schema : type
        Of the config.

    Returns
    -------
    selectors : list of str
    """
    parts = _without_places(key)
    chosen = [s.selector for s in _settings_of(schema) if s.key == parts and s.selector]
    return [
        f"{name}: {choice}"
        for name, _, choices in (selector.partition(": ") for selector in dict.fromkeys(chosen))
        for choice in choices.split(" or ")
    ]


def _without_places(key: Sequence[str | int]) -> Key:
    """Names of a key, without places in lists."""
    return tuple(str(part) for part in key if not isinstance(part, int))


def _settings_of(schema: type[BaseModel]) -> list[Setting]:
    """Keys of the configs of a schema."""
    return [s for command, kind in KINDS.items() if kind is schema for s in settings(command)]


def _nearest(parts: Key, names: list[str]) -> list[str]:
    """Of keys with the same name, the one whose sections are most alike."""
    return difflib.get_close_matches(".".join(parts)[:LONGEST], names, n=1, cutoff=0.0)


def below(key: Key, command: str) -> list[Setting]:
    """Keys of a section, of all its alternatives; of the whole config for an empty key.

    Parameters
    ----------
    key : tuple of str
    command : str
        Name of the command.

    Returns
    -------
    settings : list of Setting
    """
    return [
        setting
        for setting in settings(command)
        if [name for name in setting.key if name != NAME][:-1] == [n for n in key if n != NAME]
    ]


def _for_editors(node: Any) -> Any:
    """A schema that takes what several alternatives allow, with sentences on one line."""
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {}
    for name, value in node.items():
        if name == "discriminator" and isinstance(value, dict) and "mapping" in value:
            continue
        if name == "description" and isinstance(value, str):
            value = " ".join(value.split())
        plain["anyOf" if name == "oneOf" else name] = _for_editors(value)
    return plain


def _branches(node: Node, definitions: Mapping[str, Node]) -> Iterator[Node]:
    """Alternatives of a value, without null and with references followed."""
    if "$ref" in node:
        yield from _branches(definitions[node["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in node:
        for member in node["anyOf"]:
            yield from _branches(member, definitions)
    elif node.get("type") != "null":
        yield node


def _walk(node: Node, definitions: Mapping[str, Node], above: Key) -> Iterator[Setting]:
    for branch in _branches(node, definitions):
        for name, value in branch.get("properties", {}).items():
            key = (*above, name)
            required = name in branch.get("required", ())
            yield _setting(key, _selector(branch), value, definitions, required)
            yield from _walk(value, definitions, key)
        if "items" in branch:
            yield from _walk(branch["items"], definitions, above)
        if isinstance(branch.get("additionalProperties"), dict):
            yield from _walk(branch["additionalProperties"], definitions, (*above, NAME))


def _setting(
    key: Key, selector: str, node: Node, definitions: Mapping[str, Node], required: bool
) -> Setting:
    branches = list(_branches(node, definitions))
    sentence = node.get("description", "")
    unit = UNIT.findall(sentence)
    return Setting(
        key=key,
        selector=selector,
        sentence=sentence,
        unit=unit[-1] if unit else "",
        type=" or ".join(dict.fromkeys(_type(b, definitions) for b in branches)),
        default="required" if required else _default(node.get("default")),
        allowed="; ".join(_alternatives(branches, definitions)),
    )


def _alternatives(branches: list[Node], definitions: Mapping[str, Node]) -> list[str]:
    """Allowed values of each alternative; alternatives of one key are listed together."""
    allowed: dict[str, list[str]] = {}
    for branch in branches:
        choice, _, names = _selector(branch).partition(": ")
        allowed.setdefault(choice, []).append(names or _allowed(branch, definitions))
    texts = [text for text in dict.fromkeys(allowed.pop("", [])) if text]
    return [f"{choice}: {', '.join(names)}" for choice, names in allowed.items()] + texts


def _default(value: Any) -> str:
    """A default; of a section that of its keys, or the alternative that is selected."""
    if not isinstance(value, dict):
        return _shown(value)
    choices = [f"{name}: {value[name]}" for name in SELECTORS if name in value]
    return choices[0] if choices else "defaults of its keys"


def _selector(branch: Node) -> str:
    """The choice that leads to an alternative, as in `kind: huber`."""
    for name in SELECTORS:
        names = _names(branch.get("properties", {}).get(name, {}))
        if names:
            return f"{name}: {' or '.join(map(_shown, names))}"
    return ""


def _names(node: Node) -> list[Any]:
    return [node["const"]] if "const" in node else list(node.get("enum", ()))


def _type(node: Node, definitions: Mapping[str, Node]) -> str:
    match node.get("type"):
        case "object" if "properties" in node:
            return "section"
        case "object":
            return MAPPING
        case "array":
            items = dict.fromkeys(
                _type(item, definitions) for item in _branches(node["items"], definitions)
            )
            return f"list of {' or '.join(map(_plural, items))}"
        case "boolean":
            return "false" if node.get("const") is False else "true or false"
        case "string" if _names(node):
            return "name"
        case "string":
            return "path" if node.get("format") == "path" else "text"
        case "integer":
            return "whole number"
    return "number"


def _plural(items: str) -> str:
    """Several values of a type, as lists of numbers."""
    return items.replace("list", "lists", 1) if items.startswith("list") else f"{items}s"


def _allowed(node: Node, definitions: Mapping[str, Node]) -> str:
    """Names or range of a value, and of the items of a list."""
    if node.get("type") == "array":
        inner = [_allowed(item, definitions) for item in _branches(node["items"], definitions)]
        fewest, most = node.get("minItems", 0), node.get("maxItems")
        length = f"{fewest} to {most}" if most is not None else f"at least {fewest}"
        length = f"{fewest}" if fewest == most else length
        noun = "item" if (fewest if most is None else most) == 1 else "items"
        count = [f"{length} {noun}"] if fewest or most is not None else []
        return ", ".join(dict.fromkeys([*count, *filter(None, inner)]))
    if node.get("type") == "object":
        return ", ".join(_names(node.get("propertyNames", {})))
    if node.get("const") is False:
        return ""
    bounds = [text.format(_shown(node[name])) for name, text in RANGE.items() if name in node]
    return ", ".join([*map(_shown, _names(node)), *bounds])


def _shown(value: Any) -> str:
    """A value as a config has it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)


def _is_meant(setting: Setting, key: Key) -> bool:
    """Whether a key is that of a setting, or names an item of a mapping that is one."""
    pattern = (*setting.key, NAME) if MAPPING in setting.type else setting.key
    lengths = (len(setting.key), len(pattern))
    return len(key) in lengths and all(
        name in (NAME, part) for name, part in zip(pattern, key, strict=False)
    )


def _suggestion(parts: Key, names: list[str]) -> str:
    """The nearest key to one that is misspelt, or those that end as it does."""
    whole, last = ".".join(parts)[:LONGEST], parts[-1][:LONGEST] if parts else ""
    same = [name for name in names if name.rpartition(".")[2] == last]
    near = _nearest(parts, same) or difflib.get_close_matches(whole, names, n=1)
    if not near:
        by_end = {name.rpartition(".")[2]: name for name in reversed(names)}
        near = [by_end[name] for name in difflib.get_close_matches(last, by_end, n=1)]
    return f"; did you mean `{near[0]}`?" if near else "; `fwi explain` lists the sections"
