"""Problems of a config in the user's words, from the errors of pydantic: one problem a mistake."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from fwicli.config import reference
from fwicli.config.problems import LONGEST, ConfigProblem, Key, place_of, shortened
from fwicli.config.values import NOTHING

# Schemas of pydantic's that only wrap another one.
WRAPPERS = (
    "default",
    "nullable",
    "model",
    "function-before",
    "function-after",
    "function-wrap",
)


def explain(
    error: ValidationError, schema: type[BaseModel], places: Mapping[Key, str]
) -> list[ConfigProblem]:
    """Problems in the order of the file, one a mistake.

    A key that is missing because it is misspelt, or stands in another section, is one mistake.

    Parameters
    ----------
    error : ValidationError
    schema : type
        Of the config.
    places : mapping of Key to str
        file:line:column by key.

    Returns
    -------
    problems : list of ConfigProblem
    """
    details = [
        (*_followed(detail["loc"], schema), detail) for detail in error.errors(include_url=False)
    ]
    missing = [key for key, _, detail in details if detail["type"] == "missing"]
    problems: dict[Key, ConfigProblem] = {}
    meant: set[Key] = set()
    for key, node, detail in details:
        if detail["type"] == "extra_forbidden":
            message, keys = _unknown_key(key, _names(node), places, missing)
            if choices := reference.alternatives(key, schema):
                message, keys = _of_another_choice(key, detail["loc"], choices), []
            elif not keys and (other := reference.elsewhere(key, schema)):
                message = f"unknown key `{shortened(str(key[-1]))}`; did you mean `{other}`?"
            meant.update(keys)
        else:
            message = _message(detail, node)
        problems.setdefault(key, ConfigProblem(key, message, place_of(key, places)))
    for key in missing:
        if key in meant:
            problems.pop(key, None)
    return sorted(problems.values(), key=lambda p: _reading_order(p.place))


def _unknown_key(
    key: Key, fields: Sequence[str], places: Mapping[Key, str], missing: Sequence[Key]
) -> tuple[str, list[Key]]:
    """Message for an unknown key, and the keys that may be meant by it."""
    name, section = str(key[-1]), key[:-1]
    # A key that is there is not meant by another one.
    absent = [field for field in fields if (*section, field) not in places]
    close = _close(name, absent) or _close(name, fields)
    elsewhere = [other for other in missing if other[-1] == name and other != key]
    if elsewhere and not (close and (*section, close[0]) in missing):
        above = ".".join(map(str, elsewhere[0][:-1]))
        where = f"into the section `{above}`" if above else "to the top of the config"
        return f"unknown key `{shortened(name)}` here; move it {where}", elsewhere[:1]
    return _unknown(name, fields, close), [(*section, field) for field in close]


def _of_another_choice(key: Key, location: Sequence[str | int], choices: Sequence[str]) -> str:
    """Message for a key that other choices of a section have, but not the chosen one."""
    selector = choices[0].partition(":")[0]
    *first, last = (f"`{choice}`" for choice in choices)
    others = " or ".join(filter(None, (", ".join(first), last)))
    return f"`{key[-1]}` is not for `{selector}: {location[-2]}`; leave it out, or set {others}"


def _reading_order(place: str) -> list[tuple[int, str]]:
    parts = place.split(":")
    return [(int(p), "") if p.isascii() and p.isdecimal() else (0, p) for p in parts]


def _followed(location: Sequence[str | int], schema: type[BaseModel]) -> tuple[Key, Any]:
    """A location of pydantic's without steps that are not in the file, and its schema there.

    Names of the members of unions are part of pydantic's location, and may be those of keys: only
    its schema tells the two apart.

    Returns
    -------
    key : Key
    node : dict
        Schema of pydantic's at the last place that there is.
    """
    definitions: dict[str, Any] = {}
    node: Any = _bare(schema.__pydantic_core_schema__, definitions)
    key: list[str | int] = []
    for step in location:
        node = {} if node is None else node
        match node.get("type"):
            case "tagged-union" if step in node["choices"]:
                node = _bare(node["choices"][step], definitions)
                continue
            case "model-fields" if step in node["fields"]:
                node = _bare(node["fields"][step]["schema"], definitions)
            case "list":
                node = _bare(node["items_schema"], definitions)
            case "dict" if step == "[key]":
                continue
            case "dict":
                node = _bare(node["values_schema"], definitions)
            case "model-fields":
                return (*key, step), node
        key.append(step)
    return tuple(key), node


def _names(node: Any) -> list[str]:
    """Keys of a section, or tags of a union."""
    return [str(name) for name in node.get("fields") or node.get("choices") or ()]


def _bare(core: Any, definitions: dict[str, Any]) -> Any:
    """A schema of pydantic's without what wraps it."""
    while True:
        if core["type"] == "definitions":
            definitions.update({d["ref"]: d for d in core["definitions"]})
            core = core["schema"]
        elif core["type"] == "definition-ref":
            core = definitions[core["schema_ref"]]
        elif core["type"] in WRAPPERS:
            core = core["schema"]
        else:
            return core


