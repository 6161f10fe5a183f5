"""Extensions by the names used in configs."""

from __future__ import annotations

from fwicli.imaging.extended.excitation import Excitation
from fwicli.imaging.extended.extension import Extension
from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
from fwicli.imaging.extended.separation import LeftRight, UpDown

# Images without lags, which imaging conditions name.
IMAGES: dict[str, type[Extension]] = {e.name: e for e in (UpDown, LeftRight, Excitation)}
# Gathers of 2 n + 1 lags.
LAGS: dict[str, type[SubsurfaceOffset] | type[TimeShift]] = {
    "subsurface_offset": SubsurfaceOffset,
    "time_shift": TimeShift,
}
