"""Problems and warnings of a run, collected so that all of them are reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fwicli.config.loader import ConfigProblem, Key, Loaded, ProblemsError
from fwicli.errors import FwiError, StabilityError
from fwicli.workflows.assembly import sizes
from fwicli.workflows.planning.cures import NamedFault

Built = TypeVar("Built")


class Problems:
    """Problems and warnings of a config; each problem is noted at the key that it belongs to.

    Parameters
    ----------
    loaded : Loaded
        Config with the places of its keys.

    Attributes
    ----------
    errors : list of ConfigProblem
    warnings : list of str
    notes : list of str
        How the survey was read and placed.
    faults : list of NamedFault
        Faults of the records. They are warnings, and problems beside others, whose cause they may
        be.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.errors: list[ConfigProblem] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.faults: list[NamedFault] = []
        self._suspected: list[ConfigProblem] = []
        # Time steps in a sampling interval that a problem asks for.
        self._substeps: dict[Key, int] = {}

    def get(self, key: Key, build: Callable[[], Built]) -> Built | None:
        """The result of `build`; None, and a problem at `key`, if it fails.

        Parameters
        ----------
        key : Key
            The key of an error is appended to it.
        build : callable
            It may raise an `FwiError`.

        Returns
        -------
        built : object or None
        """
        try:
            with sizes.bounded():
                return build()
        except FwiError as error:
            self.add((*key, *error.key), str(error))
            return None

    def passes(self, key: Key, check: Callable[[], None]) -> bool:
        """Whether a check raises no error; else there is a problem at `key`.

        Parameters
        ----------
        key : Key
            The key of an error is appended to it.
        check : callable
            It may raise an `FwiError`.

        Returns
        -------
        passes : bool
        """
        count = len(self.errors)
        self.get(key, check)
        return len(self.errors) == count

    def add(self, key: Key, message: str) -> None:
        """Note a problem.

        Parameters
        ----------
        key : Key
            Where it is in the config.
        message : str
            Value, cause and remedy.
        """
        self.errors.append(self.loaded.problem(key, message))

    def add_once(self, key: Key, message: str) -> None:
        """Note a problem unless there is one at this key, as of another stage.

        Parameters
        ----------
        key : Key
            Where it is in the config.
        message : str
            Value, cause and remedy.
        """
        if all(p.key != key for p in self.errors):
            self.add(key, message)

    def add_largest(self, key: Key, error: FwiError) -> None:
        """Note a problem once, of stages that need more time steps for the one that needs most.

        Parameters
        ----------
        key : Key
            Where it is in the config.
        error : FwiError
            A `StabilityError` gives the number of time steps.
        """
        substeps = error.substeps if isinstance(error, StabilityError) else 0
        if not substeps:
            self.add_once(key, str(error))
        elif substeps > self._substeps.get(key, 0):
            if key in self._substeps:
                self.errors = [p for p in self.errors if p.key != key]
            self._substeps[key] = substeps
            self.add(key, str(error))

    def warn(self, message: str) -> None:
        """Note a warning: something possible, but perhaps not intended."""
        self.warnings.append(message)

    def note(self, *messages: str) -> None:
        """Note how the survey was read and placed, where a reader of the plan cannot see it."""
        self.notes.extend(messages)

    def suspect(self, key: Key, fault: NamedFault) -> None:
        """Note a fault of the records: a warning, or a problem if there are others.

        Parameters
        ----------
        key : Key
            Where it is in the config.
        fault : NamedFault
        """
        self.faults.append(fault)
        self._suspected.append(self.loaded.problem(key, str(fault)))
        self.warn(str(fault))

    def finish(self) -> None:
        """End the checks.

        Raises
        ------
        ProblemsError
            With all problems, if there are any.
        """
        if self.errors:
            keys = {problem.key for problem in self.errors}
            causes = [problem for problem in self._suspected if problem.key not in keys]
            raise ProblemsError([*causes, *self.errors])
