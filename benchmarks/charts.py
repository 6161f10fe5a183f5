"""Pictures of what `peers.py` measured: time against model size, memory against record length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from fwicli.plotting import DPI

COLOURS = {"fwi": "tab:blue", "Deepwave": "tab:orange"}
NAMES = {"fwi": "fwi", "Deepwave": "Deepwave 0.1.0"}


def draw(folder: Path, found: dict[str, Any]) -> None:
    """Write `speed.png` and `memory.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = found["curves"]
    speed(folder / "speed.png", curves)
    memory(folder / "memory.png", curves)


def speed(path: Path, curves: dict[str, Any]) -> None:
    """Time of a gradient against the number of points."""
    figure, axes = _figure()
    lines = _lines(curves["sizes"], "points", "seconds")
    _draw(axes, lines)
    axes.set(
        xlabel="points of the square model",
        ylabel=f"time of a gradient, {curves['size_steps']} steps [s]",
        title=_statement("A gradient", "takes", "as long with Deepwave", lines),
        xscale="log",
        yscale="log",
    )
    ticks = [x for x, _ in lines["fwi"]]
    axes.set_xticks(ticks, [f"{round(x**0.5)}²" for x in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(ScalarFormatter())
    figure.savefig(path, dpi=DPI)


def memory(path: Path, curves: dict[str, Any]) -> None:
    """Peak memory of a gradient against the number of steps."""
    figure, axes = _figure()
    lines = _lines(curves["lengths"], "steps", "memory", 1e-6)
    _draw(axes, lines)
    shape = " x ".join(map(str, curves["shape"]))
    axes.set(
        xlabel="time steps of the record",
        ylabel=f"memory of a gradient, {shape} points [MB]",
        title=_statement("A gradient", "needs", "the memory with Deepwave", lines),
        xscale="log",
        yscale="log",
    )
    ticks = [x for x, _ in lines["fwi"]]
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(ScalarFormatter())
    figure.savefig(path, dpi=DPI)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.6, 4.2), layout="constrained")
    return figure, figure.subplots()


def _lines(
    rows: Sequence[dict[str, Any]], x: str, y: str, unit: float = 1.0
) -> dict[str, list[tuple[float, float]]]:
    """Points of a line for each code."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault(row["code"], []).append((row[x], unit * row[y]))
    return found


def _draw(axes: Axes, lines: dict[str, list[tuple[float, float]]]) -> None:
    """Lines with their names at their ends."""
    for code, points in lines.items():
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", ms=4, lw=1.5, color=COLOURS[code])
        axes.annotate(
            NAMES[code],
            (x[-1], y[-1]),
            xytext=(-6, 8),
            textcoords="offset points",
            ha="right",
            color=COLOURS[code],
        )
    axes.grid(alpha=0.3, which="both")


def _statement(what: str, verb: str, how: str, lines: dict[str, list[tuple[float, float]]]) -> str:
    """What the lines say, in a sentence."""
    if "Deepwave" not in lines:
        return f"What {what.lower()} {verb}"
    pairs = zip(lines["Deepwave"], lines["fwi"], strict=True)
    ratios = [theirs / our for (_, theirs), (_, our) in pairs]
    return f"{what} {verb} {min(ratios):.2g} to {max(ratios):.2g} times {how}"
