"""Shot records written as RSF, shot by shot, in the layout of `records`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.files.rsf import components, writer
from fwicli.files.rsf.axes import Axis
from fwicli.files.rsf.header import GEOMETRY, WAVELET
from fwicli.files.rsf.records import regular_axis
from fwicli.survey.gathers import Gathers
from fwicli.survey.traces import Traces

Array = NDArray[Any]


def companions(path: Path) -> tuple[Path, Path]:
    """Files beside a header that may hold the geometry and the wavelet of its records."""
    return path.with_name(f"{path.stem}_{GEOMETRY}.rsf"), path.with_name(
        f"{path.stem}_{WAVELET}.rsf"
    )


def write_gathers(path: Path, gathers: Gathers) -> tuple[Path, ...]:
    """Write shot records, of which one shot is in memory at a time.

    Parameters
    ----------
    path : Path
        Of the header; files that exist are replaced.
    gathers : Gathers

    Returns
    -------
    files : tuple of Path
        All headers that were written, that of the records first.
    """
    regular = _regular(gathers)
    traces = Traces.of(gathers.data)
    time = Axis(gathers.samples, gathers.interval, _start(gathers), "Time", "s")
    count = int(traces.counts.sum())
    geometry, wavelet = companions(path)
    keys = _modelled(gathers) | components.keys(gathers.acquisition)
    if regular is None:
        axes, keys[GEOMETRY] = [time, Axis(count, label="Trace")], geometry.name
    else:
        axes, keys = [time, *regular[0]], keys | regular[1]
    if gathers.wavelet is not None:
        keys[WAVELET] = wavelet.name
    with writer.writing(path, axes, traces.dtype, keys) as file:
        for gather in traces:
            file.write(np.ascontiguousarray(gather, traces.dtype).data)
        path.unlink(missing_ok=True)  # it may name companions that are replaced next
        if regular is None:
            _write_geometry(geometry, gathers, traces)
        if gathers.wavelet is not None:
            _write_wavelet(wavelet, gathers.wavelet, gathers.interval)
    written = [path]
    for name, there in ((geometry, regular is None), (wavelet, gathers.wavelet is not None)):
        if there:
            written.append(name)
        else:  # of earlier records under this name
            for old in (name, writer.data_path(name)):
                old.unlink(missing_ok=True)
    return tuple(written)


def _start(gathers: Gathers) -> float:
    return float(np.ravel(gathers.start)[0])


def _modelled(gathers: Gathers) -> dict[str, str]:
    """Discretization of modelled records as keys."""
    source = gathers.point_source
    if source is None:
        return {}
    lists = {"grid_spacing": source.spacing, "grid_origin": source.origin}
    return {
        "equation": source.equation,
        "order": str(source.order),
        "interpolation": source.interpolation,
        "stencil": source.stencil,
        **{key: ",".join(repr(float(v)) for v in values) for key, values in lists.items()},
    }


def _regular(gathers: Gathers) -> tuple[list[Axis], dict[str, str]] | None:
    """Axes of receivers and shots, and depths; None if they do not hold all positions exactly."""
    survey, data = gathers.acquisition, gathers.data
    same_start = np.unique(np.asarray(gathers.start)).size == 1
    full = not isinstance(data, Traces) or bool((data.lengths == data.samples).all())
    ragged = isinstance(survey.receivers, tuple) or components.is_mixed(survey)
    if survey.ndim != 2 or not same_start or not full or ragged:
        return None
    shots = regular_axis(survey.sources[:, 0], "Shot")
    receivers = _receivers(gathers)
    depths = {"source_z": survey.sources[:, 1], "receiver_z": survey.receivers[..., 1]}
    if shots is None or receivers is None or any((z != z.flat[0]).any() for z in depths.values()):
        return None
    return [receivers, shots], {name: repr(float(z.flat[0])) for name, z in depths.items()}


def _receivers(gathers: Gathers) -> Axis | None:
    """Axis of receivers: the same for all shots, or at the same distances from the source."""
    survey = gathers.acquisition
    if survey.receivers.ndim == 2:
        return regular_axis(survey.receivers[:, 0], "Receiver")
    sources = survey.sources[:, :1]
    axis = regular_axis(survey.receivers[0, :, 0] - sources[0], "Offset")
    if axis is None or not np.array_equal(sources + axis.values(), survey.receivers[..., 0]):
        return None
    return axis


def _write_geometry(path: Path, gathers: Gathers, traces: Traces) -> None:
    """Table of the positions of all traces."""
    survey, counts = gathers.acquisition, traces.counts
    shot = np.repeat(np.arange(survey.shots), counts)
    starts = np.broadcast_to(gathers.start, survey.shots)
    columns: dict[str, Array] = {
        "shot": shot,
        "start": starts[shot],
        "samples": np.asarray(traces.lengths)[shot],
    }
    receivers = np.concatenate([survey.receivers_of(s) for s in range(survey.shots)])
    for i, axis in enumerate(("x", "z") if survey.ndim == 2 else ("x", "y", "z")):
        columns[f"source_{axis}"] = survey.sources[shot, i]
        columns[f"receiver_{axis}"] = receivers[:, i]
    more, listed = components.columns(survey)
    columns |= more
    table = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    axes = [Axis(table.shape[1], label="Column"), Axis(table.shape[0], label="Trace")]
    writer.write(path, table, axes, {"columns": ",".join(columns), **listed})


def _write_wavelet(path: Path, wavelet: Array, interval: float) -> None:
    axes = [Axis(wavelet.shape[-1], interval, 0.0, "Time", "s")]
    if wavelet.ndim == 2:
        axes.append(Axis(len(wavelet), label="Shot"))
    writer.write(path, wavelet, axes, {"label": "Wavelet"})
