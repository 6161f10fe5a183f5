"""The examples of CONTRIBUTING do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from fwicli.config import templates
from fwicli.config.loader import load
from fwicli.workflows.model import modelling_tasks
from fwicli.workflows.planning.plan import make_plan
from tests.conftest import ROOT

TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
SETTINGS = [
    "model.shape=[61, 41]",
    "geometry.sources.x=[100, 500]",
    "geometry.receivers.x={start: 0, stop: 600, step: 40}",
    "time.duration=0.4",
    "execution.workers=1",
]
# The commands run in one process: importing what they need takes longer than running them.
PROGRAM = """
import sys
from click.testing import CliRunner
from fwicli.cli.main import cli
for line in sys.stdin.read().splitlines():
    done = CliRunner().invoke(cli, line.split("|"))
    print(f"exit {done.exit_code}", done.output, done.exception, "/* end */", sep="\\n")
"""


def examples(title: str) -> list[str]:
    """Blocks of Python in the part of CONTRIBUTING below a title."""
    part = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [textwrap.dedent(b) for b in re.findall(r" *```python\n(.*?) *```", part, re.DOTALL)]


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """Folder with a copy of the package to which the verb is added, and a config of it."""
    workflow, command, config = examples("A verb")
    package = tmp_path / "fwicli"
    shutil.copytree(ROOT / "fwicli", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "workflows" / "peaks.py").write_text(workflow, encoding="utf-8")
    (package / "cli" / "peaks.py").write_text(command, encoding="utf-8")
    with (package / "config" / "schema.py").open("a", encoding="utf-8") as schema:
        schema.write(f"\n\n{config}")
    (tmp_path / "model.yaml").write_text(templates.text("model"), encoding="utf-8")
    peaks = f"{templates.text('model')}\npeaks: {{after: 0.1}}\n"
    (tmp_path / "peaks.yaml").write_text(peaks, encoding="utf-8")
    (tmp_path / "empty.yaml").write_text("", encoding="utf-8")
    return tmp_path


def fwi(folder: Path, *commands: list[str]) -> list[str]:
    """Exit code, output and error of each command of the copy; what users err in exits with 1."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join("|".join(command) for command in commands),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("/* end */\n")[:-1]


def test_verb(extended: Path) -> None:
    """`fwi peaks` runs, is planned, explained and listed; its peaks are those of the records."""
    settings = [part for text in SETTINGS for part in ("--set", text)]
    run = ["peaks", "peaks.yaml", "-o", "result", *settings]
    printed = fwi(
        extended,
        ["--help"],
        ["peaks", "-h"],
        ["explain", "peaks.after"],
        ["check", "peaks.yaml", "--json", *settings],
        ["check", "model.yaml", "--json", *settings],
        run,
        run,
        [*run, "--force"],
        ["peaks", "empty.yaml"],
    )
    expected = [
        (0, "Model the largest pressure of each trace."),
        (0, "fwi peaks peaks.yaml --set peaks.after=0.1"),
        (0, "The pressure counts from this time on"),
        (0, '"command": "peaks"'),
        (0, '"command": "model"'),
        (0, "largest pressure"),
        (1, "already holds a run"),
        (0, "largest pressure"),
        (1, "`fwi schema peaks` lists the sections"),
    ]
    for output, (code, part) in zip(printed, expected, strict=True):
        assert output.startswith(f"exit {code}\n"), output
        assert part in output
    plan = make_plan(load(extended / "model.yaml", settings=SETTINGS))
    tasks = modelling_tasks(plan, plan.stages[0].discretization())
    first = round(0.1 / plan.interval)
    peaks = [np.abs(task()[:, first:]).max(axis=1) for task in tasks]
    np.testing.assert_allclose(np.loadtxt(extended / "result" / "peaks.txt"), peaks, rtol=1e-6)
