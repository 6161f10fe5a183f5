"""How data are compared: `misfit`, of an inversion or of one of its stages.

A name alone takes the defaults, `misfit: huber`; settings come with it, `misfit: {kind: huber,
threshold: 0.5}`. A function of the user's is `misfit: {file: my.py, name: f}`. Each kind is
described where it is computed, in `fwicli.inversion`, and in docs/guide/misfits.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from fwicli.config.values import OneOf, Positive, Section, kinds

OWN = "own"
# Traces of this strength, relative to the mean of the gather, count half unless a section differs.
SILENT = 1e-3

Share = Annotated[float, Field(strict=True, ge=0, lt=1)]


class _MisfitSection(Section):
    """A misfit with settings that have the names of the fields of its class.

    has_curvature : whether its class has a second derivative, for methods of second order.
    """

    has_curvature: ClassVar[bool] = True
    kind: str
    """This name selects the misfit."""


class LeastSquaresSection(_MisfitSection):
    """Energy of the residual."""

    kind: Literal["least_squares"] = "least_squares"
    """This name selects least squares."""


class HuberSection(_MisfitSection):
    """Squares of small residuals, absolute values of those above a threshold (see `residuals`)."""

    kind: Literal["huber"]
    """This name selects the Huber misfit."""
    threshold: Positive = 1.0
    """Residuals above this, relative to the level of the data, count by their absolute value."""


class StudentTSection(_MisfitSection):
    """Wild residuals hardly count (see `residuals`)."""

    kind: Literal["student_t"]
    """This name selects Student's t misfit."""
    degrees: Positive = 4.0
    """The distribution has this number of degrees of freedom; fewer ignore large residuals more."""
    width: Positive = 1.0
    """The distribution has this width, relative to the level of the data."""


class CorrelationSection(_MisfitSection):
    """Normalised zero-lag correlation of traces, or of whole gathers (see `correlation`)."""

    kind: Literal["correlation"]
    """This name selects normalised zero-lag correlation."""
    over: Literal["trace", "gather"] = "trace"
    """The correlation normalises each trace, or a whole gather by one number."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class TraceNormalizedSection(_MisfitSection):
    """Least squares of normalised traces (see `attributes`)."""

    kind: Literal["trace_normalized"]
    """This name selects least squares of normalised traces."""
    norm: Literal["rms", "mean", "peak"] = "rms"
    """Traces are divided by this norm; `mean` is that of absolute values."""
    weighting: Literal["equal", "observed"] = "equal"
    """Traces have equal weights, or the squared norm of the observed ones."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class EnvelopeSection(_MisfitSection):
    """Envelopes, or powers of them (see `attributes`)."""

    kind: Literal["envelope"]
    """This name selects the envelope misfit."""
    exponent: Annotated[float, Field(strict=True, gt=0, le=4)] = 1.0
    """Envelopes are compared to this power."""
    damping: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.01
    """Envelopes are damped by this share of the strongest trace's rms."""


class PhaseSection(_MisfitSection):
    """Instantaneous phase (see `attributes`)."""

    kind: Literal["phase"]
    """This name selects the instantaneous-phase misfit."""
    damping: Annotated[float, Field(strict=True, gt=0, le=10)] = 0.1
    """Waves weaker than this share of their trace's rms have no phase."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class AdaptiveSection(_MisfitSection):
    """Adaptive waveform inversion, by Wiener filters (see `adaptive`)."""

    kind: Literal["adaptive"]
    """This name selects adaptive waveform inversion."""
    damping: Annotated[float, Field(strict=True, gt=0, le=1)] = 1e-4
    """The Wiener filters are damped by this share of each observed trace's strongest frequency."""
    max_lag: Positive | None = None
    """Lags beyond this are not penalised further; by default none is too long [s]."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class WassersteinSection(_MisfitSection):
    """Optimal transport in time (see `wasserstein`)."""

    has_curvature: ClassVar[bool] = False
    kind: Literal["wasserstein"]
    """This name selects optimal transport in time."""
    sharpness: Annotated[float, Field(strict=True, gt=0, le=100)] = 5.0
    """This exponent says how much more a peak weighs than the zero line."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class GraphSpaceSection(_MisfitSection):
    """Optimal transport in graph space (see `graph_space`)."""

    kind: Literal["graph_space"]
    """This name selects optimal transport in graph space."""
    shift: Positive | None = None
    """The largest error in time is expected to be this; by default the dominant period [s]."""
    step: Positive | None = None
    """Compared samples are this far apart; by default 1/16 of the dominant period [s]."""


class TravelTimeSection(_MisfitSection):
    """Travel times by cross-correlation (see `travel_time`)."""

    kind: Literal["travel_time"]
    """This name selects travel times by cross-correlation."""
    max_shift: Positive | None = None
    """Lags are searched up to this; by default up to the length of the records [s]."""
    silent: Share = SILENT
    """Traces of this strength, relative to the mean of the gather, count half."""


class UserMisfitSection(_MisfitSection):
    """A function of the user's (see `fwicli.inversion.misfits.user`)."""

    has_curvature: ClassVar[bool] = False
    kind: Literal["own"] = "own"
    """This name selects a misfit of the user's own."""
    file: Path
    """The function is in this Python file, relative to the config."""
    name: str
    """The function has this name."""
    derivative: Literal["own", "torch"] = "own"
    """The function returns its own derivative, or PyTorch finds it."""

    @field_validator("file")
    @classmethod
    def _python(cls, value: Path) -> Path:
        if value.suffix != ".py":
            raise ValueError("must be a Python file, as in my.py")
        return value


def _with_kind(value: Any) -> Any:
    """A name alone, and a file without a kind, in the form of the others."""
    if isinstance(value, str):
        if value == OWN:
            raise ValueError("of a misfit of your own: misfit: {file: my.py, name: my_function}")
        if value not in NAMES:
            raise ValueError(f"must be one of: {', '.join(NAMES)}")
        return {"kind": value}
    if isinstance(value, dict) and "file" in value and "kind" not in value:
        return {"kind": OWN, **value}
    return value


_Kinds = Annotated[
    LeastSquaresSection
    | HuberSection
    | StudentTSection
    | CorrelationSection
    | TraceNormalizedSection
    | EnvelopeSection
    | PhaseSection
    | AdaptiveSection
    | WassersteinSection
    | GraphSpaceSection
    | TravelTimeSection
    | UserMisfitSection,
    Field(discriminator="kind"),
]
# Misfits that a name alone selects.
NAMES = tuple(name for name in kinds(_Kinds) if name != OWN)
MisfitSection = Annotated[
    _Kinds,
    BeforeValidator(_with_kind, json_schema_input_type=_Kinds | Annotated[str, OneOf(NAMES)]),
]
