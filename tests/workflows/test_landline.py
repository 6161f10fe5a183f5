"""A land line: surface waves have the speed of theory, and tell the velocity of S waves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from fwicli.config.loader import load
from fwicli.files import hdf5
from fwicli.survey.components import Component
from fwicli.survey.signals.wavelets import times
from fwicli.workflows import invert, model

# Order, precision and spacing are those of other tests, so that kernels are compiled once.
PHYSICS = "physics: {equation: elastic, free_surface: true, order: 4, precision: float64}\n"
MODEL = f"""\
model: {{vp: 1800, vs: 900, rho: 1900, shape: [81, 31], spacing: [10, 12]}}
geometry:
  sources: {{x: [60], z: 0, component: fz}}
  receivers: {{x: {{start: 0, stop: 800, step: 20}}, z: 0, component: [pressure, vx, vz]}}
wavelet: {{kind: ricker, frequency: 5}}
time: {{duration: 1.2, interval: 0.002}}
{PHYSICS}execution: {{workers: 1}}
"""


def rayleigh(vp: float, vs: float) -> float:
    """Speed of Rayleigh waves on a half space [m/s]: the root of Rayleigh's function."""

    def function(c: float) -> float:
        p, s = np.sqrt(1 - (c / vp) ** 2), np.sqrt(1 - (c / vs) ** 2)
        return float((2 - (c / vs) ** 2) ** 2 - 4 * p * s)

    return float(brentq(function, 0.5 * vs, 0.9999 * vs))


def test_records_hold_rayleigh_waves(tmp_path: Path) -> None:
    """Phases of vz on the surface move out at the speed of theory, at the wavelet's frequencies.

    P and S waves are a few per cent of the records, so that a single frequency is less exact.
    """
    (tmp_path / "model.yaml").write_text(MODEL, encoding="utf-8")
    model.run(load(tmp_path / "model.yaml"), tmp_path / "shots")
    gathers = hdf5.read_gathers(tmp_path / "shots" / "shots.h5")
    x = gathers.acquisition.receivers[:, 0]
    vz = gathers.acquisition.rows_by_component(0)[Component.named("vz")]
    far = vz[(x[vz] >= 360) & (x[vz] <= 700)]
    padded = 4 * gathers.samples
    spectra = np.fft.rfft(gathers.data[0, far], padded, axis=1)
    f = np.fft.rfftfreq(padded, gathers.interval)
    speeds = []
    for number in np.flatnonzero((f >= 4) & (f <= 7)):
        phase = np.unwrap(np.angle(spectra[:, number]))
        speeds.append(-2 * np.pi * f[number] / np.polyfit(x[far], phase, 1)[0])
    expected = rayleigh(1800, 900)
    assert np.mean(speeds) == pytest.approx(expected, rel=0.003)
    assert np.array(speeds) == pytest.approx(expected, rel=0.008)
    # They are stronger on the surface than all else.
    arrival = 0.24 + (x[far] - 60) / expected
    late = np.abs(times(gathers.interval, gathers.samples) - arrival[:, None]) < 0.2
    energy = gathers.data[0, far] ** 2
    assert energy[late].sum() > 0.9 * energy.sum()


INVERT = f"""\
model: {{vp: vp.npy, vs: vs.npy, rho: 1900, spacing: [10, 12]}}
reference: {{vp: true_vp.npy, vs: true_vs.npy, rho: 1900, spacing: [10, 12]}}
data: {{file: shots/shots.h5}}
inversion:
  invert_for: {{vs: [650, 1100]}}
  component_weights: {{pressure: 0, vx: 0}}
  preconditioning: {{smoothing: 20}}
  stages: [{{band: [0, 4], iterations: 2}}, {{band: [0, 6], iterations: 2}}]
{PHYSICS}execution: {{workers: 1}}
"""


@pytest.mark.slow  # four large kernels; `test_records_hold_rayleigh_waves` has the waves
def test_surface_waves_tell_the_velocity_of_s_waves(tmp_path: Path) -> None:
    """Of a soft body below the surface, though vp is not quite right.

    The points on the surface change: they are no water.
    """
    x, z = 10.0 * np.arange(41)[:, None], 12.0 * np.arange(31)
    start = np.broadcast_to(850 + 0.3 * z, (41, 31))
    true = start - 120 * np.exp(-(((x - 200) / 70) ** 2) - (z / 60) ** 2)
    for name, vs in (("", start), ("true_", true)):
        np.save(tmp_path / f"{name}vs.npy", vs)
        np.save(tmp_path / f"{name}vp.npy", 2 * vs)
    soft = MODEL.replace("vp: 1800, vs: 900", "vp: true_vp.npy, vs: true_vs.npy")
    soft = soft.replace("shape: [81, 31], ", "")
    for name, text in (("model", soft), ("invert", INVERT)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    line = [
        "geometry.sources.x=[60, 340]",
        "geometry.receivers.x.stop=400",
        "wavelet.frequency=4.5",
    ]
    model.run(load(tmp_path / "model.yaml", settings=line), tmp_path / "shots")
    invert.run(load(tmp_path / "invert.yaml"), tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    assert np.all(np.diff(history["misfit"][:2]) < 0)
    assert history["model_error_vs"][-1] < 0.8 * np.linalg.norm(true - start) / np.linalg.norm(true)
    result, _ = hdf5.read_array(tmp_path / "run" / "inversion.h5", "result/vs")
    assert (result - start)[20, 0] < -10
