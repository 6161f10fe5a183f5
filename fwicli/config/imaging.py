"""Section of images: condition, illumination, filters and gathers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fwicli.config.migration import MigrationSection
from fwicli.config.values import (
    NonNegative,
    Number,
    OneOf,
    Positive,
    Section,
)
from fwicli.imaging.conditions.names import (
    CHANGES,
    ENERGIES,
    EXCITATION_IMAGE,
    FIELDS,
    GATHERS,
    LAGGED_GATHERS,
)
from fwicli.propagators.kernels.imaging_conditions import CONDITIONS

Degrees = Annotated[float, Field(strict=True, gt=0, le=90, allow_inf_nan=False)]


class GathersSection(Section):
    """Gathers of an image, for the analysis of velocity."""

    kind: Annotated[str, OneOf(GATHERS)]
    """The gathers are subsurface-offset or time-shift ones, or images sorted by the horizontal
    distance from the source, by surface offset, or by shot."""
    largest: Positive | None = None
    """The largest lag is this half offset [m], half time shift [s], distance or surface offset [m];
    `common_shot` has none."""
    bins: Annotated[int, Field(strict=True, ge=2, le=500)] | None = None
    """Surface offsets, or shots along x, are sorted into this number of bins; by default 8, or one
    for each shot."""
    angles: Annotated[float, Field(strict=True, gt=0, le=70, allow_inf_nan=False)] | None = None
    """Subsurface offsets or time shifts become angle gathers up to this angle, with residual
    moveout [deg]."""
    at: Annotated[list[Number], Field(min_length=1, max_length=20)] | None = None
    """Pictures show the gathers at these positions along x; by default at six [m]."""

    @model_validator(mode="after")
    def _keys_of_the_kind(self) -> GathersSection:
        if self.angles is not None and self.kind not in LAGGED_GATHERS:
            raise ValueError(
                f"`angles` is not for `kind: {self.kind}`; leave it out, or set "
                f"`kind: subsurface_offset` or `kind: time_shift`"
            )
        if self.bins is not None and self.kind not in ("surface_offset", "common_shot"):
            raise ValueError(
                f"`bins` is not for `kind: {self.kind}`; leave it out, or set "
                f"`kind: surface_offset` or `kind: common_shot`"
            )
        if self.kind == "common_shot" and self.largest is not None:
            raise ValueError(
                "`largest` is not for `kind: common_shot`, which has all shots; leave it out"
            )
        if self.kind != "common_shot" and self.largest is None:
            raise ValueError(
                f"`kind: {self.kind}` needs its `largest` lag, distance or offset; set some "
                f"wavelengths or periods, or the largest offset of the records"
            )
        return self


class ImagingSection(MigrationSection):
    """Reverse-time migration."""

    condition: Annotated[
        str, OneOf([*CONDITIONS, "gradient", *CHANGES, *FIELDS, EXCITATION_IMAGE])
    ] = "correlation"
    """This imaging condition combines the fields, or this property changes; `gradient` is the
    transpose of Born modelling."""
    max_angle: Degrees | None = None
    """A shot adds to points within this angle below its source, tapered by 10 degrees on both
    sides; by default everywhere [deg]."""
    illumination: NonNegative = 0.01
    """The image is divided by an energy, damped by this share of its mean; 0 is off."""
    illumination_of: Annotated[str, OneOf(ENERGIES)] = "source"
    """This energy divides the image: of the source, of source and receivers both, or the diagonal
    of the Hessian by probing."""
    illumination_smoothing: NonNegative = 0.0
    """The energy is smoothed by a Gaussian with this standard deviation [m]."""
    laplacian: bool | None = None
    """A Laplacian filter removes low-wavenumber backscatter; by default from the images of
    correlation and gradient."""
    low_cut: Positive | None = None
    """Wavelengths along depth above this one are removed from the image [m]."""
    max_dip: Degrees | None = None
    """Reflectors of steeper dip are removed from the image [deg]."""
    mute_taper: NonNegative = 0.0
    """The image rises from zero over this distance below the mute [m]."""
    gain: Positive | None = None
    """Pictures alone show the image with its amplitudes balanced over this length [m]."""
    gathers: GathersSection | None = None
    """The image is made with these gathers, for the analysis of velocity."""

    @property
    def has_laplacian(self) -> bool:
        """Whether the Laplacian filter is applied."""
        by_default = self.condition not in {*CHANGES, *FIELDS, EXCITATION_IMAGE}
        return by_default if self.laplacian is None else self.laplacian

    @model_validator(mode="after")
    def _diagonal_of_an_image(self) -> ImagingSection:
        if self.illumination_of == "hessian" and self.condition not in ("correlation", *CHANGES):
            raise ValueError(
                f"`illumination_of: hessian` is not for `condition: {self.condition}`; choose "
                f"another condition, such as velocity, or `illumination_of: both`"
            )
        return self
