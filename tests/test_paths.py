"""Every file, folder and module that the documentation names is there."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_tree import MODULES, PACKAGES

CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
PAGES = [ROOT / "README.md", CONTRIBUTING, *sorted((ROOT / "docs").rglob("*.md"))]
# Folders that a path may begin with; what runs and users write lies elsewhere.
PLACES = ("fwicli", "tests", "docs", "benchmarks", "configs", r"\.github", r"\.ci")
PATH = re.compile(rf"(?<!\]\()(?<![\w/.-])(?:{'|'.join(PLACES)})/[\w./-]*")
MODULE = re.compile(r"(?<![\w/.])fwicli(?:\.\w+)+")
# Pages of the site that are made from the schema, the public names and CONTRIBUTING.
GENERATED = {
    (ROOT / "docs" / path).resolve()
    for hook in ("config_reference", "api_reference")
    for path in runpy.run_path(str(ROOT / "docs" / "hooks" / f"{hook}.py"))["pages"]()
} | {ROOT / "docs" / "development" / "index.md"}
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]*[./][^)#\s]*)")  # not the x[i](t) of code
TEST = re.compile(r"(?:\w+/)*test_\w+\.py")


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def is_module_or_name(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    while dotted not in MODULES:
        dotted, _, name = dotted.rpartition(".")
        if not dotted:
            return False
        if dotted in MODULES:
            return (
                re.search(rf"\b{name}\b", MODULES[dotted].read_text(encoding="utf-8")) is not None
            )
    return True


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_paths_exist(page: Path) -> None:
    """Those from the root, save those of a module NAME that a reader is to write."""
    paths = {path.rstrip(".") for path in PATH.findall(page.read_text(encoding="utf-8"))}
    assert not [p for p in sorted(paths) if "NAME" not in p and not (ROOT / p).exists()]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_tests_exist(page: Path) -> None:
    """Also where their folder is named before, or left out."""
    files = [f"/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "tests").rglob("*.py")]
    named = set(TEST.findall(page.read_text(encoding="utf-8")))
    assert not [n for n in sorted(named) if not any(f.endswith(f"/{n}") for f in files)]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    targets = {link: (page.parent / link).resolve() for link in links}
    assert not [k for k, path in targets.items() if not (path.exists() or path in GENERATED)]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_modules_exist(page: Path) -> None:
    named = set(MODULE.findall(page.read_text(encoding="utf-8")))
    assert not [name for name in sorted(named) if not is_module_or_name(name)]


def listed() -> Iterator[str]:
    """Paths in the list of CONTRIBUTING; folders within one stand indented below it."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    (block,) = re.findall(r"## Where things are\n+```\n(.*?)```", text, flags=re.DOTALL)
    room = ""
    for line in block.splitlines():
        if line.startswith("fwicli/"):
            room = line.split()[0]
            yield room
        else:
            yield from (room + folder for folder in re.findall(r"\w+/(?=\s|$)", line))


def test_list_of_folders_is_whole() -> None:
    """Folders at the first two levels of the package, each named once."""
    folders = [path.rstrip("/").replace("/", ".") for path in listed() if path.endswith("/")]
    assert sorted(folders) == [name for name in PACKAGES if 1 <= name.count(".") <= 2]
    assert all((ROOT / path).exists() for path in listed())


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("fwicli.propagators.equations.tti", True),
        ("fwicli.inversion.misfits.registry.MISFITS", True),
        ("fwicli.Propagator", True),
        ("fwicli.propagators.engine", False),
        ("fwicli.inversion.misfits.registry.NAMES", False),
    ],
)
def test_names_within_modules_are_seen(name: str, there: bool) -> None:
    assert is_module_or_name(name) is there
