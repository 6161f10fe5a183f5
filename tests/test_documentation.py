"""The documentation holds every key and public name, its examples run, and the site is whole."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fwicli
from fwicli import autograd, operators
from fwicli.config.reference import explained
from tests.conftest import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
BLOCK = re.compile(r"^```python(?: title=\"[^\"]+\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PUBLIC = {"fwicli", "fwicli.autograd", "fwicli.operators"}
EXAMPLES = [README, *sorted(DOCS.rglob("*.md"))]
PROGRAMS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(DOCS / "tutorials").glob("*.py")])


def hook(name: str) -> dict[str, Any]:
    """What a hook of the site defines."""
    return runpy.run_path(str(DOCS / "hooks" / f"{name}.py"))


def test_every_key_of_configs_is_in_the_reference() -> None:
    """With type, default, allowed values and the sentence that `fwi explain` prints."""
    reference = hook("config_reference")
    pages, cell = reference["pages"](), reference["_cell"]
    for setting in reference["commands"]():
        rows = pages[f"reference/config/{setting.key[0]}.md"].splitlines()
        texts = (setting.type, setting.unit, setting.allowed, setting.sentence)
        (row,) = {
            row
            for row in rows
            if row.startswith(f"| `{setting.key[-1]}` | ")
            and all(cell(text) in row for text in texts)
            and f"| `{setting.default}` |" in row
        } or {""}
        assert row, setting
        names = [name for name in setting.key if name != "NAME"]
        assert setting in explained(".".join(names)) or "NAME" in setting.key


def test_every_public_name_has_its_page() -> None:
    pages = hook("api_reference")["pages"]()
    for module in (fwicli, operators, autograd):
        for name in module.__all__:
            text = pages[f"reference/api/{module.__name__}.{name}.md"]
            path, _, original = text.partition("::: ")[2].strip().rpartition(".")
            source = ROOT / path.replace(".", "/")
            source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
            assert re.search(rf"^(class|def) {original}\b|^{original}\b", source.read_text(), re.M)
            assert f"]({module.__name__}.{name}.md)" in pages["reference/api/index.md"]


@pytest.mark.parametrize("page", [README, DOCS / "start" / "python.md"], ids=lambda p: p.name)
def test_examples_run(page: Path) -> None:
    """One after the other, as a reader would type them."""
    names: dict[str, Any] = {"__name__": "page"}
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        exec(block, names)


def imported(source: str) -> set[str]:
    """Modules of the package that a program imports."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
        elif isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
    return {module for module in modules if module.partition(".")[0] == "fwicli"}


def test_accidents_have_the_tests_that_their_page_names() -> None:
    text = (DOCS / "guide" / "accidents.md").read_text(encoding="utf-8")
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(tests) > 20
    for file, name in tests:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{file}::{name}"


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_examples_import_the_public_modules_only(page: Path) -> None:
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        assert imported(block) <= PUBLIC


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_programs_import_the_public_modules_only(program: Path) -> None:
    assert imported(program.read_text(encoding="utf-8")) <= PUBLIC


def test_deep_imports_are_seen() -> None:
    text = (
        "import fwicli.waves\ndef f():\n    from fwicli.files import hdf5\nfrom numpy import pi\n"
    )
    assert imported(text) == {"fwicli.waves", "fwicli.files"}


# The second has the same commands on records in other files, which test_foreign reads.
@pytest.mark.parametrize(
    "page", ["first-inversion", pytest.param("your-own-data", marks=pytest.mark.slow)]
)
def test_first_steps_run(page: str, tmp_path: Path) -> None:
    """Every file and command of the page, with fewer shots and iterations; pictures are made."""
    path = DOCS / "start" / f"{page}.md"
    steps = runpy.run_path(str(DOCS / "start" / "run.py"))
    text, iterations = re.subn(r"iterations: \d+", "iterations: 2", path.read_text("utf-8"))
    text, shots = re.subn(r"(sources:\n +x: .*count:) \d+", r"\1 3", text)
    assert iterations
    assert shots or page != "first-inversion"
    short = tmp_path / "page.md"
    short.write_text(text, encoding="utf-8")
    steps["run"](short, tmp_path)
    for lines in re.findall(r"^```text\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        for name, file in steps["steps"](path.read_text(encoding="utf-8")):
            if name == "model.yaml":
                (tmp_path / name).write_text(file, encoding="utf-8")
        shown = subprocess.run(
            [sys.executable, "-m", "fwicli", "check", "model.yaml"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        # Columns are as wide as their longest line, which depends on the machine's calibrations.
        assert {tuple(line.split()) for line in lines.splitlines()} <= {
            tuple(line.split()) for line in shown.splitlines()
        }
    (tmp_path / "pictures").mkdir()
    steps["copy_pictures"](path, tmp_path, tmp_path / "pictures")
    assert list((tmp_path / "pictures").iterdir())


@pytest.mark.slow  # five runs of waves; their parts are tests of their own
def test_the_way_from_segy_runs(tmp_path: Path, shared_data: Path) -> None:
    """Every command of the page, on a piece of a marine line."""
    path = DOCS / "start" / "from-segy.md"
    shutil.copyfile(shared_data / "segy" / "viking_small.segy", tmp_path / "line.sgy")
    steps = runpy.run_path(str(DOCS / "start" / "run.py"))
    steps["run"](path, tmp_path)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    steps["copy_pictures"](path, tmp_path, pictures)
    assert len(list(pictures.iterdir())) == 2
    assert (tmp_path / "image.sgy").stat().st_size > 3600
    assert list((tmp_path / "runs" / "check").glob("*.png"))


def test_notebooks_hold_the_scripts(tmp_path: Path) -> None:
    """Code and text are those of the scripts, and the first notebook runs without its script."""
    pytest.importorskip("jupytext", reason="`make notebooks` installs jupytext")
    tutorials = hook("tutorials")
    for script in tutorials["scripts"]():
        cells = tutorials["notebook"](script).cells
        assert cells[0].cell_type == "markdown"
        assert cells[0].source.startswith("# ")
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        assert "sys.argv" not in code
        pictures = script.read_text(encoding="utf-8").count("\nfigure.savefig(")
        assert code.count("display(IPython.display.Image(") == pictures > 0
        assert code.count("assert") == script.read_text().count("\nassert") + code.count(
            "    assert"
        )
        compile(code, script.name, "exec")


def test_site_is_whole(tmp_path: Path) -> None:
    """The strict build has no warning, and asks no server for anything."""
    pytest.importorskip("mkdocs", reason="`make docs` installs mkdocs")
    pytest.importorskip("material", reason="`make docs` installs mkdocs-material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?:", page)
    for name in fwicli.__all__:
        assert (tmp_path / "reference" / "api" / f"fwicli.{name}.html").exists()
