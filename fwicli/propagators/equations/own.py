"""Wave equations of users: each in a file, known by the name and the content of the file.

A file states an `Equation` as the modules of this folder do, and calls it `EQUATION`. It leaves out
the name, which is that of the file, and the footprint, which is counted from the kernels:

    physics: {equation: {file: my_waves.py}}

The equation is called `my_waves@` and the first digits of the SHA-256 of the file. The name goes
wherever those of other equations go: to workers, which read the file again, and to the names of
compiled kernels. A file that is changed is thus another equation, and never runs with kernels or
results of the one before.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from fwicli.errors import PhysicsError
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint
from fwicli.survey.properties import PROPERTIES

DIGITS = 8
# Footprints of equations in files by name and number of dimensions (see `kernels.footprints`).
COUNTED: dict[tuple[str, int], Footprint] = {}


class OwnEquation(str):
    """Name of the equation of a file.

    Attributes
    ----------
    file : Path
        Absolute.
    """

    file: Path

    def __new__(cls, name: str, file: Path) -> OwnEquation:
        """A name that knows its file."""
        new = super().__new__(cls, name)
        new.file = file
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        name = str(self)
        counted = {key: value for key, value in COUNTED.items() if key[0] == name}
        return _restored, (name, self.file, counted)


def _restored(name: str, file: Path, counted: Mapping[tuple[str, int], Footprint]) -> OwnEquation:
    """A name in another process, with the arrays that were counted in the first."""
    COUNTED.update(counted)
    return OwnEquation(name, file)


def own_equation(file: str | Path) -> OwnEquation:
    """Name of the equation that a file states, for `equation=` wherever there is one.

    Parameters
    ----------
    file : str or Path
        A Python module with an `Equation` called `EQUATION`. Its name is that of a module.

    Returns
    -------
    OwnEquation

    Raises
    ------
    PhysicsError
        If the file cannot be read, or has no such name.
    """
    path = Path(file).absolute()
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise PhysicsError(
            f"the equation is to be in `{path.name}`; name the file as a Python module, as "
            f"`my_waves.py`"
        )
    return OwnEquation(f"{path.stem}@{_digest(_content(path))}", path)


@cache
def load(name: OwnEquation) -> Equation:
    """The equation of a name, from its file.

    Parameters
    ----------
    name : OwnEquation

    Returns
    -------
    Equation
        An error in its statement becomes a PhysicsError that names the line.

    Raises
    ------
    PhysicsError
        If the file is not what it was when it was named, does not run, or has no `EQUATION`.
    """
    content = _content(name.file)
    if f"{name.file.stem}@{_digest(content)}" != name:
        raise PhysicsError(
            f"the file `{name.file}` has changed since the run began with the equation `{name}`; "
            f"bring back what it was, or begin another run"
        )
    module = ModuleType(name.file.stem)
    module.__file__ = str(name.file)
    _with_place(name.file, lambda: exec(compile(content, name.file, "exec"), module.__dict__))
    stated = getattr(module, "EQUATION", None)
    if not isinstance(stated, Equation):
        what = "none" if stated is None else f"a {type(stated).__name__}"
        raise PhysicsError(
            f"the file `{name.file}` needs an `Equation` called `EQUATION`, and has {what}; see "
            f"`fwicli.Equation`"
        )
    _check_properties(name, stated)
    return replace(
        stated,
        name=name,
        state=lambda medium: _with_place(name.file, lambda: stated.state(medium)),
        footprint=lambda ndim: COUNTED[str(name), ndim],
    )


def _check_properties(name: OwnEquation, stated: Equation) -> None:
    """Its parameters must be formulas of properties that models have."""
    properties = _with_place(name.file, lambda: [*stated.properties_in(2), *stated.properties])
    if unknown := sorted(set(properties) - set(PROPERTIES)):
        raise PhysicsError(
            f"the equation of `{name.file}` has the properties {', '.join(unknown)}, which no "
            f"model has; state its parameters in {', '.join(PROPERTIES)}"
        )


def _with_place(file: Path, run: Callable[[], Any]) -> Any:
    """Run a part of a file; an error says where it happens there."""
    try:
        return run()
    except Exception as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
        said = str(error) if isinstance(error, PhysicsError) else f"{type(error).__name__}: {error}"
        place = f"line {line} of `{file}`" if line else f"`{file}`"
        raise PhysicsError(f"{said}, in {place}; that equation cannot be used") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhysicsError(
            f"the file `{path}` of the equation cannot be read: {error.strerror}; give the path of "
            f"a Python file that states one"
        ) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
