"""The user's file of sites: read with the place of mistakes, extended, and run by a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from fwicli.config.site import SCHEDULERS, SiteSection, seconds
from fwicli.config.sites import read_sites
from fwicli.errors import ConfigError, TrustError
from fwicli.workflows.assembly.sites import EXAMPLES, add_site, all_sites, prologue


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of a file of sites that is not there yet."""
    path = tmp_path / "settings" / "fwi" / "sites.yaml"
    monkeypatch.delenv("FWI_SITES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return path


def test_sites_are_added_and_never_replaced(file: Path) -> None:
    """Templates of all schedulers are valid, and what was there stays to the letter."""
    assert not all_sites().sections
    for scheduler in SCHEDULERS:
        before = file.read_text() if file.exists() else ""
        assert add_site(f"site-{scheduler}", scheduler) == file
        assert file.read_text().startswith(before)
    sections = all_sites().sections
    assert {name: site.scheduler for name, site in sections.items()} == {
        f"site-{scheduler}": scheduler for scheduler in SCHEDULERS
    }
    assert set(EXAMPLES) == set(SCHEDULERS)
    with pytest.raises(ConfigError, match="has a site `site-pbs` already"):
        add_site("site-pbs", "pbs")
    with pytest.raises(ConfigError, match="`check` is no name of a site"):
        add_site("check", "slurm")


def test_every_key_of_a_template_is_valid(file: Path) -> None:
    """Also those that are comments, once they are uncommented."""
    for scheduler in SCHEDULERS:
        add_site(scheduler, scheduler)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(re.sub(r"^  # ", "  ", line) for line in lines))
    for site in all_sites().sections.values():
        assert {*site.model_fields_set} == {*SiteSection.model_fields}
        assert (site.memory, site.modules) == (32, ["gcc", "python"])


def test_mistakes_are_named_with_their_place(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(
        "tiger:\n  scheduler: slum\n  walltime: 12h\n  core: 3\n  directives: ['#SBATCH -x']\n"
        "init: {scheduler: pbs}\n"
    )
    with pytest.raises(ConfigError) as caught:
        all_sites()
    text = str(caught.value)
    for line, words in (
        (2, "did you mean `slurm`?"),
        (3, "tiger.walltime: must be hours, minutes and seconds"),
        (4, "unknown key `core`; did you mean `cores`?"),
        (5, "tiger.directives.0: leave out #SBATCH"),
        (6, "init: is no name of a site"),
    ):
        assert f"sites.yaml:{line}:" in text
        assert words in text
    file.write_text("- tiger\n")
    with pytest.raises(ConfigError, match="`fwi site init NAME` writes a site to start from"):
        read_sites(file)


def test_only_the_user_may_write_the_file(file: Path) -> None:
    add_site("tiger", "slurm")
    file.chmod(0o666)
    with pytest.raises(TrustError, match="others can write it"):
        all_sites()


def test_a_variable_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWI_SITES", str(file.parent / "others.yaml"))
    with pytest.raises(ConfigError, match=r"FWI_SITES names .*others.yaml, which is not there"):
        all_sites()
    assert add_site("lion", "lsf").name == "others.yaml"
    with pytest.raises(ConfigError, match="did you mean `lion`"):
        all_sites().of("lyon")


def test_lengths_of_walltimes() -> None:
    assert seconds("00:01:30") == 90
    assert seconds("2-01:00:00") == 49 * 3600
    for text in ("90", "1:2:3", "00:00:00", "00:70:00"):
        with pytest.raises(ValueError, match="must be"):
            seconds(text)


def shell(lines: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a script does."""
    script = "\n".join([*lines, 'echo "$FWI_TEST and $TMPDIR"'])
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment
    )


def test_a_shell_runs_the_prologue(tmp_path: Path) -> None:
    """Variables and `~` are those of the node; blanks and quotes in paths do no harm."""
    activate = tmp_path / "my envs" / "fwi" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text("export FWI_TEST=active\n")
    site = SiteSection(
        scheduler="slurm",
        environment="~/my envs/fwi",
        setup=["FWI_TEST=$FWI_TEST-now"],
        scratch='$PLACE/a "b"',
    )
    done = shell(prologue(site), HOME=str(tmp_path), PLACE=str(tmp_path / "c d"))
    assert done.stdout == f'active-now and {tmp_path}/c d/a "b"\n', done.stderr
    assert (tmp_path / "c d" / 'a "b"').is_dir()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"environment": "/nowhere"}, "there is no virtual environment in /nowhere"),
        ({"modules": ["gcc/99"]}, "the module gcc/99 is not loaded"),
        ({"scratch": "/proc/nothing"}, "the folder /proc/nothing for temporary files"),
    ],
)
def test_a_job_ends_where_the_prologue_fails(settings: dict[str, object], reason: str) -> None:
    """With the exit code of a cluster that failed, and the reason in its log."""
    done = shell(prologue(SiteSection(scheduler="slurm", **settings)))
    assert done.returncode == 4
    assert reason in done.stderr
    assert not done.stdout
