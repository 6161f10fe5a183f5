"""What tests of workflows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import pictures


@pytest.fixture(scope="package", autouse=True)
def white_pictures() -> Iterator[None]:
    """Runs write white pictures, unless a test asks for drawn ones."""
    with pictures.white():
        yield


@pytest.fixture
def drawn_pictures() -> Iterator[None]:
    """Runs of the test draw their pictures."""
    with pictures.drawn():
        yield
