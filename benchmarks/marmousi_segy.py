"""Marmousi-II records as a field file would hold them: written as SEG-Y and read back.

    MARMOUSI=DATA python benchmarks/marmousi_segy.py [--folder runs/marmousi_segy] [--stages 1]

The folder holds `marmousi2_shots.h5`, records that another program made. They are written as IBM
floats with coordinates in centimetres (scalar -100), two guns that fire in turn under one number of
the field record, spreads of different length, and 24 dead traces that hold noise. The records that
are read back are compared with the HDF5 file: samples, positions, and number of traces. Samples
below the normal numbers of single precision (1.2e-38) become 0.

With `--stages`, the file is inverted in the first stages of `configs/marmousi_invert.yaml`, from
its start and with its wavelet. So are an HDF5 file of the same live traces, and the HDF5 file of
all traces. The table has the relative L2 error of the model below the water and above 2.5 km after
each stage, and the ratio of the first two. The inversion of the SEG-Y file alone is

    fwi invert configs/marmousi_invert.yaml -o RUN --set data.file=FOLDER/marmousi.sgy
        --set 'data.bytes={gun: 233:int16}'
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import h5py
import numpy as np

from fwicli import (
    Acquisition,
    Gathers,
    LoadedConfig,
    SegyWriting,
    byte_map,
    earth_model,
    header_field,
    load_config,
    read_gathers,
    read_history,
    read_segy,
    run_inversion,
    write_gathers,
    write_segy,
)

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "marmousi_invert.yaml"

# Depth that errors of models are measured above [m].
DEPTH = 2500.0
DEAD = 24
FIELDS = byte_map(changes={"gun": header_field("gun", "233:int16")})


def rows(records: Gathers) -> list[np.ndarray]:
    """Receivers of each shot: spreads lose up to 80 of their 267 channels at either end."""
    count = len(records.acquisition.receivers_of(0))
    return [np.arange(20 * (n % 3), count - 20 * (n % 4)) for n in range(len(records.data))]


def dead_traces(records: Gathers) -> np.ndarray:
    """Numbers of dead traces among all that are written, shot by shot."""
    total = sum(len(r) for r in rows(records))
    return np.sort(np.random.default_rng(7).choice(total, DEAD, replace=False))


def write(path: Path, records: Gathers) -> None:
    """Write the records as a field file."""
    spreads = rows(records)
    shots = np.repeat(np.arange(len(spreads)), [len(r) for r in spreads])
    dead = dead_traces(records)
    data, begin = [], 0
    for shot, spread in enumerate(spreads):
        gather = np.array(records.data[shot][spread])
        inside = dead[(dead >= begin) & (dead < begin + len(spread))] - begin
        gather[inside] = 1e3 * np.random.default_rng(shot).standard_normal(gather[inside].shape)
        data.append(gather)
        begin += len(spread)
    receivers = [records.acquisition.receivers_of(n)[spread] for n, spread in enumerate(spreads)]
    survey = Gathers(Acquisition(records.acquisition.sources, receivers), records.interval, data)
    headers = {
        "field_record": 1001 + shots // 2,
        "gun": 1 + shots % 2,
        "channel": np.concatenate(spreads) + 1,
        "trace_id": np.where(np.isin(np.arange(len(shots)), dead), 2, 1),
    }
    write_segy(path, survey, SegyWriting("ibm", divisor=100, fields=FIELDS, headers=headers))


def write_live(path: Path, records: Gathers) -> None:
    """Write the traces that are live in the field file as HDF5, with their own samples."""
    dead, begin, live = dead_traces(records), 0, []
    for spread in rows(records):
        live.append(spread[~np.isin(begin + np.arange(len(spread)), dead)])
        begin += len(spread)
    receivers = [records.acquisition.receivers_of(n)[traces] for n, traces in enumerate(live)]
    data = [np.array(records.data[n][traces]) for n, traces in enumerate(live)]
    survey = Gathers(Acquisition(records.acquisition.sources, receivers), records.interval, data)
    write_gathers(path, survey, {})


def compare(path: Path, records: Gathers) -> str:
    """Differences of what is read back, in words."""
    back = read_segy([path], FIELDS)
    dead = dead_traces(records)
    begin, position, error, missing = 0, 0.0, 0.0, 0
    for shot, spread in enumerate(rows(records)):
        live = spread[~np.isin(begin + np.arange(len(spread)), dead)]
        begin += len(spread)
        missing += abs(len(live) - len(back.acquisition.receivers_of(shot)))
        ours = [back.acquisition.source(shot), back.acquisition.receivers_of(shot)]
        receivers = records.acquisition.receivers_of(shot)[live]
        theirs = [records.acquisition.source(shot), receivers]
        position = max(position, *(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)))
        expected = records.data[shot][live].astype(float)
        normal = np.abs(expected) >= np.finfo(np.float32).tiny
        differences = np.abs(back.data[shot] - expected)[normal] / np.abs(expected[normal])
        error = max(error, float(differences.max()))
    counts = back.acquisition.counts
    told = "; ".join(back.notes)
    return (
        f"{len(counts)} shots of {counts.min()} to {counts.max()} traces, {missing} traces more or "
        f"less than were live; positions differ by {position:g} m, samples by a share of at most "
        f"{error:.2g} (IBM floats: {2.0**-21:.2g}); told: {told}"
    )


def invert(folder: Path, count: int) -> None:
    """Invert the files in the first stages; runs that are there already are only read."""
    stages = [
        stage.model_dump(include={"band", "iterations", "spacing"}, mode="json")
        for stage in load_config(CONFIG).config.inversion.stages[:count]
    ]
    chosen = [f"inversion.stages={json.dumps(stages)}"]
    file = (folder / "marmousi.sgy").resolve()
    field_file = [f"data.file={file}", "data.bytes={gun: 233:int16}"]
    live_file = [f"data.file={(folder / 'live.h5').resolve()}"]
    surveys = {"segy": chosen + field_file, "live": chosen + live_file, "hdf5": chosen}
    errors = []
    for name, settings in surveys.items():
        config, run = load_config(CONFIG, settings=settings), folder / f"{name}_{count}"
        if not (run / "inversion.h5").exists():
            run_inversion(config, run)
        errors.append(model_errors(run / "inversion.h5", config))
    click.echo("model error after stage   SEG-Y    HDF5, same traces   ratio    HDF5, all traces")
    for number, (field, live, every) in enumerate(zip(*errors, strict=True), start=1):
        click.echo(
            f"{number:23d}   {field:.4f}   {live:17.4f}   {field / live:.4f}   {every:16.4f}"
        )


def model_errors(path: Path, config: LoadedConfig) -> list[float]:
    """Relative L2 error of the model at the end of each stage."""
    start, true = (earth_model(s) for s in (config.config.model, config.config.reference))
    where = ~start.water() & start.above(DEPTH)
    stages = read_history(path)["stage"]
    norm = np.linalg.norm(true.vp[where])
    with h5py.File(path) as file:
        iterates = [file["iterates"][name]["vp"][...] for name in sorted(file["iterates"])]
    ends = [int(np.flatnonzero(stages == number)[-1]) for number in np.unique(stages) if number]
    return [float(np.linalg.norm((iterates[n] - true.vp)[where]) / norm) for n in ends]


@click.command()
@click.option("--folder", default="runs/marmousi_segy", type=click.Path(path_type=Path))
@click.option("--stages", default=0, type=click.IntRange(0, 4), show_default=True)
def main(folder: Path, stages: int) -> None:
    """Write the file, read it back, and compare; then invert the files in some STAGES."""
    if "MARMOUSI" not in os.environ:
        click.echo("marmousi: skipped; set MARMOUSI to the folder of the model and the records")
        return
    folder.mkdir(parents=True, exist_ok=True)
    records = read_gathers(Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5", wavelet=False)
    write(folder / "marmousi.sgy", records)
    write_live(folder / "live.h5", records)
    click.echo(compare(folder / "marmousi.sgy", records))
    if stages:
        invert(folder, stages)


if __name__ == "__main__":
    main()
