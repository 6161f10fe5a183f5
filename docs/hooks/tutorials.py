"""Pages and notebooks of the tutorials, made from their scripts.

    python docs/hooks/tutorials.py FOLDER        writes the notebooks to a folder

A script is text in comments between pieces of code. Jupytext makes cells of them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "tutorials"
RULE = re.compile(r"^# -+ (\d+\. .*?) -+$", flags=re.MULTILINE)
ARGUMENT = re.compile(r"^folder = Path\(sys\.argv.*$", flags=re.MULTILINE)
SAVED = re.compile(r"^figure\.savefig\((.*?), dpi=.*$", flags=re.MULTILINE)
RUN_IT = re.compile(r"^(?:Run it with .*|    python docs/tutorials/.*)\n*", flags=re.MULTILINE)


def scripts() -> list[Path]:
    """Scripts of the tutorials."""
    return sorted(FOLDER.glob("*.py"))


def cells(script: Path) -> str:
    """A script as Jupytext reads it: its docstring is text, and it takes no argument."""
    text = script.read_text(encoding="utf-8")
    _, docstring, code = text.split('"""', 2)
    title, _, rest = RUN_IT.sub("", docstring).partition("\n")
    rest = re.sub(r"^(\w[^\n]*)\n-+$", r"## \1", rest.strip(), flags=re.MULTILINE)
    heading = "\n".join(
        f"# {line}".rstrip() for line in (f"# {title.rstrip('.')}", "", *rest.splitlines())
    )
    code = RULE.sub(r"# ## \1", code)
    code = re.sub(r"^# (\d+\. .*)\n# -+$", r"# ## \1", code, flags=re.MULTILINE)
    code = ARGUMENT.sub(f'folder = Path("runs/tutorials/{script.stem}")', code)
    return f"{heading}\n\n{_apart(code.lstrip())}"


def _apart(code: str) -> str:
    """Comments that an empty line follows are text of their own."""
    return re.sub(r"((?:^#[^\n]*\n)+)(?=\n)", r"\n\1", code, flags=re.MULTILINE)


def notebook(script: Path) -> Any:
    """The notebook of a script, not yet run; it shows the pictures that it saves."""
    read = _read(script)
    for cell in read.cells:
        if cell.cell_type == "code":
            shown = r"\g<0>\ndisplay(IPython.display.Image(\1))"
            source = SAVED.sub(shown, cell.source)
            cell.source = source if source == cell.source else f"import IPython\n\n{source}"
    return read


def _read(script: Path) -> Any:
    import jupytext

    return jupytext.reads(cells(script), fmt="py:light")


def page(script: Path) -> str:
    """The page of a script, with a link to its notebook."""
    blocks = []
    for cell in _read(script).cells:
        source = cell.source.strip()
        if source:
            blocks.append(source if cell.cell_type == "markdown" else f"```python\n{source}\n```")
    links = f"[Script]({script.name}) · [Notebook]({script.stem}.ipynb)"
    return "\n\n".join(
        [blocks[0].partition("\n")[0], links, blocks[0].partition("\n")[2], *blocks[1:]]
    )


def on_files(files: Any, config: Any) -> Any:
    """Add pages and notebooks to the files of the site."""
    import jupytext
    from mkdocs.structure.files import File

    for script in scripts():
        stem = f"tutorials/{script.stem}"
        text = jupytext.writes(notebook(script), fmt="ipynb")
        files.append(File.generated(config, f"{stem}.ipynb", content=text))
        files.append(File.generated(config, f"{stem}.md", content=page(script)))
    return files


def main(folder: Path) -> None:
    """Write the notebooks."""
    import jupytext

    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        jupytext.write(notebook(script), folder / f"{script.stem}.ipynb")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
