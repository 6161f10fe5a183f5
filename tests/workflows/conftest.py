"""What tests of workflows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def coarse_pictures() -> Iterator[None]:
    """Pictures of few dots: drawing them takes longer than the waves of a small survey."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwicli.plotting.pictures.DPI", 50)
        yield
