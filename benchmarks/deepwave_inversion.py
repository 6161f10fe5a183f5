"""Part of `inversion_beside_deepwave.py`: the loop that a user of Deepwave would write.

Deepwave's propagator with its default settings on one grid, least squares of the records, and
PyTorch's L-BFGS with its strong Wolfe line search, band by band with a causal low-pass of data and
wavelet. The unknown x is the velocity in a unit that makes the first step 50 m/s; water is held.

Takes a task as JSON, and prints a line of JSON after every gradient.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any

import click
import deepwave
import h5py
import numpy as np
import torch
from scipy.signal import butter, sosfilt

FIRST_STEP = 50.0


class SpentError(Exception):
    """All gradients of a band are spent."""


def lowpass(traces: Any, corner: float, interval: float) -> torch.Tensor:
    """Causal Butterworth filter of order 6."""
    sections = butter(6, corner * 2 * interval, output="sos")
    return torch.from_numpy(sosfilt(sections, traces, axis=-1).astype(np.float32))


class Records:
    """Data, wavelet and places of the records, on the task's grid."""

    def __init__(self, task: dict[str, Any]) -> None:
        with h5py.File(task["records"]) as file:
            shots = slice(None, None, task["every"])
            self.data, self.interval = file["data"][shots], file.attrs["dt"]
            # On one cell of this grid the source has the integral that it has on the records'.
            self.wavelet = (task["recorded_spacing"] / task["spacing"]) ** 2 * file["wavelet"][()]
            sources = np.stack([file["source_x"][shots], file["source_z"][shots]], axis=-1)
            receivers = np.stack([file["receiver_x"][()], file["receiver_z"][()]], axis=-1)
        self.sources = torch.from_numpy(np.rint(sources / task["spacing"]).astype(int))
        self.receivers = torch.from_numpy(np.rint(receivers / task["spacing"]).astype(int))


def misfit(v: torch.Tensor, task: dict[str, Any], records: Records, corner: float) -> float:
    """Misfit of all shots; its gradient is added to that of v."""
    total = 0.0
    observed = lowpass(records.data, corner, records.interval)
    source = lowpass(records.wavelet, corner, records.interval)[None, None]
    for place, gather in zip(records.sources, observed, strict=True):
        made = deepwave.scalar(
            v,
            task["spacing"],
            records.interval,
            source_amplitudes=source,
            source_locations=place[None, None],
            receiver_locations=records.receivers[None],
            accuracy=8,
            pml_freq=corner,
        )[-1]
        part = ((made[0] - gather) ** 2).sum()
        part.backward()
        total += part.item()
    return total


class Inversion:
    """The bands of an inversion, one after the other."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task, self.records = task, Records(task)
        self.free = torch.from_numpy(np.load(task["free"]))
        self.begun, self.number = time.perf_counter(), 0

    def band(self, base: torch.Tensor, corner: float) -> torch.Tensor:
        """The model of the lowest misfit among those of one band."""
        x = torch.zeros_like(base).requires_grad_()
        unit, found = 0.0, [(float("inf"), base)]

        def gradient() -> torch.Tensor:
            nonlocal unit
            if len(found) > self.task["gradients"]:
                raise SpentError
            v = (base + unit * x.detach()).requires_grad_()
            value = misfit(v, self.task, self.records, corner)
            slope = torch.where(self.free, v.grad, 0.0)
            # PyTorch's first step is the gradient over the sum of its sizes.
            unit = unit or FIRST_STEP * float(slope.abs().sum() / slope.abs().max())
            found.append((value, v.detach()))
            first = found[1][0]
            x.grad = unit * slope / first
            self._tell(corner, value, v)
            return torch.tensor(value / first)

        optimizer = torch.optim.LBFGS([x], max_iter=100, line_search_fn="strong_wolfe")
        with suppress(SpentError):
            optimizer.step(gradient)
        return min(found, key=lambda f: f[0])[1]

    def _tell(self, corner: float, value: float, v: torch.Tensor) -> None:
        self.number += 1
        path = f"{self.task['folder']}/{self.number:04d}.npy"
        np.save(path, v.detach().numpy())
        seconds = time.perf_counter() - self.begun
        record = {"band": corner, "seconds": seconds, "misfit": value, "model": path}
        click.echo(json.dumps(record))


def main(task: dict[str, Any]) -> None:
    """Invert, and say after each gradient when it was done and where its model is."""
    torch.set_num_threads(task["threads"])
    inversion = Inversion(task)
    model = torch.from_numpy(np.load(task["start"]).astype(np.float32))
    for corner in task["bands"]:
        model = inversion.band(model, corner)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
