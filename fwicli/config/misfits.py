"""How data are compared: `misfit`, of an inversion or of one of its stages.

A name alone takes the defaults, `misfit: huber`; settings come with it, `misfit: {kind: huber,
threshold: 0.5}`. A function of the user's is `misfit: {file: my.py, name: f}`. Each kind is
described where it is computed, in `fwicli.inversion`, and in docs/misfits.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from fwicli.config.values import Positive, Section
from fwicli.inversion.misfits import registry, user
from fwicli.inversion.misfits.traces import SILENT

OWN = "own"
NAMES = (*registry.MISFITS, OWN)

Share = Annotated[float, Field(strict=True, ge=0, lt=1)]


class _Named(Section):
    """A misfit with settings that have the names of the fields of its class."""

    kind: str

    def made(self) -> registry.Misfit:
        """The misfit itself."""
        return registry.MISFITS[self.kind](**self.model_dump(exclude={"kind"}))


class LeastSquares(_Named):
    """Energy of the residual."""

    kind: Literal["least_squares"] = "least_squares"


class Huber(_Named):
    """Squares of small residuals, absolute values of those above a threshold (see `residuals`)."""

    kind: Literal["huber"]
    threshold: Positive = 1.0


class StudentT(_Named):
    """Wild residuals hardly count (see `residuals`)."""

    kind: Literal["student_t"]
    degrees: Positive = 4.0
    width: Positive = 1.0


class Correlation(_Named):
    """Normalised zero-lag correlation of traces, or of whole gathers (see `correlation`)."""

    kind: Literal["correlation"]
    over: Literal["trace", "gather"] = "trace"
    silent: Share = SILENT


class TraceNormalized(_Named):
    """Least squares of normalised traces (see `attributes`)."""

    kind: Literal["trace_normalized"]
    norm: Literal["rms", "mean", "peak"] = "rms"
    weighting: Literal["equal", "observed"] = "equal"
    silent: Share = SILENT


class Envelope(_Named):
    """Envelopes, or powers of them (see `attributes`)."""

    kind: Literal["envelope"]
    exponent: Annotated[float, Field(strict=True, gt=0, le=4)] = 1.0
    damping: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.01


class Phase(_Named):
    """Instantaneous phase (see `attributes`)."""

    kind: Literal["phase"]
    damping: Annotated[float, Field(strict=True, gt=0, le=10)] = 0.1
    silent: Share = SILENT


class Adaptive(_Named):
    """Adaptive waveform inversion, by Wiener filters (see `adaptive`)."""

    kind: Literal["adaptive"]
    damping: Annotated[float, Field(strict=True, gt=0, le=1)] = 1e-4
    max_lag: Positive | None = None
    silent: Share = SILENT


class Wasserstein(_Named):
    """Optimal transport in time (see `wasserstein`)."""

    kind: Literal["wasserstein"]
    sharpness: Annotated[float, Field(strict=True, gt=0, le=100)] = 5.0
    silent: Share = SILENT


class GraphSpace(_Named):
    """Optimal transport in graph space (see `graph_space`)."""

    kind: Literal["graph_space"]
    shift: Positive | None = None
    step: Positive | None = None


class TravelTime(_Named):
    """Travel times by cross-correlation (see `travel_time`)."""

    kind: Literal["travel_time"]
    max_shift: Positive | None = None
    silent: Share = SILENT


class Own(Section):
    """A function of the user's (see `fwicli.inversion.misfits.user`).

    file: a Python file, relative to the config.  name: of the function.  derivative: `own` if the
    function returns it too, `torch` if PyTorch shall find it.
    """

    kind: Literal["own"]
    file: Path
    name: str
    derivative: Literal["own", "torch"] = "own"

    @field_validator("file")
    @classmethod
    def _python(cls, value: Path) -> Path:
        if value.suffix != ".py":
            raise ValueError("must be a Python file, as in my.py")
        return value

    def made(self) -> registry.Misfit:
        """The misfit itself."""
        return user.Own(str(self.file), self.name, self.derivative)


def _with_kind(value: Any) -> Any:
    """A name alone, and a file without a kind, in the form of the others."""
    if isinstance(value, str):
        if value == OWN:
            raise ValueError("of a misfit of your own: misfit: {file: my.py, name: my_function}")
        if value not in NAMES:
            raise ValueError(f"must be one of: {', '.join(registry.MISFITS)}")
        return {"kind": value}
    if isinstance(value, dict) and "file" in value and "kind" not in value:
        return {"kind": OWN, **value}
    return value


Misfit = Annotated[
    Annotated[
        LeastSquares
        | Huber
        | StudentT
        | Correlation
        | TraceNormalized
        | Envelope
        | Phase
        | Adaptive
        | Wasserstein
        | GraphSpace
        | TravelTime
        | Own,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_with_kind),
]
