"""Pages of the API reference: one for every public name, from its docstring."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

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
    """Public names of each module."""
    return {module: sorted(import_module(module).__all__) for module in MODULES}


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
            text = inspect.getdoc(getattr(import_module(module), name)) or ""
            summary = text.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            lines.append(f"| [`{name}`]({module}.{name}.md) | {summary} |")
        lines.append("")
    return "\n".join(lines)


def _page(module: str, name: str) -> str:
    """The docstring of a name, under the path by which users import it."""
    value = getattr(import_module(module), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        source = f"{value.__module__}.{value.__qualname__}"
    else:
        source = f"{module}.{name}"
    return f"# {module}.{name}\n\n::: {source}\n"
