"""`fwi info`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.labels import number
from fwicli.cli.verb import EXIT_CODES, VerbCommand

if TYPE_CHECKING:
    from fwicli.workflows.exchange.report import Report

# Width of the longest bar of a histogram.
BAR = 30


@click.command(
    "info",
    cls=VerbCommand,
    rank=35,
    short_help="Say what is in files, and what looks wrong.",
    help=(
        "Say what is in each FILE, of any kind that is read or written, and what looks wrong with "
        "it.\n\n"
        "Shot records (HDF5, SEG-Y, SU, RSF), models, images, results and folders of runs, arrays "
        "of NumPy and Madagascar, tables, SPS, and raw binary numbers with --shape. Files are read "
        "shot by shot, or block by block, and never changed. What looks wrong is no error: the "
        "exit code is 0."
    ),
    examples=(
        "info runs/model/shots.h5",
        "info shots.h5 --plot shots.png",
        "info line.sgy --preset streamer --bytes receiver_x=81:int32",
        "info runs/invert",
        "info vp.bin --shape 1601,401 --dtype float32",
        "info line1.h5 line2.h5 --json",
    ),
    exit_codes={
        0: "done, also if something looks wrong",
        1: EXIT_CODES[1],
        2: "wrong command line, or there is no such file",
        3: "a file is damaged, or of no kind that is read",
        4: "the picture cannot be written",
    },
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw into this PNG file: positions, offsets, fold, spectrum and a gather, or an array.",
)
@options.reading
@options.as_json
def command(files: tuple[Path, ...], picture: Path | None, as_json: bool, **reading: Any) -> None:
    """Report on files.

    Parameters
    ----------
    files : tuple of Path
    picture : Path, optional
        PNG file to write.
    as_json : bool
    **reading
        How files are read that do not say it themselves.
    """
    from fwicli.cli.reading import check_folder, check_present, file_layout
    from fwicli.workflows.viewing.info import run

    check_present(files, "FILES")
    check_folder(picture, "--plot")
    progress = display.progress()
    try:
        with display.interrupts():
            listed = run(files, file_layout(**reading), picture, progress)
    finally:
        progress.stop()
    if as_json:
        click.echo(json.dumps([report.summary() for report in listed], indent=2))
        return
    for count, report in enumerate(listed):
        if count:
            click.echo()
        _show(report)
    if picture is not None:
        click.echo(f"wrote {picture}", err=True)


def _show(report: Report) -> None:
    """Print a report as text."""
    click.echo(f"{report.file}: {report.kind}")
    contents = dict(report.contents)
    keys, arrays = contents.pop("keys", {}), contents.pop("arrays", {})
    components = contents.pop("components", {})
    offsets, fold = contents.pop("offset_histogram", None), contents.pop("fold_histogram", None)
    if contents:
        display.summary(contents, as_json=False)
    for line in (*_components(components), *_keys(keys), *_arrays(arrays)):
        click.echo(line)
    if offsets is not None:
        edges = [number(float(edge), 3) for edge in offsets["edges_m"]]
        names = [f"{a} to {b} m" for a, b in pairwise(edges)]
        click.echo("\n".join(_bars("traces by offset", names, offsets["traces"])))
    if fold is not None and len(fold["fold"]) > 1:
        click.echo("\n".join(_bars("midpoints by fold", *_grouped(fold))))
    if report.odd:
        click.echo("looks wrong:")
        for sentence in report.odd:
            click.echo(f"  - {sentence}")
    elif report.kind != "config":
        click.echo("nothing looks wrong")


def _components(components: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line for each recorded component; none for pressure alone."""
    if set(components) <= {"pressure"}:
        return
    yield "recorded components:"
    width = max(map(len, components))
    for name, component in components.items():
        yield f"  {name:<{width}}  {component['traces']} traces, {component['unit']}"


def _keys(keys: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Keys that vary with their ends, then those that do not."""
    for vary in (True, False):
        chosen = {n: k for n, k in keys.items() if (k["different"] > 1) is vary}
        if chosen:
            yield "keys that vary:" if vary else "keys that do not vary:"
        width = max(map(len, chosen), default=0)
        for name, key in chosen.items():
            unit = f" {key['unit']}" if key.get("unit") else ""
            ends = [
                number(float(key[end]), 7) for end in ("from", "to") if key.get(end) is not None
            ]
            text = " to ".join(ends if vary else ends[:1]) or f"`{key.get('first', '')}`"
            count = f", {key['different']} values" if vary else ""
            yield f"  {name.replace('_', ' '):<{width}}  {text}{unit}{count}"


def _arrays(arrays: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line for each array."""
    width = max(map(len, arrays), default=0)
    for name, array in arrays.items():
        shape = " x ".join(map(str, array["shape"])) or "one number"
        ends = [number(float(v)) for v in array.get("values", [])]
        unit = f" {array['unit']}" if array.get("unit") else ""
        yield f"  {name:<{width}}  {shape}, {' to '.join(dict.fromkeys(ends)) or 'no values'}{unit}"


def _bars(title: str, names: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """A histogram in text."""
    yield f"{title}:"
    width, most = max(map(len, names)), max(*counts, 1)
    for name, count in zip(names, counts, strict=True):
        yield f"  {name:>{width}}  {'#' * -(-BAR * count // most):<{BAR}}  {count}"


def _grouped(fold: Mapping[str, Sequence[int]], most: int = 8) -> tuple[list[str], list[int]]:
    """Levels of fold in at most some groups of equal width."""
    low, high = min(fold["fold"]), max(fold["fold"])
    step = -(-(high - low + 1) // most)
    names, counts = [], []
    for first in range(low, high + 1, step):
        last = min(first + step - 1, high)
        names.append(f"{first}" if first == last else f"{first} to {last}")
        pairs = zip(fold["fold"], fold["midpoints"], strict=True)
        counts.append(sum(n for level, n in pairs if first <= level <= last))
    return names, counts
