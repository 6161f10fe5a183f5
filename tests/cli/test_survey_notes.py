"""`fwi check` says how a survey was read and where its map coordinates went."""

from __future__ import annotations

import json

from click.testing import CliRunner

from fwicli.cli import main
from tests.conftest import ROOT

CONFIG = str(ROOT / "configs" / "crooked_model.yaml")


def test_check_prints_where_positions_went() -> None:
    """Azimuth, origin, datum and the largest distance from the line; in JSON as well."""
    text = CliRunner().invoke(main.cli, ["check", CONFIG], catch_exceptions=False).stdout
    lines = [line for line in text.splitlines() if line.startswith("survey: ")]
    assert "x has the azimuth 62.6568782 degrees; z = 0 is at elevation 0 m" in lines[0]
    assert "easting 431242.76 m, northing 6478326.25 m" in lines[0]
    assert "the farthest, source 3, is 57.37 m away, the mean 21.29 m" in lines[1]
    result = CliRunner().invoke(main.cli, ["check", CONFIG, "--json"], catch_exceptions=False)
    assert [f"survey: {note}" for note in json.loads(result.stdout)["survey"]] == lines
