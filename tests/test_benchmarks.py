"""The index of benchmarks and their files agree."""

from __future__ import annotations

import ast
import re
import subprocess

from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks"
INDEX = ROOT / "docs" / "benchmarks" / "index.md"
ROW = re.compile(r"^\| `(\w+\.py)` \| (.+?) \| (.*?)\| (.+?) \| (.+?) \| (yes )?\|$", re.MULTILINE)
PART = re.compile(r"Part of `(\w+\.py)`")
ROWS = ROW.findall(INDEX.read_text(encoding="utf-8"))


def first_line(name: str) -> str:
    """First line of the docstring of a module."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def test_index_and_files_agree() -> None:
    """Every program has a row; other modules name the program that they are part of."""
    programs = {name for name, *_ in ROWS}
    modules = {path.name for path in FOLDER.glob("*.py")}
    parts = {name: PART.findall(first_line(name)) for name in modules - programs}
    assert programs <= modules
    assert all(len(owners) == 1 and owners[0] in programs for owners in parts.values()), parts


def test_programs_say_how_they_are_run() -> None:
    for name, *_ in ROWS:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert f"python benchmarks/{name}" in (ast.get_docstring(ast.parse(text)) or ""), name
        assert first_line(name).endswith((".", ":")), name


def test_sources_in_c_are_named_in_a_module() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    assert all(f'"{path.name}"' in texts for path in FOLDER.glob("*.c"))


def test_make_bench_follows_the_index() -> None:
    """In the order of the table, with its arguments."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (script,) = re.findall(r"@sed -n '(.*?)' \\\n", makefile)
    command = ["sed", "-n", script.replace("$$", "$"), str(INDEX)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = [
        f"{name} {arguments.strip().strip('`')}".strip()
        for name, _, arguments, _, _, marked in ROWS
        if marked
    ]
    assert [line.strip() for line in lines.splitlines()] == expected
    assert len(expected) > 20
