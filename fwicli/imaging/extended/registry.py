"""Extensions by the names used in configs."""

from __future__ import annotations

from fwicli.imaging.extended.extension import Extension
from fwicli.imaging.extended.separation import LeftRight, UpDown

# Images without lags, which imaging conditions name.
IMAGES: dict[str, type[Extension]] = {e.name: e for e in (UpDown, LeftRight)}
