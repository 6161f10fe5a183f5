"""From the section `shots` of an inversion to rules for batches and codes."""

from __future__ import annotations

from fwicli.config.shots import ShotsSection
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Encoding


def build_batches(section: ShotsSection) -> Batches | None:
    """The rule for the shots of an iteration; None for all shots."""
    if section.batch is None:
        return None
    return Batches(section.batch, section.order, section.seed)


def build_encoding(section: ShotsSection) -> Encoding | None:
    """The rule for codes; None where every shot is simulated by itself."""
    code = section.encode
    if code is False:
        return None
    return Encoding(code.sources, code.realisations, code.polarity, code.delay, section.seed)
