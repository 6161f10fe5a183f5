"""Workers of Dask that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


# Idle workers take a twentieth of a core: they end with the tests of this folder.
@pytest.fixture(scope="package")
def pair() -> Iterator[Any]:
    """A connection to two workers of this machine."""
    from fwicli.execution.dask import clusters

    with clusters.on_this_machine(2) as connection:
        yield connection


@pytest.fixture
def dask(pair: Any) -> Iterator[Any]:
    """An executor on two workers."""
    from fwicli.execution.dask.executor import Dask

    executor = Dask(pair)
    yield executor
    executor.close()
