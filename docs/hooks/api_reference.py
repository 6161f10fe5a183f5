"""Pages of the API reference: one for every public name, from its docstring."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "reference/api"
# Modules whose names are public, and what they are for.
MODULES = {
    "fwicli": "Grids, earth models, acquisition, wave equations and their operators.",
    "fwicli.operators": "Waves of a survey as linear operators of SciPy and PyLops.",
    "fwicli.autograd": "Waves of a survey as differentiable functions of PyTorch.",
}


def pages() -> dict[str, str]:
    """Markdown of every page, by its path in the site."""
    texts = {f"{FOLDER}/index.md": _index()}
    for module, names in public_names().items():
        for name in names:
            texts[f"{FOLDER}/{module}.{name}.md"] = _page(module, name)
    return texts


def public_names() -> dict[str, list[str]]:
    """Public names of each module; PyTorch need not be there to list those that use it."""
    return {module: sorted(_imports(module)) for module in MODULES}


@cache
def _imports(module: str) -> dict[str, str]:
    """Where each public name of a module is defined, as a path with dots."""
    return {name: _path(module, name) for name in import_module(module).__all__}


def _path(module: str, name: str) -> str:
    """Where a public name is defined; what defines it is not imported for that."""
    source, _, original = import_module(module).PUBLIC[name].partition(":")
    source = source if source.startswith("fwicli") else f"{module}.{source}"
    return _defined(source, original or name)


def _defined(module: str, name: str) -> str:
    """Follow a name that a module imports from another one."""
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("fwicli"):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _defined(str(node.module), alias.name)
    return f"{module}.{name}"


def _tree(module: str) -> ast.Module:
    """The syntax of a module, without importing it."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _summary(path: str) -> str:
    """The first sentence of the docstring of what a path names."""
    module, _, name = path.rpartition(".")
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            text = ast.get_docstring(node) or ""
            return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")
    return ""


def on_config(config: Any) -> Any:
    """List the pages below the entry `API` of the navigation."""
    for entry in config["nav"]:
        for title, items in entry.items():
            if title == "Reference":
                items.append({"Python": _navigation()})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages to those of the site."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def _navigation() -> list[Any]:
    return [
        f"{FOLDER}/index.md",
        *(
            {module: [{name: f"{FOLDER}/{module}.{name}.md"} for name in names]}
            for module, names in public_names().items()
        ),
    ]


def _index() -> str:
    """Tables of all names, each with the first line of its docstring."""
    lines = ["# Python reference", ""]
    for module, names in public_names().items():
        lines += [f"## {module}", "", MODULES[module], "", "| name | |", "| --- | --- |"]
        for name in names:
            summary = _summary(_imports(module)[name])
            lines.append(f"| [`{name}`]({module}.{name}.md) | {summary} |")
        lines.append("")
    return "\n".join(lines)


def _page(module: str, name: str) -> str:
    """The docstring of a name, under the path by which users import it."""
    return f"# {module}.{name}\n\n::: {_imports(module)[name]}\n"
