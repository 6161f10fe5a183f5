"""A path on the command line that is not there is a wrong command line, whatever the verb."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from fwicli.cli.main import verbs
from fwicli.config import templates
from tests.cli.conftest import Typed

# Command lines by verb and parameter, with a path that is not there. `a.npy` and `KIND.yaml` are.
ABSENT = {
    ("check", "config"): "check gone.yaml",
    ("convert", "source"): "convert gone.h5 out.h5",
    ("convert", "source", "pattern"): "convert gone*.sgy out.h5",
    ("convert", "target"): "convert a.npy gone/out.h5",
    ("image", "run"): "image gone",
    ("image", "output"): "image . -o gone/image.h5",
    ("image", "rtm"): "image . --rtm gone",
    ("image", "lsrtm"): "image . --lsrtm gone",
    ("info", "files"): "info a.npy gone.h5",
    ("info", "files", "pattern"): "info gone*.sgy",
    ("info", "picture"): "info a.npy --plot gone/a.png",
    ("init", "file"): "init model gone/model.yaml",
    ("init", "records"): "init invert new.yaml --from gone.sgy",
    ("init", "records", "pattern"): "init invert new.yaml --from gone*.sgy",
    ("invert", "config"): "invert gone.yaml",
    ("invert", "start"): "invert invert.yaml --from gone@3",
    ("job", "folder"): "job gone",
    ("lsrtm", "config"): "lsrtm gone.yaml",
    ("merge", "run"): "merge gone",
    ("model", "config"): "model gone.yaml",
    ("plot", "source"): "plot gone",
    ("plot", "source", "what"): "plot gone vp -o a.png",
    ("plot", "output"): "plot a.npy array -o gone/a.png",
    ("report", "run"): "report gone",
    ("report", "output"): "report . -o gone/page.html",
    ("rtm", "config"): "rtm gone.yaml",
    ("status", "runs"): "status gone",
    ("submit", "config"): "submit gone.yaml",
    ("submit", "start"): "submit invert.yaml --from gone@3",
    ("verify", "config"): "verify gone.yaml",
}
# Folders of runs and of checks, which are made.
MADE = {"folder"}


def test_all_paths_of_all_verbs_are_here() -> None:
    named = {key[:2] for key in ABSENT}
    for verb, command in verbs().items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name in MADE:
                continue
            if isinstance(parameter.type, click.Path) or parameter.name == "start":
                assert (verb, parameter.name) in named


@pytest.mark.parametrize("line", ABSENT.values(), ids=str)
def test_a_path_that_is_not_there(line: str, typed: Typed, tmp_path: Path) -> None:
    """Exit code 2 with the path, and nothing is written."""
    np.save(tmp_path / "a.npy", np.ones((20, 10)))
    for kind in templates.kinds():
        (tmp_path / f"{kind}.yaml").write_text(templates.text(kind), encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    done = typed(*line.split())
    assert done.returncode == 2, done.stderr
    assert "gone" in done.stderr
    assert sorted(tmp_path.iterdir()) == before
