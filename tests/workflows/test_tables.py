"""From tables in map coordinates to records: those of the same positions in the config."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwicli.config.loader import load
from fwicli.files import hdf5
from fwicli.workflows import model, rtm
from tests.survey_fixtures import MODEL, RTM

GEOMETRY = """\
geometry:
  sources: shots.csv
  receivers: {file: stations.csv, offsets: [0, 250]}
  coordinates: {origin: [1000, 5000], azimuth: 0, datum: 100}
"""


def test_records_of_tables(survey: Path, tmp_path: Path) -> None:
    """To round-off, each shot with the receivers in its range of offsets; and they are migrated.

    The line goes north: x is the northing, in km and m, below a datum.
    """
    x_sources, x_receivers = np.linspace(60, 540, 4), np.arange(0, 601, 20.0)
    shots = [f"{n},1000,{5000 + x},80" for n, x in enumerate(x_sources)]
    stations = [
        f"{n};1,0;{(5000 + x) / 1000:.5f};80".replace(".", ",") for n, x in enumerate(x_receivers)
    ]
    table = "\n".join(["shot,easting,northing,elevation", *shots])
    (tmp_path / "shots.csv").write_text(table, encoding="utf-8")
    table = "\n".join(["# stations", "id;x (km);y (km);Elev (m)", *stations])
    (tmp_path / "stations.csv").write_text(table, encoding="utf-8")
    text = MODEL.replace("true.npy", str(survey / "true.npy"))
    head, rest = text.split("geometry:")[0], "wavelet:" + text.split("wavelet:")[1]
    (tmp_path / "model.yaml").write_text(head + GEOMETRY + rest, encoding="utf-8")

    model.run(load(tmp_path / "model.yaml"), tmp_path / "shots")
    records = hdf5.read_gathers(tmp_path / "shots" / "shots.h5", "data", slice(None), True)
    whole = hdf5.read_gathers(survey / "shots" / "shots.h5", "data", slice(None), True)
    assert len(set(records.acquisition.counts)) > 1
    for shot, x in enumerate(x_sources):
        near = np.abs(x_receivers - x) <= 250
        positions = records.acquisition.receivers_of(shot)
        assert positions[:, 0].tolist() == x_receivers[near].tolist()
        assert (positions[:, 1] == 20).all()
        # The last bits of a trace depend on how many are resampled together.
        error = np.abs(records.data[shot] - whole.data[shot][near]).max()
        assert error < 1e-6 * np.abs(whole.data[shot]).max()

    text = RTM.replace("true.npy", str(survey / "true.npy"))
    (tmp_path / "rtm.yaml").write_text(text, encoding="utf-8")
    assert rtm.run(load(tmp_path / "rtm.yaml"), tmp_path / "image")
