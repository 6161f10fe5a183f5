"""The section `least_squares` of `fwi lsrtm`: solver, preconditioning, shots and wavelet."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fwicli.config.inversion import SourceChoice
from fwicli.config.migration import MigrationSection
from fwicli.config.values import Count, NonNegative, Section


class ConjugateGradientsSection(Section):
    """Conjugate gradients for the normal equations, as CGLS and LSQR."""

    kind: Literal["conjugate_gradients"]
    """This name selects conjugate gradients."""
    damping: NonNegative = 0.0
    """The square of the scaled image is damped by this share of the curvature of the data."""
    restart: Count | None = None
    """Residual, gradient and wavelet are computed anew after this number of steps; by default
    never."""


SolverSection = Annotated[ConjugateGradientsSection, Field(discriminator="kind")]


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
