"""The section `least_squares` of `fwi lsrtm`: solver, preconditioning, shots and wavelet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fwicli.config.inversion import SourceChoice
from fwicli.config.migration import MigrationSection
from fwicli.config.shots import Seed
from fwicli.config.values import Count, NonNegative, OneOf, Section
from fwicli.inversion.shots.batches import ORDERS


class ConjugateGradientsSection(Section):
    """Conjugate gradients for the normal equations, as CGLS and LSQR."""

    kind: Literal["conjugate_gradients"]
    """This name selects conjugate gradients."""
    damping: NonNegative = 0.0
    """The square of the scaled image is damped by this share of the curvature of the data."""
    restart: Count | None = None
    """Residual, gradient and wavelet are computed anew after this number of steps; by default
    never."""


class NoTransformSection(Section):
    """The image itself."""

    kind: Literal["none"]
    """This name selects the points of the image themselves."""


class WaveletTransformSection(Section):
    """Orthonormal wavelets."""

    kind: Literal["wavelet"]
    """This name selects orthonormal wavelets."""
    wavelet: str = "db4"
    """The wavelets are those of this name of PyWavelets, such as db4 or sym8."""
    levels: Annotated[int, Field(strict=True, ge=1, le=10)] = 4
    """The wavelets have this number of scales."""


class CurveletTransformSection(Section):
    """Uniform discrete curvelets."""

    kind: Literal["curvelet"]
    """This name selects uniform discrete curvelets."""
    scales: Annotated[int, Field(strict=True, ge=2, le=10)] = 3
    """The curvelets have this number of scales, the coarsest included."""


TransformSection = Annotated[
    NoTransformSection | WaveletTransformSection | CurveletTransformSection,
    Field(discriminator="kind"),
]


class BregmanSection(Section):
    """Linearised Bregman iterations: sparse images, by batches of shots."""

    kind: Literal["bregman"]
    """This name selects linearised Bregman iterations."""
    transform: TransformSection = WaveletTransformSection(kind="wavelet")
    """The image is sparse in this domain."""
    quantile: Annotated[float, Field(strict=True, ge=0, lt=1)] = 0.9
    """This share of the coefficients is zero after the first step, and the threshold stays."""
    batch: Count | None = None
    """A step after the first takes this number of shots; by default all."""
    order: Annotated[str, OneOf(ORDERS)] = "shuffled"
    """Batches are shuffled, so that each shot comes once in turn, drawn at random, or interleaved
    along the line."""
    seed: Seed = 0
    """The random shots are drawn from this seed."""


class FistaSection(Section):
    """FISTA: the sum of absolute values of the coefficients is a penalty."""

    kind: Literal["fista"]
    """This name selects FISTA."""
    transform: TransformSection = WaveletTransformSection(kind="wavelet")
    """The image is sparse in this domain."""
    weight: NonNegative = 0.01
    """The penalty has this weight, relative to the largest coefficient of the first gradient."""


SolverSection = Annotated[
    ConjugateGradientsSection | BregmanSection | FistaSection, Field(discriminator="kind")
]


class LsrtmSection(MigrationSection):
    """Least-squares migration."""

    iterations: Count = 20
    """The solver takes at most this number of steps."""
    solver: SolverSection = ConjugateGradientsSection(kind="conjugate_gradients")
    """This method minimises the residual of the linearised records."""
    illumination: NonNegative = 0.01
    """The image is scaled by the root of source energy, damped by this share of its mean; 0 is
    off."""
    source: SourceChoice = False
    """The wavelet is estimated with these settings wherever the residual is computed, or is known.
    """
    stretch: bool = False
    """Reflectors are drawn at depths of the velocities that the image implies, instead of those of
    the smooth model."""
