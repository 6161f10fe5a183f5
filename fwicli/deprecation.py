"""Public names of packages, loaded on first use, and old names that still work for a while.

An old name is an alias of the new one. Its use raises a `DeprecationWarning` that gives the new
name; tests of this project treat that warning as an error.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def warn(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that an old name is used.

    Parameters
    ----------
    old, new : str
        Dotted names, from `fwicli` on.
    stacklevel : int
        Frames between this function and the use, as in `warnings.warn`.
    """
    text = f"`{old}` is now `{new}`; the old name will be removed"
    warnings.warn(text, DeprecationWarning, stacklevel=stacklevel)


def lazy(
    package: str, public: Mapping[str, str], deprecated: Mapping[str, str]
) -> Callable[[str], Any]:
    """The `__getattr__` of a package that imports its modules on first use.

    Parameters
    ----------
    package : str
        Name of the package.
    public : mapping of str to str
        Public names, and where they are defined: `module`, or `module:name`.
    deprecated : mapping of str to str
        Old names, and the public names that replace them.

    Returns
    -------
    callable
        From a name to the object; it raises AttributeError for all other names.
    """

    def load(name: str) -> Any:
        if name in deprecated:
            # `from package import name` looks whether the name is there, before it takes it.
            looks = sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap"
            if not looks:
                warn(f"{package}.{name}", f"{package}.{deprecated[name]}")
            name = deprecated[name]
        if name in public:
            module, _, attribute = public[name].partition(":")
            return getattr(import_module(module), attribute or name)
        raise AttributeError(f"module `{package}` has no attribute `{name}`")

    return load


def renamed_fields(**new_names: str) -> Callable[[type[T]], type[T]]:
    """Class decorator: old names of fields still work as keywords and as attributes.

    Parameters
    ----------
    **new_names : str
        New names of fields by their old names.
    """

    def decorate(kind: type[T]) -> type[T]:
        start = kind.__init__

        @functools.wraps(start)
        def initialize(self: T, *args: Any, **kwargs: Any) -> None:
            for old in new_names.keys() & kwargs.keys():
                _warn_of_field(kind, old, new_names[old])
                kwargs[new_names[old]] = kwargs.pop(old)
            start(self, *args, **kwargs)

        setattr(kind, "__init__", initialize)  # noqa: B010  mypy lets no method be assigned
        for old, new in new_names.items():
            setattr(kind, old, property(functools.partial(_renamed, old=old, new=new)))
        return kind

    return decorate


def renamed_keywords(**new_names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorator of functions: old names of arguments still work as keywords.

    Parameters
    ----------
    **new_names : str
        New names of arguments by their old names.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            for old in new_names.keys() & kwargs.keys():
                own = function.__name__ != "__init__"
                name = function.__name__ if own else type(args[0]).__name__
                package = function.__module__.rpartition(".")[0]
                warn(f"{package}.{name}({old}=)", f"{package}.{name}({new_names[old]}=)")
                kwargs[new_names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate


def _renamed(instance: Any, old: str, new: str) -> Any:
    """Value of a field under its old name."""
    _warn_of_field(type(instance), old, new)
    return getattr(instance, new)


def _warn_of_field(kind: type[Any], old: str, new: str) -> None:
    warn(f"fwicli.{kind.__name__}.{old}", f"fwicli.{kind.__name__}.{new}", stacklevel=4)
