"""The section `data` of the command line: files of records, and keys that say how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fwicli.config.data import DataSection
from fwicli.config.explanations import explain
from fwicli.config.problems import ConfigProblem, ProblemsError
from fwicli.config.reader import COMMAND_LINE, Reader
from fwicli.config.schema import RtmConfig


def read_section(
    files: Sequence[Path], settings: Sequence[str]
) -> tuple[DataSection, dict[str, Any]]:
    """The section `data` for files, with settings such as `data.preset=streamer`.

    Parameters
    ----------
    files : sequence of Path
    settings : sequence of str
        KEY=VALUE, below `data`.

    Returns
    -------
    section : DataSection
    keys : dict of str to object
        Its keys beside `file`, as they were given.

    Raises
    ------
    ProblemsError
        If a setting is no key of the section, or its value is wrong.
    """
    named: Any = str(files[0]) if len(files) == 1 else [str(path) for path in files]
    tree: dict[str, Any] = {"data": {"file": named}}
    reader, problems = Reader(), list[ConfigProblem]()
    for setting in settings:
        if not setting.startswith("data."):
            message = "`--from` takes keys of the section `data` alone, as in data.preset=streamer"
            problems.append(ConfigProblem((), message, f"{COMMAND_LINE} {setting}"))
            continue
        reader.set(tree, setting)
    problems += reader.problems
    try:
        RtmConfig.model_validate(tree)
    except ValidationError as error:
        # Other sections are missing: they are to be drafted.
        explained = explain(error, RtmConfig, reader.places)
        problems += [problem for problem in explained if problem.key[:1] == ("data",)]
    if problems:
        raise ProblemsError(problems)
    section = DataSection.model_validate(tree["data"])
    return section, {key: value for key, value in tree["data"].items() if key != "file"}
