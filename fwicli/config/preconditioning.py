"""The section `preconditioning`: what is known of the Hessian before the optimizer begins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from fwicli.config.values import NonNegative, Positive, Section, kind


class Illumination(Section):
    """Diagonal preconditioner from the energy of the waves.

    exponent: 1 corrects for the sources; 2, the default, also for the receivers, taken to light
    the model as the sources do.  receivers: correct for them as they are, by fields that all
    receivers of a shot send at once; takes as long as two gradients in every stage.  damping:
    relative to the mean energy.
    """

    exponent: Annotated[float, Field(strict=True, gt=0, le=4)] | None = None
    receivers: bool = False
    damping: Positive = 0.01

    @model_validator(mode="after")
    def _said_once(self) -> Illumination:
        if self.receivers and self.exponent is not None:
            raise ValueError(
                "`receivers: true` takes sources and receivers as they are; leave out `exponent`"
            )
        return self

    @property
    def power(self) -> float:
        """Of the energy of the source fields."""
        return 2.0 if self.exponent is None else self.exponent


class Wavelengths(Section):
    """Smoothing over a share of the local wavelength, of vp at the upper edge of the band."""

    wavelengths: Positive


class Mutes(Section):
    """Distances [m] within which the gradient fades out: to sources, receivers, what is fixed."""

    sources: NonNegative = 0.0
    receivers: NonNegative = 0.0
    fixed: NonNegative = 0.0


class Preconditioning(Section):
    """How the optimizer's first approximation to the inverse Hessian is made.

    illumination: settings, or false for none.  smoothing: standard deviation [m], or
    `{wavelengths: 0.2}` for a share of the local wavelength.  depth: power of the depth that
    changes are expected to grow with.  mutes: distances [m].
    """

    illumination: Annotated[
        Annotated[Illumination, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
        Discriminator(kind),
    ] = Illumination()
    smoothing: Annotated[
        Annotated[NonNegative, Tag("number")] | Annotated[Wavelengths, Tag("mapping")],
        Discriminator(kind),
    ] = 0.0
    depth: NonNegative = 0.0
    mutes: Mutes = Mutes()

    @field_validator("illumination", mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        return {} if value is True else value
