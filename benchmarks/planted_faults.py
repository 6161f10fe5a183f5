"""Faults planted in records, and what `fwi check --shot` names, before and after its advice.

    MARMOUSI=DATA python benchmarks/planted_faults.py [CASE ...]

The cases are Marmousi-II, with the records of another program, the demo, and layers below a hard
sea floor, with refractions. Each is checked from the model that made the records and from a smooth
one, without noise and with white noise 10 dB below the records. Clean records are checked shot by
shot: whatever is named there is a false alarm. A fault is checked with the shot in the middle, and
once more with the settings that were advised.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from diagnosis_false_alarms import CONFIGS, demo, layers, marmousi
from numpy.typing import NDArray

from fwicli import (
    Acquisition,
    FwiError,
    Gathers,
    LoadedConfig,
    check_shots,
    load_config,
    make_plan,
    write_gathers,
)

Array = NDArray[Any]

# Of the stage whose band is compared [Hz]; frequency of the wavelet [Hz], and its section.
TOPS = {"marmousi": 5, "demo": 6, "layers": 5}
WAVELETS = {
    "marmousi": "{{kind: ricker, frequency: {f:g}, delay: 0.148, amplitude: -56.25}}",
    "demo": "{{kind: ricker, frequency: {f:g}, delay: 0.25}}",
    "layers": "{{kind: ricker, frequency: {f:g}, delay: 0.25}}",
}
PEAKS = {"marmousi": 8.0, "demo": 6.0, "layers": 7.0}


def _later(records: Gathers, seconds: float) -> Gathers:
    count = records.samples
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * count, records.interval) * seconds)
    data = np.fft.irfft(np.fft.rfft(records.data, 2 * count) * turn, 2 * count)[..., :count]
    return replace(records, data=data.astype(np.float32))


def _dead(records: Gathers) -> Gathers:
    data = records.data.copy()
    data[len(data) // 2] = 0
    return replace(records, data=data)


def _positions(records: Gathers, change: Callable[[Array], Array]) -> Gathers:
    geometry = records.acquisition
    return replace(
        records, acquisition=Acquisition(change(geometry.sources), change(geometry.receivers))
    )


def _upwards(positions: Array) -> Array:
    return positions * np.array([1.0, -1.0])


# Change of the records, for the period of the wavelet [s].
PLANTS: dict[str, Callable[[Gathers, float], Gathers]] = {
    "late by a period": _later,
    "early by a period": lambda records, period: _later(records, -period),
    "reversed polarity": lambda records, _: replace(records, data=-records.data),
    "sampling x 10": lambda records, _: replace(records, interval=10 * records.interval),
    "sampling / 10": lambda records, _: replace(records, interval=records.interval / 10),
    "sampling x 1000": lambda records, _: replace(records, interval=1000 * records.interval),
    "x and z exchanged": lambda records, _: _positions(records, lambda p: p[..., ::-1]),
    "sign of elevations": lambda records, _: _positions(records, _upwards),
    "dead shot": lambda records, _: _dead(records),
}


def _noisy(records: Gathers) -> Gathers:
    """Records with white noise 10 dB below them."""
    data = records.data.astype(float)
    random = np.random.default_rng(0).standard_normal(data.shape)
    noise = random * np.sqrt(0.1 * (data**2).sum() / (random**2).sum())
    return replace(records, data=(data + noise).astype(np.float32))


def _settings(name: str, folder: Path, smooth: bool) -> tuple[Path, list[str], LoadedConfig]:
    """The config of a case, with the settings of its model."""
    make = {"marmousi": marmousi, "demo": demo, "layers": layers}[name]
    loaded = make(folder, TOPS[name])
    path = folder / "invert.yaml" if name == "layers" else CONFIGS / f"{name}_invert.yaml"
    if not smooth and name == "demo":
        vp = CONFIGS.parent / "data" / "demo_vp.npy"
        own = [f"model={{vp: {{file: {vp}}}, spacing: 10}}"]
    elif not smooth and name == "marmousi":
        own = ["model.smooth=null"]
    else:
        own = ["model.smooth={length: 200, keep: water}"] if smooth and name == "layers" else []
    stage = f"inversion.stages=[{{band: [0, {TOPS[name]}], iterations: 1, spacing: auto}}]"
    return path, [stage, *own], loaded


def _verdict(path: Path, settings: Sequence[str], shot: int) -> tuple[list[str], list[str]]:
    """Kinds of the faults, and the settings that are advised."""
    try:
        result = check_shots(load_config(path, settings=settings), [shot])
    except FwiError as error:
        text = str(error)
        advised = re.findall(r"--set '([^']*)'", text)
        axes = re.findall(r"`(data\.\w*axes: {[^`]*)`", text)
        advised += [s.replace(": ", "=", 1) for s in axes]
        words = {
            "sampling": "sampling interval of",
            "axes exchanged": "exchanged",
            "elevations": "other sign",
            "dead_shot": "dead",
            "wavelet_band": "of another band",
            "unit of the interval": "is the interval in ms",
        }
        kinds = [kind for kind, word in words.items() if word in text]
        return [f"refused: {', '.join(kinds) or text[:200]}"], list(dict.fromkeys(advised))
    faults = result["faults"]
    return [f["kind"] for f in faults], [s for f in faults for s in f["settings"]]


def tried(name: str, folder: Path) -> Iterator[str]:
    """Lines of the table for a case."""
    for smooth in (False, True):
        path, settings, loaded = _settings(name, folder, smooth)
        records = make_plan(loaded).gathers
        if records is None:
            continue
        shots, period = records.acquisition.shots, 1 / PEAKS[name]
        wavelet = [] if name == "marmousi" else [f"wavelet={WAVELETS[name].format(f=PEAKS[name])}"]
        start = f"{name}, {'smooth' if smooth else 'true'} model"
        file = folder / "planted.h5"
        for noise in (False, True):
            case = f"{start}, {'noise' if noise else 'no noise'}"
            clean = replace(records, wavelet=None, silence=None)
            own = [f"data.file={file}", *settings, *wavelet]
            write_gathers(file, _noisy(clean) if noise else clean, {})
            alarms = [n for n in range(shots) if _verdict(path, own, n)[0]]
            yield f"{case}: false alarms in {len(alarms)} of {shots} shots {alarms or ''}"
            for fault, plant in PLANTS.items():
                faulty = plant(clean, period)
                write_gathers(file, _noisy(faulty) if noise else faulty, {})
                yield f"{case}, {fault}: {_line(path, own, shots // 2)}"
            write_gathers(file, _noisy(clean) if noise else clean, {})
            for factor in (0.5, 2.0):
                other = f"wavelet={WAVELETS[name].format(f=factor * PEAKS[name])}"
                line = _line(path, [*own, other], shots // 2)
                yield f"{case}, wavelet of {factor:g} times its frequency: {line}"


def _line(path: Path, settings: Sequence[str], shot: int) -> str:
    """What is named, what is advised, and what is named after that."""
    kinds, advised = _verdict(path, settings, shot)
    after = _verdict(path, [*settings, *advised], shot)[0] if advised else ["(no settings)"]
    return f"{kinds} -> {' '.join(advised)} -> {after}"


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(TOPS)))
def main(cases: tuple[str, ...]) -> None:
    """Print what is named; all CASES by default."""
    with tempfile.TemporaryDirectory() as folder:
        for name in cases or TOPS:
            if name == "marmousi" and "MARMOUSI" not in os.environ:
                click.echo(f"{name}: skipped; set MARMOUSI to the folder of model and records")
                continue
            for line in tried(name, Path(folder)):
                click.echo(line)


if __name__ == "__main__":
    main()
