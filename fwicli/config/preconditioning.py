"""The section `preconditioning`: what is known of the Hessian before the optimizer begins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from fwicli.config.values import NonNegative, Positive, Section, kind


class IlluminationSection(Section):
    """Diagonal preconditioner from the energy of the waves."""

    exponent: Annotated[float, Field(strict=True, gt=0, le=4)] | None = None
    """The energy has this power: 1 corrects for sources, 2, the default, also approximately for
    receivers."""
    receivers: bool = False
    """The correction uses fields that receivers send, at the cost of two gradients in every
    stage."""
    damping: Positive = 0.01
    """The energy is damped by this share of its mean."""

    @model_validator(mode="after")
    def _said_once(self) -> IlluminationSection:
        if self.receivers and self.exponent is not None:
            raise ValueError(
                "`receivers: true` takes sources and receivers as they are; leave out `exponent`"
            )
        return self

    @property
    def power(self) -> float:
        """Of the energy of the source fields."""
        return 2.0 if self.exponent is None else self.exponent


class WavelengthsSection(Section):
    """Smoothing over a share of the local wavelength."""

    wavelengths: Positive
    """The standard deviation is this share of the wavelength of vp at the band's upper edge."""


class MutesSection(Section):
    """Distances within which the gradient fades out."""

    sources: NonNegative = 0.0
    """The gradient fades out within this distance of the sources [m]."""
    receivers: NonNegative = 0.0
    """The gradient fades out within this distance of the receivers [m]."""
    fixed: NonNegative = 0.0
    """The gradient fades out within this distance of fixed points [m]."""


class PreconditioningSection(Section):
    """First approximation to the inverse Hessian of the optimizer."""

    illumination: Annotated[
        Annotated[IlluminationSection, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
        Discriminator(kind),
    ] = IlluminationSection()
    """The gradient is divided by the energy of the waves, with these settings or not at all."""
    smoothing: Annotated[
        Annotated[NonNegative, Tag("number")] | Annotated[WavelengthsSection, Tag("mapping")],
        Discriminator(kind),
    ] = 0.0
    """The gradient is smoothed with this standard deviation, or by a share of the wavelength
    [m]."""
    depth: NonNegative = 0.0
    """Changes are expected to grow with this power of the depth."""
    mutes: MutesSection = MutesSection()
    """The gradient fades out within these distances."""

    @field_validator(
        "illumination", mode="before", json_schema_input_type=IlluminationSection | bool
    )
    @classmethod
    def _true(cls, value: Any) -> Any:
        return {} if value is True else value
