"""What a config may say, section by section. SI units; defaults are those of a first run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from fwicli.config.arrays import ArrayFile, NumberOrArray
from fwicli.config.data import Data
from fwicli.config.geometry import Geometry
from fwicli.config.inversion import Inversion
from fwicli.config.values import (
    MOST,
    Aperture,
    Band,
    Coarseness,
    Count,
    Kept,
    NearSource,
    NonNegative,
    Number,
    Positive,
    PropagationGrid,
    Section,
)
from fwicli.config.values import kind as _kind
from fwicli.config.values import one_of as _one_of
from fwicli.propagators.absorbing import SIDES
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.history import KEEPINGS
from fwicli.propagators.kernels.imaging_conditions import CONDITIONS

Spacing = Annotated[
    Annotated[Positive, Tag("number")]
    | Annotated[Annotated[list[Positive], Field(min_length=2, max_length=3)], Tag("list")],
    Discriminator(_kind),
]


Property = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[ArrayFile, Tag("mapping")],
    Discriminator(_kind),
]


class Smoothing(Section):
    """Gaussian smoothing of the slowness; `keep` is what stays: the water, or all above a depth."""

    length: Positive
    keep: Kept = "water"


class Model(Section):
    """Earth model on a regular grid: P velocity, and what else the equation needs.

    epsilon, delta: Thomsen's parameters.  theta, phi: tilt of the axis of symmetry from the
    vertical and its azimuth from x, in `angle_unit`; a positive tilt takes its lower end to
    larger x.
    """

    vp: Property
    rho: Property | None = None
    epsilon: NumberOrArray | None = None
    delta: NumberOrArray | None = None
    theta: NumberOrArray | None = None
    phi: NumberOrArray | None = None
    unit: Literal["m/s", "km/s"] = "m/s"
    rho_unit: Literal["kg/m3", "g/cm3"] = "kg/m3"
    angle_unit: Literal["deg", "rad"] = "deg"
    shape: list[Count] | None = None
    spacing: Spacing | None = None
    origin: list[Number] | None = None
    smooth: Smoothing | None = None

    @field_validator("vp", "rho", "epsilon", "delta", "theta", "phi", mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _constant_has_a_shape(self) -> Model:
        if isinstance(self.vp, float) and (self.shape is None or self.spacing is None):
            raise ValueError("a constant vp needs `shape` and `spacing`")
        return self


class Ricker(Section):
    """Ricker wavelet: peak frequency [Hz], delay of the peak [s], amplitude [Pa] ([Pa m] in 3D)."""

    kind: Literal["ricker"]
    frequency: Positive
    delay: NonNegative | None = None
    amplitude: Number = 1.0


class Ormsby(Section):
    """Ormsby wavelet: four corner frequencies [Hz], delay of the peak [s], amplitude."""

    kind: Literal["ormsby"]
    corners: Annotated[list[Positive], Field(min_length=4, max_length=4)]
    delay: Positive | None = None
    amplitude: Number = 1.0

    @field_validator("corners")
    @classmethod
    def _increasing(cls, value: list[float]) -> list[float]:
        if not all(low < high for low, high in pairwise(value)):
            raise ValueError("corner frequencies must increase")
        return value


class WaveletFile(Section):
    """Wavelet from a file, from t = 0, times `scale`: HDF5, .npy, text, or raw binary.

    interval: of its samples [s]; by default that of the file, an attribute `dt` or a column of
    times in front of the amplitudes, or else that of the data.  It is resampled to the data.
    dtype: of a raw file.
    """

    kind: Literal["file"]
    file: Path
    dataset: str = "wavelet"
    interval: Positive | None = None
    dtype: Literal["float32", "float64"] = "float32"
    scale: Number = 1.0


Wavelet = Annotated[Ricker | Ormsby | WaveletFile, Field(discriminator="kind")]


class Time(Section):
    """Recorded time axis: sampling interval and length [s]; the first sample is t = 0."""

    interval: Positive
    duration: Positive


Side = Annotated[str, AfterValidator(_one_of(SIDES.values()))]


class Absorbing(Section):
    """Absorbing layer: thickness in cells, and the frequency [Hz] that it is tuned to.

    sides: left, right, front, back (in 3D), top, bottom; by default all but a free surface. On the
    others the pressure is zero.
    """

    cells: Annotated[int, Field(strict=True, ge=4, le=MOST)] = 12
    frequency: Positive | None = None
    sides: list[Side] | None = None


class History(Section):
    """How the forward field is kept for a gradient.

    keep: `stored` in memory; `compressed` to so many `bits` a value; as `checkpoints`, from which
    steps are repeated; by its values in the absorbing layer (`boundary`), from which it is found
    again backwards; by some `frequencies` (`fourier`); or on `disk`, in a temporary file. `auto` is
    the quickest that fits into `execution.memory`.
    every: steps between snapshots; by default as many as the band of the waves allows.
    frequencies: Hz, those of them that a band has; by default all in it.
    checkpoints: by default as many as fit into `execution.memory`.
    """

    keep: Annotated[str, AfterValidator(_one_of(("auto", *KEEPINGS)))] = "auto"
    every: Count | None = None
    bits: Literal[16, 8] = 16
    frequencies: Annotated[list[NonNegative], Field(min_length=1)] | None = None
    checkpoints: Count | None = None

    @model_validator(mode="after")
    def _used(self) -> History:
        for name, kind in SETTINGS.items():
            if name in self.model_fields_set and self.keep != kind:
                raise ValueError(
                    f"`{name}` is not for `keep: {self.keep}`; leave it out, or set `keep: {kind}`"
                )
        return self


# Settings of a history, and the way to keep it that has them.
SETTINGS = {"bits": "compressed", "frequencies": "fourier", "checkpoints": "checkpoints"}
# Short for histories that are stored.
STORED = {
    "subsampled": History(keep="stored"),
    "full": History(keep="stored", every=1),
}


class Physics(Section):
    """Wave equation and its discretisation.

    free_surface: the first points along z are a free surface, and the layer is on all other sides.
    interpolation: of sources and receivers off the grid points, by Kaiser-windowed `sinc` functions
    or `linear`.
    substeps: time steps in one sampling interval; by default the fewest that are stable.
    min_points_per_wavelength: below it a run is refused; by default 1 % error of velocity.
    time_correction: remove the dispersion of the time stepping from source and records.
    history: how the forward field is kept for gradients, `auto` or a section; `subsampled` stores
    it as densely as its band needs, `full` at every step.
    grid: of the propagation: that of the `model`, of an image or of a stage's unknowns; a coarser
    one of a spacing [m]; or `auto`, the coarsest that the band allows.
    aperture: what of it is propagated for a shot: the `whole`; all that lies within a horizontal
    distance [m] of its source and receivers; or `auto`, all from where waves can come back within
    the record.
    """

    equation: Annotated[str, AfterValidator(_one_of(EQUATIONS))] = "acoustic"
    order: Literal[4, 6, 8, 10, 12, 14, 16] = 8
    precision: Literal["float32", "float64"] = "float32"
    absorbing: Absorbing = Absorbing()
    free_surface: bool = False
    interpolation: Literal["sinc", "linear"] = "sinc"
    substeps: Count | None = None
    time_correction: bool = True
    min_points_per_wavelength: Positive | None = None
    history: Annotated[
        Annotated[str, AfterValidator(_one_of(("auto", *STORED, *KEEPINGS))), Tag("text")]
        | Annotated[History, Tag("mapping")],
        Discriminator(_kind),
    ] = "auto"
    grid: PropagationGrid = "model"
    aperture: Aperture = "whole"

    def kept(self) -> History:
        """The section of the history, whatever way it is given."""
        if isinstance(self.history, History):
            return self.history
        return STORED.get(self.history) or History(keep=self.history)

    @model_validator(mode="after")
    def _one_top(self) -> Physics:
        if self.free_surface and "top" in (self.absorbing.sides or ()):
            raise ValueError(
                "`free_surface: true` and `top` among the sides of `absorbing` exclude each other; "
                "leave `top` out, or set `free_surface: false`"
            )
        return self


class Execution(Section):
    """Processes on this machine, one shot each, and threads of one shot.

    memory: GB that all of them together may take; by default 80 % of this machine's.
    """

    workers: Annotated[
        Annotated[Count, Tag("number")]
        | Annotated[str, AfterValidator(_one_of(("auto",), " or a whole number")), Tag("text")],
        Discriminator(_kind),
    ] = "auto"
    threads: Count = 1
    memory: Positive | None = None


class Imaging(Section):
    """Reverse-time migration.

    condition: `correlation` of the fields, or `gradient`, the transpose of Born modelling.
    subtract_modelled: take the records modelled in the smooth model (direct and diving waves)
    from the data first.  illumination: divide by the energy of the source field, damped by this
    share of its mean; 0 for not.  laplacian: filter that removes the low-wavenumber backscatter.
    mute: what is left out of the image: the water layer, all above a depth [m], or nothing.
    band: of data and wavelet [Hz].  spacing: grid of the image [m], or `auto` for the coarsest
    that the band allows; the model's by default.  near_source: distance [m] from the source
    within which records depend on the grid, and are used without that; `auto`, the default, for
    four cells, or nothing.
    """

    condition: Annotated[str, AfterValidator(_one_of([*CONDITIONS, "gradient"]))] = "correlation"
    subtract_modelled: bool = True
    illumination: NonNegative = 0.01
    laplacian: bool = True
    mute: Kept = "nothing"
    band: Band | None = None
    spacing: Coarseness | None = None
    near_source: NearSource | None = None


class Run(Section):
    """Sections that every command shares."""

    model: Model
    physics: Physics = Physics()
    execution: Execution = Execution()
    output: Path | None = None


class ModelConfig(Run):
    """`fwi model`: records of a known earth."""

    geometry: Geometry
    wavelet: Wavelet
    time: Time


class InvertConfig(Run):
    """`fwi invert`: the earth from records; `reference` is a known answer to measure against."""

    data: Data
    wavelet: Wavelet | None = None
    inversion: Inversion
    reference: Model | None = None


class RtmConfig(Run):
    """`fwi rtm`: an image from records and a smooth model; `reference` as in `fwi invert`."""

    data: Data
    wavelet: Wavelet | None = None
    imaging: Imaging = Imaging()
    reference: Model | None = None


KINDS: dict[str, type[Run]] = {"model": ModelConfig, "invert": InvertConfig, "rtm": RtmConfig}
