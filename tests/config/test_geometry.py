"""Examples of the guide on sources and receivers are valid sections."""

from __future__ import annotations

import re

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.geometry import Geometry
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "guide" / "geometry.md").read_text(encoding="utf-8")


def test_examples_of_the_guide() -> None:
    """Lines that begin with `coordinates` are each an example of their own."""
    sections = 0
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL):
        lines = block.strip().splitlines()
        for example in lines if lines[0].startswith("coordinates") else [block]:
            tree = YAML(typ="safe", pure=True).load(example)
            if "coordinates" in tree:
                CoordinatesSection.model_validate(tree["coordinates"])
            else:
                geometry = tree.get("geometry", {"sources": "shots.csv", **tree})
                TypeAdapter(Geometry).validate_python(geometry)
            sections += 1
    assert sections > 4
