"""Part of `speed_beside_deepwave.py`: charts of time and of memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

# Points per inch, as in the pictures of runs.
DPI = 130

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
        xlabel="points of a square model",
        ylabel="time of a gradient [s]",
        title=_statement("takes {} times as long as with fwi", lines)
        + f"\n({curves['size_steps']} steps, one thread)",
    )
    axes.set_xticks([x for x, _ in lines["fwi"]], [f"{x**0.5:.0f}²" for x, _ in lines["fwi"]])
    figure.savefig(path, dpi=DPI)


def memory(path: Path, curves: dict[str, Any]) -> None:
    """Peak memory of a gradient against the number of steps."""
    figure, axes = _figure()
    lines = _lines(curves["lengths"], "steps", "memory", 1e-6)
    _draw(axes, lines)
    shape = " x ".join(map(str, curves["shape"]))
    axes.set(
        xlabel="time steps of the record",
        ylabel="peak memory of a gradient [MB]",
        title=_statement("needs {} times the memory of fwi", lines) + f"\n({shape} points)",
    )
    axes.set_xticks([x for x, _ in lines["fwi"]], [f"{x:g}" for x, _ in lines["fwi"]])
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
    """Lines with their names at their ends, and their ratio between them."""
    axes.set(xscale="log", yscale="log")
    for code, points in lines.items():
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", ms=4, lw=1.5, color=COLOURS[code])
        axes.annotate(
            NAMES[code],
            points[-1],
            xytext=(0, 8),
            textcoords="offset points",
            ha="right",
            color=COLOURS[code],
        )
    for x, below, above in _pairs(lines):
        axes.plot([x, x], [below, above], ":", lw=0.8, color="gray", zorder=0)
        axes.annotate(
            f"{above / below:.2g} x",
            (x, (below * above) ** 0.5),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color="gray",
        )
    axes.margins(x=0.08, y=0.13)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)


def _pairs(lines: dict[str, list[tuple[float, float]]]) -> list[tuple[float, float, float]]:
    """Where both lines have a point: x, and y of ours and of the other."""
    other = dict(lines.get("Deepwave", []))
    return [(x, y, other[x]) for x, y in lines["fwi"] if x in other]


def _statement(how: str, lines: dict[str, list[tuple[float, float]]]) -> str:
    """What the lines say, in a sentence."""
    ratios = [theirs / our for _, our, theirs in _pairs(lines)]
    if not ratios:
        return "A gradient of fwi"
    return f"With Deepwave, a gradient {how.format(f'{min(ratios):.2g} to {max(ratios):.2g}')}"
