"""The command line: exit codes, help, mistakes, and what interrupts it."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import click
import h5py
import pytest
from click.testing import CliRunner

from fwicli.cli import display, main
from fwicli.cli.main import verbs
from fwicli.cli.verb import VerbCommand
from fwicli.config import templates
from fwicli.config.loader import load
from fwicli.config.schema import KINDS
from tests import pictures
from tests.cli.conftest import Typed
from tests.conftest import ROOT

FWI = [sys.executable, "-m", "fwicli"]


def fwi(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FWI, *arguments], capture_output=True, text=True, cwd=cwd, timeout=300, check=False
    )


@pytest.fixture
def small(tmp_path: Path, typed: Typed) -> Path:
    """Folder with the config of a small modelling run."""
    done = typed("init", "model", "m.yaml")
    assert done.returncode == 0, done.stderr
    return tmp_path


SMALL = [
    "--set",
    "model.shape=[61, 41]",
    "--set",
    "geometry.sources.x=[100, 300, 500]",
    "--set",
    "geometry.receivers.x={start: 0, stop: 600, step: 40}",
    "--set",
    "time.duration=0.4",
]


def test_help_needs_click_alone() -> None:
    """`fwi --help` imports click and the standard library, and names every verb."""
    program = (
        "import sys\n"
        "from fwicli.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'scipy', 'devito', 'h5py', 'matplotlib', 'pydantic', 'rich', 'ruamel'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.rstrip().endswith("[]"), done.stdout
    for verb in verbs():
        assert verb in done.stdout


def test_check_needs_no_devito(small: Path) -> None:
    """A plan is made without the code generator, nor a plot."""
    program = (
        "import sys\n"
        "from fwicli.cli.main import cli\n"
        "cli.main(['check', 'm.yaml'], standalone_mode=False)\n"
        "print(sorted({'devito', 'sympy', 'matplotlib', 'rich', 'torch'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=small
    )
    assert done.stdout.rstrip().endswith("[]"), done.stdout


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_help(verb: str, typed: Typed) -> None:
    """One line in the list, examples, and what its exit codes mean."""
    done = typed(verb, "-h")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: fwi {verb}")
    assert "Exit codes:" in done.stdout
    declared = verbs()[verb]
    assert declared.short_help
    assert len(declared.short_help) <= 70
    assert {0, 2} <= declared.exit_codes.keys()
    for example in declared.examples:
        assert f"  fwi {example}\n" in done.stdout


@pytest.mark.parametrize("first", [["--help"], ["-h"]])
def test_help_of_a_verb_that_was_called_without_its_group(first: list[str]) -> None:
    """Click remembers the option of help of the first call; it is that of every later one."""
    verb = VerbCommand("schema", help="A verb that nobody has called.")
    runner = CliRunner()
    assert runner.invoke(verb, first).exit_code == 0
    group = click.Group("fwi", {"schema": verb}, context_settings=main.cli.context_settings)
    for option in ("-h", "--help"):
        done = runner.invoke(group, ["schema", option])
        assert done.exit_code == 0, done.output
        assert done.output.startswith("Usage: fwi schema")


@pytest.mark.parametrize(
    "example", [example for verb in verbs().values() for example in verb.examples]
)
def test_examples_of_help_can_be_typed(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is parsed, and its settings fit the template of its config."""
    monkeypatch.chdir(tmp_path)
    for kind in templates.kinds():
        CliRunner().invoke(main.cli, ["init", kind], catch_exceptions=False)
    name, *arguments = shlex.split(example.partition(" > ")[0])
    context = verbs()[name].make_context(name, arguments)
    if "config" in context.params:
        config, settings = context.params["config"], context.params["settings"]
        kind = name if name in KINDS else config.stem
        if kind in templates.kinds():
            assert load(config, kind, settings).kind == kind
    else:
        assert CliRunner().invoke(main.cli, [name, *arguments, "--help"]).exit_code == 0


def test_public_names_are_there() -> None:
    import fwicli

    for name in fwicli.__all__:
        value = getattr(fwicli, name)
        original = fwicli.PUBLIC[name].partition(":")[2] or name  # where it is defined
        assert getattr(value, "__name__", original).lower() == original.lower()
    with pytest.raises(AttributeError, match="no attribute `Propagater`"):
        _ = fwicli.Propagater


def test_init_does_not_overwrite(small: Path, typed: Typed) -> None:
    done = typed("init", "model", "m.yaml")
    assert done.returncode == 2
    assert "m.yaml exists" in done.stderr
    assert typed("init", "model", "m.yaml", "--force").returncode == 0
    printed = typed("init", "rtm", "-")
    assert "imaging:" in printed.stdout
    assert not (small / "rtm.yaml").exists()