def _message(detail: Mapping[str, Any], node: Any) -> str:
    context, value, names = detail.get("ctx", {}), detail.get("input"), _names(node)
    match detail["type"]:
        case "missing":
            return "this key is required"
        case "union_tag_invalid" if context["discriminator"] == "kind()":
            text = "must be " + " or ".join(WORDS[name] for name in names)
        case "union_tag_invalid":
            return _wrong_tag(context["discriminator"].strip("'"), str(context["tag"]), names)
        case "union_tag_not_found":
            return _no_tag(context["discriminator"].strip("'"), names, value)
        case "value_error":
            text = str(context["error"])
        case "literal_error" if context["expected"] == "False":
            text = "must be a section of settings, or false"
        case "string_type" if isinstance(value, dict):
            text = "must be text, and with `: ` or `:` at its end it is a section; put it in quotes"
        case "float_type" | "int_type" if isinstance(value, str) and WITH_UNIT.fullmatch(value):
            text = "must be a number alone, without a unit"
        case kind if kind in TEXTS:
            text = str(TEXTS[kind]).format(**context)
        case "too_short" | "too_long":
            text = _of_length(context, node)
        case "list_type":
            text = _a_list(value, node)
        case "model_type" | "model_attributes_type" | "dict_type":
            text = _a_section(value, node)
        case _:
            text = str(detail["msg"])
    return text + _shown(value) + _suggestion(detail, value)


# A number and a unit, such as `4 ms`.
WITH_UNIT = re.compile(r"[+-]?\d[\d.]*(?:[eE][+-]?\d+)? ?[A-Za-z%][\w/%]*")
# By pydantic's type of error.
TEXTS = {
    "greater_than": "must be greater than {gt:.12g}",
    "greater_than_equal": "must be {ge:.12g} or more",
    "less_than": "must be less than {lt:.12g}",
    "less_than_equal": "must be {le:.12g} or less",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be the path of a file",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be written as start:stop:step, as in 0:20:2, or be one number",
}


# Names of the members of a union, by their tags.
WORDS = {
    "number": "a number",
    "list": "a list",
    "text": "text",
    "mapping": "a section",
    "file": "a section with a `file`",
    "switch": "true or false",
}


def _of_length(context: Mapping[str, Any], node: Any) -> str:
    """How many items a list must have."""
    least, most = node.get("min_length"), node.get("max_length")
    bound = context.get("min_length", context.get("max_length"))
    word = "" if least == most else "at least " if "min_length" in context else "at most "
    items = "item" if bound == 1 else "values"
    return f"must have {word}{bound} {items}, not {context['actual_length']}"


def _a_list(value: Any, node: Any) -> str:
    """That a list is wanted, with the one that is perhaps meant."""
    item = _bare(node.get("items_schema", {"type": "any"}), {})
    if item["type"] == "tagged-union" and isinstance(item["discriminator"], str):
        named = isinstance(value, str) and value in item["choices"]
        kind = value if named else next(iter(item["choices"]))
        return f"must be a list of sections, as in [{{{item['discriminator']}: {kind}}}]"
    if item["type"] in ("model-fields", "dict"):
        return "must be a list of sections, as in [{...}, {...}]"
    meant = f"[{shortened(str(value))}]" if isinstance(value, str) and value else "[1, 2]"
    return f"must be a list, as in {meant}"


def _a_section(value: Any, node: Any) -> str:
    """That a section is wanted, and of which keys."""
    tag = node.get("discriminator")
    if isinstance(tag, str) and isinstance(value, str) and value in node["choices"]:
        return f"must be a section, as in {{{tag}: {value}}}"
    if isinstance(tag, str):
        return f"must be a section with the key `{tag}`, one of: {', '.join(_names(node))}"
    keys = f", of {', '.join(_names(node))}" if node.get("fields") else ""
    return f"must be a section of `key: value` pairs{keys}"


def _shown(value: Any) -> str:
    """The value of the user, cut to a recognisable length."""
    if value is None or value is NOTHING:
        return "; got nothing"
    if isinstance(value, dict):
        return ""
    return f"; got {shortened(repr(value))}"


def _wrong_tag(name: str, tag: str, names: Sequence[str]) -> str:
    return f"`{name}` must be one of: {', '.join(names)}{_shown(tag)}" + _did_you_mean(tag, names)


def _no_tag(name: str, names: Sequence[str], value: Any) -> str:
    """Message for a section without its kind."""
    text = f"needs the key `{name}`, one of: {', '.join(names)}"
    near = difflib.get_close_matches(name, value, n=1) if isinstance(value, dict) else []
    return f"{text}; `{near[0]}` should perhaps be `{name}`" if near else text


def _suggestion(detail: Mapping[str, Any], value: Any) -> str:
    """The nearest allowed name to a wrong one."""
    context = detail.get("ctx", {})
    allowed = str(context.get("expected", "")) + str(context.get("error", "")).partition(":")[2]
    if not isinstance(value, str):
        return ""
    return _did_you_mean(value, re.findall(r"[\w-]+", allowed))


def _did_you_mean(name: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:LONGEST], list(allowed), n=1)
    return f"; did you mean `{close[0]}`?" if close and close[0] != name else ""


def _close(name: str, names: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(name[:LONGEST], names, n=1, cutoff=0.6)


def _unknown(name: str, names: Sequence[str], close: Sequence[str]) -> str:
    if close:
        return f"unknown key `{shortened(name)}`; did you mean `{close[0]}`?"
    return f"unknown key `{shortened(name)}`; known here: {', '.join(names)}"
