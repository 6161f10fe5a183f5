"""The sections `shots` of an inversion: batches of shots, and shots that fire together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from fwicli.config.values import MOST, Count, NonNegative, Section, kind, one_of
from fwicli.inversion.shots.batches import ORDERS, Batches
from fwicli.inversion.shots.encoding import Encoding

Seed = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class Encode(Section):
    """Several shots in one simulation.

    sources: most shots in one simulation; all by default.  realisations: codes in an iteration
    that are averaged, each with all of its shots.  polarity: whether shots have random signs.
    delay: longest random delay [s].
    """

    sources: Annotated[int, Field(strict=True, ge=2, le=MOST)] | None = None
    realisations: Count = 1
    polarity: bool = True
    delay: NonNegative = 0.0

    @model_validator(mode="after")
    def _a_code(self) -> Encode:
        if not self.polarity and self.delay == 0:
            raise ValueError(
                "without `polarity` and with `delay: 0` all shots fire alike, and their cross-talk "
                "never averages out; set `polarity: true`, or a `delay` of a few periods [s]"
            )
        return self


class Shots(Section):
    """Shots of each iteration.

    batch: most shots in an iteration; all by default.  order: `shuffled`, every shot once before
    any comes again; `random`, a new subset every time; `interleaved`, every n-th along the line.
    encode: settings, for several shots in one simulation.  seed: another one draws other shots and
    codes.
    """

    batch: Count | None = None
    order: Annotated[str, AfterValidator(one_of(ORDERS))] = "shuffled"
    encode: Annotated[
        Annotated[Encode, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
        Discriminator(kind),
    ] = False
    seed: Seed = 0

    @model_validator(mode="after")
    def _used(self) -> Shots:
        # The config that a run writes says the default, too.
        if self.batch is None and self.order != "shuffled":
            raise ValueError("`order` is that of batches; give their size as `batch`")
        return self

    def batches(self) -> Batches | None:
        """The rule for the shots of an iteration; None for all."""
        return None if self.batch is None else Batches(self.batch, self.order, self.seed)

    def encoding(self) -> Encoding | None:
        """The rule for codes; None where every shot is simulated by itself."""
        if self.encode is False:
            return None
        settings = self.encode
        return Encoding(
            settings.sources, settings.realisations, settings.polarity, settings.delay, self.seed
        )

    @property
    def changing(self) -> bool:
        """Whether the objective is another one in every iteration."""
        return self.batch is not None or self.encode is not False
