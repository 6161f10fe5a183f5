"""Settings of a config as plain values, and how those of two differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fwicli.errors import ConfigError

# Settings that change how a run is carried out but not its result.
FREE = ("execution", "output")

# Whether a value of the config may change in a run that is continued: key, old and new value.
Allowed = Callable[[str, Any, Any], bool]


def no_change(_key: str, _old: Any, _new: Any) -> bool:
    """No value may change.

    Parameters
    ----------
    _key : str
    _old, _new : object

    Returns
    -------
    allowed : bool
    """
    return False


def without_none(value: Any) -> Any:
    """Settings without those that are not given."""
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    return [without_none(v) for v in value] if isinstance(value, list) else value


def as_yaml(settings: Any) -> str:
    """Settings as YAML, without those that are not given."""
    text = StringIO()
    YAML().dump(without_none(settings), text)
    return text.getvalue()


def differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Settings that differ, with their key, and the old and the new value; None for none.

    Parameters
    ----------
    old, new : object
        Settings of a config.
    key : str
        Where they are, joined by dots.

    Yields
    ------
    key : str
    old, new : object
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            below = f"{key}.{name}" if key else name
            yield from differences(old.get(name), new.get(name), below)
    elif isinstance(old, list) and isinstance(new, list):
        for i, (a, b) in enumerate(zip_longest(old, new)):
            yield from differences(a, b, f"{key}.{i}")
    elif old != new:
        yield key, old, new


def changes(old: Any, new: Any, allowed: Allowed = no_change) -> tuple[list[str], list[str]]:
    """Settings of two configs that differ and matter for the result, in words.

    Parameters
    ----------
    old, new : dict
        Settings of the configs.
    allowed : callable
        Whether a value may change in a run that is continued; none by default.

    Returns
    -------
    changed, extended : list of str
        Changes that are not allowed, and those that are.
    """
    changed: list[str] = []
    extended: list[str] = []
    for key, before, after in differences(old, new):
        if key.split(".")[0] not in FREE:
            listed = extended if allowed(key, before, after) else changed
            listed.append(f"{key}: {before!r} -> {after!r}")
    return changed, extended


def read(path: Path) -> Any:
    """Settings of a resolved config.

    Parameters
    ----------
    path : Path

    Returns
    -------
    settings : dict

    Raises
    ------
    ConfigError
        If it is damaged.
    """
    with undamaged(path), path.open(encoding="utf-8") as file:
        return YAML(typ="safe").load(file)
    return {}  # not reached: errors are raised


def read_environment(path: Path) -> dict[str, Any]:
    """Versions, inputs and decisions of a run.

    Parameters
    ----------
    path : Path

    Returns
    -------
    environment : dict

    Raises
    ------
    ConfigError
        If it is damaged.
    """
    with undamaged(path):
        environment = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(environment, dict) or "inputs" not in environment:
            raise ValueError("it names no inputs")
        return environment
    return {}  # not reached: errors are raised


@contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Turn what a library raises for a file that is damaged into a sentence."""
    try:
        yield
    except (ValueError, RecursionError, YAMLError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(
            f"{path} is not what a run has left there ({text}), so that the run cannot be "
            f"continued; begin it anew with --force or another -o"
        ) from error


def stored(path: Path) -> dict[str, Any]:
    """Settings of the resolved config of a run; empty where it cannot be read."""
    from ruamel.yaml import YAML

    with suppress(OSError, ValueError, RecursionError, YAMLError):
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}
