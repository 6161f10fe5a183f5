"""Files on the command line, and options that say how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.disk import patterns

if TYPE_CHECKING:
    from fwicli.workflows.exchange.opening import FileLayout


def check_present(paths: Iterable[Path], hint: str) -> None:
    """Check that there is something under each name on the command line.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders and patterns.
    hint : str
        Argument or option that they belong to.

    Raises
    ------
    click.BadParameter
        If a path names nothing, or a pattern matches nothing.
    """
    for path in paths:
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            if patterns.files([path]) == [path]:
                words = f"there is no file {path}; correct its name"
            elif patterns.files([path]):
                continue
            else:
                words = f"no file matches {path}; correct the pattern"
            raise click.BadParameter(words, param_hint=hint) from None
        except OSError:
            continue  # whoever reads it says why it cannot


def check_folder(path: Path | None, hint: str) -> None:
    """Check that there is a folder for a file that is to be written.

    Parameters
    ----------
    path : Path or None
        The file; None where none is named.
    hint : str
        Argument or option that it belongs to.

    Raises
    ------
    click.BadParameter
        If there is none.
    """
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(
            f"there is no folder {path.parent} for {path.name}; make it first", param_hint=hint
        )


def file_layout(
    dataset: str,
    shape: str | None,
    dtype: str,
    byte_order: str,
    headers: Sequence[str] = (),
    **options: Any,
) -> FileLayout:
    """How files are read, from the options of `options.reading`.

    Parameters
    ----------
    dataset : str
    shape : str or None
        Of raw binary numbers, with commas.
    dtype, byte_order : str
    headers : sequence of str
        Fields of trace headers, as in `receiver_x=81:int32`.
    **options
        Other keys of the section `data` on trace headers; `trace_ids` is a sequence of texts, as in
        `15=vz`.

    Returns
    -------
    layout : FileLayout
    """
    from fwicli.files.flat import RawFormat
    from fwicli.workflows.exchange.opening import FileLayout

    counts = None
    if shape is not None:
        words = shape.strip("[]() ").split(",")
        if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
            raise click.BadParameter(
                f"`{shape}` is no shape; write whole numbers with commas, as in 201,101",
                param_hint="--shape",
            )
        counts = [int(word) for word in words]
    settings = [
        *_settings("bytes", headers, "field", "its name, byte and type, as in receiver_x=81:int32"),
        *_settings(
            "trace_ids", options.pop("trace_ids", ()), "component", "a code and a name, as in 15=vz"
        ),
    ]
    group = options.get("group")
    if group is not None and "," in group:
        options["group"] = f"[{group}]"
    settings += [f"{name}={value}" for name, value in options.items() if value is not None]
    return FileLayout(dataset, RawFormat(counts, dtype, byte_order), tuple(settings))


def _settings(key: str, texts: Sequence[str], content: str, usage: str) -> list[str]:
    """Settings of a mapping of the section `data`, from options that may be repeated."""
    for text in texts:
        if "=" not in text:
            hint = f"--{key}".replace("_", "-").replace("ids", "id")
            raise click.BadParameter(f"`{text}` names no {content}; write {usage}", param_hint=hint)
    return [f"{key}.{text}" for text in texts]
