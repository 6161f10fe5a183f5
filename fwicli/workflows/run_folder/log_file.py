"""The log of a run in its folder."""

from __future__ import annotations

import logging


class LogFile(logging.FileHandler):
    """Log on a disk that may be full: messages that do not fit are on the screen all the same."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        """Go on."""
