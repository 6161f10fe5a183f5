"""What processes of workers do before they take shots."""

from __future__ import annotations

import logging

import pytest

from fwicli.execution.dask.preparation import is_no_usual_end


@pytest.mark.parametrize(
    ("error", "is_logged"),
    [(TypeError("'NoneType' object"), False), (OSError("gone"), True), (EOFError(), True)],
)
def test_only_usual_ends_are_left_out(
    error: Exception, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A queue that its own process has closed is one; a parent that is gone is none."""
    logger = logging.getLogger("distributed.nanny")
    logger.addFilter(is_no_usual_end)
    # A cluster of an earlier test may have silenced it.
    caplog.set_level(logging.ERROR, "distributed.nanny")
    # Dask, once it is imported, hands its records to no other logger.
    logger.addHandler(caplog.handler)
    try:
        raise error
    except Exception:
        logger.exception("Worker process died unexpectedly")
    finally:
        logger.removeHandler(caplog.handler)
        logger.removeFilter(is_no_usual_end)
    assert bool(caplog.records) == is_logged
