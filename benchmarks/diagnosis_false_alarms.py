"""Arrivals that the diagnosis calls skipped, in true models and with planted delays.

    MARMOUSI=DATA python benchmarks/diagnosis_false_alarms.py [CASE ...]

The cases are Marmousi-II, with the records of another program; the demo; and layers below a hard
sea floor, with refractions. Each is modelled once a band, in the model that made the data and on a
coarser grid than that of the records, and its records are taken as they are, and with noise 10 dB
below them, white or of their own spectrum. There no first arrival is off by half a cycle. Then a
fifth of the traces is made later by some cycles. The line starts from the straight-line model of
Marmousi-II that `noise_and_poor_starts.py` describes: there something is off.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from fwicli import (
    Band,
    Diagnosis,
    LoadedConfig,
    Plan,
    Spectrum,
    compare_arrivals,
    earth_model,
    load_config,
    make_plan,
    modelling_tasks,
    run_model,
    stack_comparisons,
)

Array = NDArray[Any]

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
NOISES, DELAYS = ("no noise", "its spectrum", "white"), (0.3, 0.7, 1.5, -0.7, -1.5)

LAYERS = """\
model: {vp: {file: layers.npy}, spacing: 10}
geometry:
  sources: {x: {start: 200, stop: 7800, count: 12}, z: 20}
  receivers: {x: {start: 0, stop: 8000, step: 50}, z: 20}
