"""`fwi site` and `fwi submit` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fwicli.cli.main import cli
from fwicli.cli.site import SCHEDULERS
from fwicli.config import site
from fwicli.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the file of sites in an empty folder, where commands are typed."""
    monkeypatch.delenv("FWI_SITES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "settings" / "fwi" / "sites.yaml"


def fwi(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_sites_are_added_listed_and_shown(file: Path) -> None:
    assert "`fwi site init NAME`" in fwi("site").output
    assert fwi("site", "init", "tiger").output.startswith(f"added tiger to {file}")
    assert fwi("site", "init", "lion", "--scheduler", "pbs").exit_code == 0
    listed = fwi("site").output
    assert "tiger  slurm, 8 cores, 12:00:00" in listed
    assert "lion   pbs, 8 cores, 12:00:00" in listed
    shown = fwi("site", "tiger").output
    assert "notice       120 s" in shown
    assert "modules      -" in shown
    values = json.loads(fwi("site", "tiger", "--json").output)
    assert (values["name"], values["scheduler"], values["cores"]) == ("tiger", "slurm", 8)
    assert set(json.loads(fwi("site", "--json").output)["sites"]) == {"tiger", "lion"}
    again = fwi("site", "init", "tiger")
    assert isinstance(again.exception, ConfigError)
    assert "has a site `tiger` already" in str(again.exception)
    assert isinstance(fwi("site", "tigre").exception, ConfigError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("site", "init"), "name one site"),
        (("site", "a", "b"), "name one site"),
        (("site", "a", "--here"), "belong to `fwi site check NAME`"),
        (("site", "check", "a", "--scheduler", "pbs"), "belongs to `fwi site init NAME`"),
        (("site", "check", "--here"), "name a site"),
    ],
)
def test_wrong_words_are_explained(arguments: tuple[str, ...], message: str, file: Path) -> None:
    result = fwi(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_schedulers_of_the_command_are_those_of_the_schema() -> None:
    """The command names them itself, so that its help needs click alone."""
    assert site.SCHEDULERS == SCHEDULERS


def test_this_machine_is_checked(file: Path) -> None:
    """Without a job; too many cores are named, and the exit code says so."""
    fwi("site", "init", "tiger")
    file.write_text(file.read_text().replace("cores: 8", "cores: 100000"))
    done = fwi("site", "check", "tiger", "--here")
    assert done.exit_code == 4
    assert "wrong: cores: the site asks for 100000 cores" in done.output
    assert "kernel" in done.output
    assert "runs, largest pressure" in done.output
    file.write_text(file.read_text().replace("cores: 100000", "cores: 1"))
    done = fwi("site", "check", "tiger", "--here")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("tiger is ready: fwi submit CONFIG --site tiger\n")


def test_a_script_is_printed(file: Path) -> None:
    """With the config checked before; nothing is written."""
    fwi("init", "model", "m.yaml")
    fwi("site", "init", "tiger")
    before = sorted(Path().rglob("*"))
    done = fwi("submit", "m.yaml", "-o", "runs/m", "-n")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("#!/bin/bash\n")
    assert "#SBATCH --signal=B:USR1@120\n" in done.output
    assert f"#SBATCH --output={Path().resolve()}/runs/m/job.log\n" in done.output
    script = json.loads(fwi("submit", "m.yaml", "-o", "runs/m", "-n", "--json").output)["script"]
    assert script == done.output
    assert sorted(Path().rglob("*")) == before
    wrong = fwi("submit", "m.yaml", "-n", "--set", "model.spacing=-1")
    assert "model.spacing: must be greater than 0" in str(wrong.exception)
    branch = fwi("submit", "m.yaml", "--from", "runs/a@3")
    assert branch.exit_code == 2
    assert "--from begins an inversion, and this config is one of `fwi model`" in branch.output
    both = fwi("submit", "m.yaml", "--resume", "--force")
    assert both.exit_code == 2