def test_check_prints_the_plan(small: Path, typed: Typed) -> None:
    done = typed("check", "m.yaml")
    assert done.returncode == 0, done.stderr
    for word in ("shots", "points per wavelength", "time step ", "MB", "301 x 151 points", "m/s"):
        assert word in done.stdout
    plan = json.loads(typed("check", "m.yaml", "--json").stdout)
    assert plan["stages"][0]["grid"] == "301x151"
    assert plan["shots"] == 6


def test_wrong_config_exits_with_2(small: Path, typed: Typed) -> None:
    """Every problem on stderr, nothing on stdout, nothing written."""
    done = typed("model", "m.yaml", "--set", "model.spacng=3", "--set", "time.interval=x")
    assert done.returncode == 2
    assert "did you mean `spacing`?" in done.stderr
    assert "time.interval: must be a number" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert [p.name for p in small.iterdir()] == ["m.yaml"]


def test_impossible_physics_exits_with_3(small: Path) -> None:
    done = fwi("model", "m.yaml", "--set", "geometry.sources.z=-30", cwd=small)
    assert done.returncode == 3
    assert (
        "--set geometry.sources.z=-30: geometry.sources: 6 of 6 sources lie outside" in done.stderr
    )


def test_wrong_command_line_exits_with_2(small: Path, typed: Typed) -> None:
    done = typed("modle", "m.yaml")
    assert done.returncode == 2
    assert "Did you mean `fwi model`?" in done.stderr
    assert typed("model", "nothing.yaml").returncode == 2
    assert typed("model", "m.yaml", "--resume", "--force").returncode == 2


def test_dry_run_runs_nothing(small: Path, typed: Typed) -> None:
    done = typed("model", "m.yaml", "-n")
    assert done.returncode == 0
    assert "301 x 151 points" in done.stdout
    assert [p.name for p in small.iterdir()] == ["m.yaml"]


def test_model_from_start_to_end(small: Path, typed: Typed) -> None:
    """Result on stdout, notes on stderr; a second run needs --force."""
    done = fwi("model", "m.yaml", "-o", "run", "--json", *SMALL, cwd=small)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["shots"] == 3
    assert (small / result["result"]).exists()
    assert "modelling 3 shots" in done.stderr
    again = typed("model", "m.yaml", "-o", "run", *SMALL)
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert "--force" in again.stderr
    alone = ("--set", "execution.workers=1")
    assert typed("model", "m.yaml", "-o", "run", "--force", *SMALL, *alone).returncode == 0


def test_interrupt_that_was_lost_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python drops an exception in a destructor; the next progress raises it."""
    monkeypatch.setattr(display, "pending", None)
    lines = display.Lines()
    lines.update(1)
    with contextlib.suppress(KeyboardInterrupt):
        main._interrupt(signal.SIGTERM, None)
    with pytest.raises(main.Stopped) as stopped:
        lines.update(2)
    assert stopped.value.exit_code == 143
    with pytest.raises(main.Stopped), display.interrupts():
        raise AttributeError("made of an interrupt in a callback")


@pytest.mark.parametrize(
    ("does", "shown"),
    [("signal.raise_signal(signal.SIGUSR1)", False), ("raise ValueError('a fault')", True)],
)
def test_interrupt_that_was_lost_shows_no_traceback(does: str, shown: bool) -> None:
    """It comes again; other errors of destructors are shown."""
    program = f"""
import signal
from fwicli.cli import display, main

class Last:
    def __del__(self):
        {does}

main._set_up()
last = Last()
del last
print(display.pending)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ("Traceback" in done.stderr) == shown, done.stderr
    assert ("None" in done.stdout) == shown


# One handler takes both; `test_stops` has a third signal every day.
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
    ids=["INT", "TERM"],
)
def test_interrupted_inversion_can_go_on(
    survey: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A valid result file, the command that continues, and no process left behind."""
    folder = tmp_path / "run"
    command = [
        *pictures.COMMAND,
        "invert",
        str(survey / "invert.yaml"),
        "-o",
        str(folder),
        "--set",
        "inversion.stages.0.iterations=200",
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background may have been told to ignore it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    progress = folder / "progress.jsonl"
    for _ in range(600):
        if progress.exists() and len(progress.read_text().splitlines()) >= 3:
            break
        time.sleep(0.1)
    # As a terminal does it: to every process of the group.
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert "To continue:" in said
    continued = next(line for line in said.splitlines() if "--resume" in line)
    assert f"fwi invert {survey}/invert.yaml -o {folder}" in continued
    with h5py.File(folder / "inversion.h5") as file:
        assert len(file["iterates"]) >= 2
        assert file["result/vp"].shape == (61, 41)
    for _ in range(100):
        left = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, check=False)
        if left.returncode != 0:
            break
        time.sleep(0.1)
    assert left.returncode != 0, "a process of the run is still there"


def test_module_and_script_are_the_same() -> None:
    done = fwi("--version")
    assert done.returncode == 0
    assert "fwi, version" in done.stdout
    assert (ROOT / "fwicli" / "__main__.py").exists()