wavelet: {kind: ricker, frequency: 7, delay: 0.25}
time: {interval: 0.004, duration: 4.5}
"""
INVERT = """\
model: {vp: {file: layers.npy}, spacing: 10}
data: {file: records/shots.h5}
inversion: {bounds: [1450, 5000], stages: [{band: [0, 5], iterations: 1, spacing: auto}]}
"""


def layers(folder: Path, top: float) -> LoadedConfig:
    """Water over layers of 2400 to 4300 m/s; their records are modelled if they are not there."""
    x, z = np.meshgrid(10.0 * np.arange(801), 10.0 * np.arange(251), indexing="ij")
    depths = (200, 500, 900 + 0.03 * x, 1600)
    vp = np.full(x.shape, 1500.0)
    for depth, speed in zip(depths, (2400, 3000, 3600, 4300), strict=True):
        vp = np.where(z >= depth, speed, vp)
    np.save(folder / "layers.npy", vp.astype(np.float32))
    for name, text in (("model", LAYERS), ("invert", INVERT)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    if not (folder / "records").exists():
        run_model(load_config(folder / "model.yaml"), folder / "records")
    return load_config(folder / "invert.yaml", settings=[_stage(top)])


def demo(folder: Path, top: float) -> LoadedConfig:
    """The demo, from its true model."""
    records = folder / "demo"
    if not records.exists():
        run_model(load_config(CONFIGS / "demo_model.yaml"), records)
    earth = f"model={{vp: {{file: {CONFIGS.parent / 'data' / 'demo_vp.npy'}}}, spacing: 10}}"
    data = f"data.file={records / 'shots.h5'}"
    return load_config(CONFIGS / "demo_invert.yaml", settings=[_stage(top), earth, data])


def marmousi(_folder: Path, top: float) -> LoadedConfig:
    """Marmousi-II, from its true model."""
    path = Path(os.environ["MARMOUSI"]) / "marmousi2_vp_1601x401_7.5m.f32"
    vp = f"{{file: {path}, shape: [1601, 401]}}"
    earth = f"model={{vp: {vp}, unit: km/s, spacing: 7.5}}"
    return load_config(CONFIGS / "marmousi_invert.yaml", settings=[_stage(top), earth])


def line(folder: Path, top: float) -> LoadedConfig:
    """Marmousi-II, from the line below the water that fits the true model best."""
    config = load_config(CONFIGS / "marmousi_invert.yaml").config
    true = earth_model(config.reference)
    below = ~true.water()
    depth = np.broadcast_to(true.grid.spacing[1] * np.arange(true.vp.shape[1]), true.vp.shape)
    slope, intercept = np.polyfit(depth[below], true.vp[below], 1)
    vp = np.where(below, intercept + slope * depth, true.vp)
    np.save(folder / "line.npy", vp.astype(np.float32))
    earth = f"model={{vp: {{file: {folder / 'line.npy'}}}, spacing: 7.5}}"
    return load_config(CONFIGS / "marmousi_invert.yaml", settings=[_stage(top), earth])


# Configs, upper edges of bands [Hz], and whether the model is the true one.
CASES = {
    "marmousi": (marmousi, (3, 5), True),
    "demo": (demo, (3, 6), True),
    "layers": (layers, (3, 5, 8), True),
    "line": (line, (2, 3, 5), False),
}


def _stage(top: float) -> str:
    return f"inversion.stages=[{{band: [0, {top}], iterations: 1, spacing: auto}}]"


def synthetics(made: Plan, wavelet: Array) -> Array:
    """Gathers of all shots on the grid of the stage, for a wavelet of its band."""
    discretization = made.stages[0].discretization()
    tasks = modelling_tasks(replace(made, wavelet=wavelet), discretization)
    return np.stack([task() for task in tasks])


def noise(kind: str, data: Array) -> Array:
    """Noise with a tenth of the energy of the data."""
    random = np.random.default_rng(0).standard_normal(data.shape)
    if kind == "no noise":
        return np.zeros(data.shape)
    if kind == "its spectrum":
        spectrum = np.sqrt((np.abs(np.fft.rfft(data)) ** 2).mean(axis=(0, 1)))
        random = np.fft.irfft(np.fft.rfft(random) * spectrum, n=data.shape[-1])
    return np.asarray(random * np.sqrt(0.1 * (data**2).sum() / (random**2).sum()))


def delayed(data: Array, seconds: float) -> tuple[Array, NDArray[np.bool_]]:
    """Data with a fifth of the traces later, and which these are; `seconds` in samples."""
    planted = np.random.default_rng(1).random(data.shape[:2]) < 0.2
    count = data.shape[-1]
    turned = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * count) * seconds)
    later = np.fft.irfft(np.fft.rfft(data, 2 * count) * turned)[..., :count]
    return np.where(planted[..., None], later, data), planted


def tried(name: str, folder: Path) -> list[tuple[str, dict[str, float]]]:
    """Numbers of the diagnosis for every band, noise and delay of a case, by what they are of."""
    make, tops, true = CASES[name]
    results = []
    for top in tops:
        made, band = make_plan(make(folder, top)), Band(0, top)
        if made.gathers is None:
            continue
        data, interval = made.gathers.data.astype(float), made.interval
        wavelet = band.apply(made.wavelet, interval)
        centre = Spectrum.of(wavelet, interval).centre
        synthetic = synthetics(replace(made, wavelet=wavelet), wavelet)
        for kind in NOISES if true else NOISES[:1]:
            for cycles in (0.0, *(DELAYS if true else ())):
                moved_data, planted = delayed(data, cycles / centre / interval)
                observed = band.apply(moved_data + noise(kind, data), interval)
                pairs = zip(synthetic, observed, strict=True)
                traces = stack_comparisons(
                    [compare_arrivals(s, d, interval, centre) for s, d in pairs]
                )
                diagnosis = Diagnosis(traces, centre)
                both = diagnosis.reliable & planted
                numbers = diagnosis.numbers() | {
                    "planted_share": float(planted[diagnosis.reliable].mean()),
                    "drawn_share": float(planted.mean()),
                    "planted_cycles": float(np.median(traces.cycles[both])) if cycles else 0.0,
                    "warnings": len(diagnosis.warnings()),
                }
                case = f"{name} to {top} Hz, {kind}, {cycles:+.1f} cycles"
                results.append((case, numbers))
    return results


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)))
def main(cases: tuple[str, ...]) -> None:
    """Print what the diagnosis finds; all CASES by default."""
    with tempfile.TemporaryDirectory() as folder:
        for name in cases or CASES:
            if name in ("marmousi", "line") and "MARMOUSI" not in os.environ:
                click.echo(f"{name}: skipped; set MARMOUSI to the folder of model and records")
                continue
            for case, numbers in tried(name, Path(folder)):
                click.echo(
                    f"{case:48s}  compared {numbers['picked_share']:.3f}, "
                    f"off {numbers['skipped_share']:.4f}, planted {numbers['planted_share']:.3f} "
                    f"of {numbers['planted_cycles']:+.2f} cycles, "
                    f"reversed {numbers['reversed_share']:.4f}, {numbers['warnings']} warnings"
                )


if __name__ == "__main__":
    main()
