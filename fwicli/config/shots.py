"""The sections `shots` of an inversion: batches of shots, and shots that fire together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from fwicli.config.values import MOST, Count, NonNegative, OneOf, Section, kind
from fwicli.inversion.shots.batches import ORDERS

Seed = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class EncodingSection(Section):
    """Several shots in one simulation."""

    sources: Annotated[int, Field(strict=True, ge=2, le=MOST)] | None = None
    """One simulation takes at most this number of shots; by default all of them."""
    realisations: Count = 1
    """Each iteration averages this number of codes, each with all of its shots."""
    polarity: bool = True
    """The shots have random signs."""
    delay: NonNegative = 0.0
    """The shots have random delays of at most this time [s]."""

    @model_validator(mode="after")
    def _a_code(self) -> EncodingSection:
        if not self.polarity and self.delay == 0:
            raise ValueError(
                "without `polarity` and with `delay: 0` all shots fire alike, and their cross-talk "
                "never averages out; set `polarity: true`, or a `delay` of a few periods [s]"
            )
        return self


class ShotsSection(Section):
    """Shots of each iteration."""

    batch: Count | None = None
    """One iteration uses at most this number of shots; by default all of them."""
    order: Annotated[str, OneOf(ORDERS)] = "shuffled"
    """Batches are shuffled, so that each shot comes once in turn, drawn at random, or interleaved
    along the line."""
    encode: Annotated[
        Annotated[EncodingSection, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
        Discriminator(kind),
    ] = False
    """Several shots are simulated together with these settings, or each by itself."""
    seed: Seed = 0
    """The random shots and codes are drawn from this seed."""

    @model_validator(mode="after")
    def _used(self) -> ShotsSection:
        # The config that a run writes says the default, too.
        if self.batch is None and self.order != "shuffled":
            raise ValueError("`order` is that of batches; give their size as `batch`")
        return self

    @property
    def changing(self) -> bool:
        """Whether the objective is another one in every iteration."""
        return self.batch is not None or self.encode is not False
