"""The record of a run: all that its folder holds, whether it has ended or not."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.loader import Loaded, load
from fwicli.disk import ownership
from fwicli.errors import ConfigError, DataError
from fwicli.files import datasets, hdf5
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.status import FINISHED
from fwicli.workflows.viewing import status
from fwicli.workflows.viewing.status import UNKNOWN, RunReport

Array = NDArray[Any]

# A line of the log that begins a message.
MESSAGE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (.*)")
WARNING = "warning: "
# Files of the results by kind.
RESULTS = {
    "model": outputs.RECORDS,
    "rtm": outputs.IMAGE,
    "lsrtm": outputs.IMAGE,
    "invert": outputs.INVERSION,
}


@dataclass(frozen=True)
class Message:
    """A message of the log.

    Attributes
    ----------
    time : str
    text : str
    """

    time: str
    text: str


@dataclass(frozen=True)
class RunRecord:
    """All that the folder of a run holds.

    Attributes
    ----------
    folder : Path
    loaded : Loaded
        The resolved config.
    environment : mapping
        Versions, host, date, and fingerprints of the inputs.
    steps : list of dict
        Lines of the progress.
    messages : list of Message
        Of the log.
    """

    folder: Path
    loaded: Loaded
    environment: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    messages: Sequence[Message]

    @property
    def kind(self) -> str:
        """Name of the command that ran."""
        return self.loaded.kind

    @property
    def result(self) -> Path | None:
        """File of the result; None as long as there is none."""
        path = self.folder / RESULTS.get(self.kind, "")
        return path if path.is_file() else None

    @cached_property
    def history(self) -> dict[str, Array]:
        """Columns of an inversion by iterate; empty without iterates."""
        if self.kind != "invert" or self.result is None:
            return {}
        return hdf5.read_history(self.result)

    @cached_property
    def status(self) -> RunReport:
        """How far the run has come, as `fwi status` tells it."""
        return status.run(self.folder, ask=False)

    @cached_property
    def state(self) -> dict[str, Any]:
        """Numbers of the state of an inversion; empty without one."""
        path = self.folder / outputs.STATE
        if not path.is_file():
            return {}
        with suppress(DataError), datasets.reading(path) as file:
            return file.attributes()
        return {}

    @property
    def finished(self) -> bool:
        """Whether the run has done all that its config says."""
        if self.status.state != UNKNOWN:
            return self.status.state == FINISHED
        if self.result is None or not self.steps:
            return False
        if self.kind != "invert":
            return "seconds" in self.steps[-1]
        stages, last = self.loaded.config.inversion.stages, self.steps[-1]
        done = last["iteration"] >= stages[-1].iterations or bool(self.state.get("ended", False))
        return bool(last["stage"] == len(stages) and done)

    @property
    def warnings(self) -> list[str]:
        """Warnings of the log, each once; a run that was resumed repeats them."""
        texts = [m.text.removeprefix(WARNING) for m in self.messages if m.text.startswith(WARNING)]
        return [text if n == 1 else f"{text} ({n} times)" for text, n in Counter(texts).items()]

    def column(self, name: str) -> Array:
        """Numbers of all steps, from the first evaluation on; NaN where a step lacks them."""
        return np.array([float(step.get(name, np.nan)) for step in self.steps])


def read(folder: Path) -> RunRecord:
    """Read the folder of a run.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    record : RunRecord

    Raises
    ------
    ConfigError
        If no run has written it, or its config cannot be read.
    TrustError
        If another user could have written it: its config may name a program.
    """
    config = folder / outputs.CONFIG
    ownership.check_folder(folder)
    if not config.is_file() or not (folder / outputs.ENVIRONMENT).is_file():
        raise ConfigError(
            f"{folder} is not the folder of a run: {outputs.CONFIG} or {outputs.ENVIRONMENT} is "
            f"missing; name the folder that a command wrote into, as `fwi report runs/NAME`"
        )
    ownership.open_run_file(config).close()
    return RunRecord(
        folder,
        load(config),
        _environment(folder / outputs.ENVIRONMENT),
        _steps(folder / outputs.PROGRESS),
        _messages(folder / outputs.LOG),
    )


def _environment(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); copy it from a backup") from error
    return content if isinstance(content, dict) else {}


def _steps(path: Path) -> list[dict[str, Any]]:
    """Whole lines of the progress: of a run that goes on, the last may be half written."""
    steps = []
    for line in _lines(path):
        with suppress(ValueError):
            step = json.loads(line)
            if isinstance(step, dict):
                steps.append(step)
    return steps


def _messages(path: Path) -> list[Message]:
    """Messages of the log; lines without a time go on with the message above."""
    messages: list[Message] = []
    for line in _lines(path):
        match = MESSAGE.fullmatch(line)
        if match is not None:
            messages.append(Message(match[1], match[2]))
        elif messages:
            messages[-1] = Message(messages[-1].time, f"{messages[-1].text}\n{line}")
    return messages


def _lines(path: Path) -> list[str]:
    """Lines of a text file; none without the file."""
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
