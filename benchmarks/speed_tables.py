"""Part of `speed_beside_deepwave.py`: tables of the ratios, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from statistics import median
from typing import Any

from memory_bandwidth import BYTES, operations

# Whose time over whose, and what that says.
WANTED = (
    ("C forward", "fwi forward", "forward: time of the C loop without a layer / ours"),
    ("Deepwave forward", "fwi forward", "forward: time of Deepwave / ours"),
    ("Deepwave gradient", "fwi gradient", "gradient: time of Deepwave / ours"),
    ("Deepwave sampled", "fwi gradient", "the same, Deepwave's sampled to an error of 1e-3"),
    ("Devito forward", "fwi forward", "forward: time of Devito's example / ours"),
    ("Devito gradient", "fwi gradient", "gradient: time of Devito's example / ours"),
    ("fwi gradient", "fwi forward", "one gradient / one forward"),
    ("fwi rtm", "fwi forward", "one migration with illumination / one forward"),
    ("fwi hessian", "fwi forward", "one product of the Hessian / one forward"),
    ("Deepwave gradient", "Deepwave forward", "Deepwave: one gradient / one forward"),
)
REMEMBERED = (
    ("Deepwave forward", "fwi forward", "forward: memory of Deepwave / ours"),
    ("Deepwave gradient", "fwi gradient", "gradient: memory of Deepwave / ours"),
)
ANGLES = (0.0, 45.0, 65.0)


def spread(values: Sequence[float]) -> str:
    """Median, lowest and highest."""
    return f"{median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def ratios(setup: dict[str, Any]) -> dict[str, list[float]]:
    """Ratios of times within each round, by what they say."""
    seconds = setup["seconds"]
    return {
        says: [p / q for p, q in zip(seconds[a], seconds[b], strict=True)]
        for a, b, says in WANTED
        if a in seconds and b in seconds
    }


def remembered(setup: dict[str, Any]) -> dict[str, float]:
    """Ratios of memory, by what they say."""
    memory = setup["memory"]
    return {s: memory[a] / memory[b] for a, b, s in REMEMBERED if a in memory and b in memory}


def size(setup: dict[str, Any]) -> str:
    """Shape, steps and threads in words."""
    shape = " x ".join(map(str, setup["shape"]))
    return f"{shape} points, {setup['steps']} steps, {setup['threads']} threads"


def report(found: dict[str, Any]) -> str:
    """Everything that was measured."""
    lines = [f"On {found['machine']}; medians, with the lowest and the highest."]
    for name, setup in found["setups"].items():
        lines += _setup(name, setup)
        lines += _roofline(setup, found["limits"][name])
    lines += [
        "",
        "| a shot on every core, against one on one | shots per second |",
        "| --- | --- |",
    ]
    lines += [f"| {_crowd(c)} | {spread(c['ratios'])} |" for c in found["crowds"]]
    if "reflections" in found:
        lines += ["", "| reflection of plane waves | dB |", "| --- | --- |"]
        lines += [f"| {name} | {text} |" for name, text in _reflections(found).items()]
    return "\n".join(lines)


def _setup(name: str, setup: dict[str, Any]) -> list[str]:
    points = prod(setup["shape"]) * setup["steps"]
    lines = ["", f"## {name}: {size(setup)}", ""]
    lines += ["| what | time [s] | Gpoints/s | memory [MB] |", "| --- | --- | --- | --- |"]
    for case, spent in setup["seconds"].items():
        memory = setup["memory"][case] / 1e6
        rate = points / median(spent) / 1e9
        lines.append(f"| {case} | {spread(spent)} | {rate:.3f} | {memory:.0f} |")
    lines += ["", "| ratio | |", "| --- | --- |"]
    lines += [f"| {says} | {spread(values)} |" for says, values in ratios(setup).items()]
    return lines + [f"| {says} | {value:.3g} |" for says, value in remembered(setup).items()]


def _roofline(setup: dict[str, Any], limit: dict[str, Any]) -> list[str]:
    """What bytes and operations allow, and what part of it the forward loops reach."""
    per_point = operations(len(setup["shape"]))
    by_bytes, by_operations = limit["bytes"] / BYTES, limit["operations"] / per_point
    lines = [
        "",
        f"Limits: {limit['bytes'] / 1e9:.1f} GB/s of arrays of this size, {BYTES} bytes a point: "
        f"{by_bytes / 1e9:.2f} Gpoints/s; {limit['operations'] / 1e9:.0f} Gflop/s, {per_point} a "
        f"point: {by_operations / 1e9:.2f} Gpoints/s.",
    ]
    points = prod(setup["shape"]) * setup["steps"]
    for case in ("C forward", "fwi forward"):
        if case in setup["seconds"]:
            share = points / median(setup["seconds"][case]) / min(by_bytes, by_operations)
            lines.append(f"{case} reaches {100 * share:.0f} % of the lower.")
    return lines


def _crowds(found: dict[str, Any]) -> list[str]:
    """Shots per second of a shot on every core; nothing if that was not measured."""
    if not found["crowds"]:
        return []
    head = "| shots per second of a shot on every core, against one on one core | |"
    rows = [f"| {_crowd(c)} | {spread(c['ratios'])} |" for c in found["crowds"]]
    return ["", head, "| --- | --- |", *rows]


def _crowd(crowd: dict[str, Any]) -> str:
    shape = " x ".join(map(str, crowd["shape"]))
    return f"{crowd['operator']}, {shape} points, {crowd['shots']} shots"


def _reflections(found: dict[str, Any]) -> dict[str, str]:
    angles = found["reflections"]["angles"]
    rows = {}
    for name, values in found["reflections"].items():
        if name != "angles":
            picked = [f"{values[angles.index(a)]:.0f}" for a in ANGLES]
            rows[f"{name}, at 0, 45 and 65 degrees"] = ", ".join(picked)
    return rows


def readme(found: dict[str, Any]) -> str:
    """Rows of README's table."""
    columns = list(found["setups"])
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    each = {name: ratios(setup) for name, setup in found["setups"].items()}
    memory = {name: remembered(setup) for name, setup in found["setups"].items()}
    for says in [w[2] for w in WANTED]:
        cells = [spread(each[c][says]) if says in each[c] else "" for c in columns]
        lines.append(f"| {says} | " + " | ".join(cells) + " |")
    for says in [r[2] for r in REMEMBERED]:
        cells = [f"{memory[c][says]:.2g}" if says in memory[c] else "" for c in columns]
        lines.append(f"| {says} | " + " | ".join(cells) + " |")
    lines += _crowds(found)
    return "\n".join(lines)
