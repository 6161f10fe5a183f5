"""Sections of configs, in SI units; defaults are those of a first run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from fwicli.config.arrays import ArrayFileSection, NumberOrArray
from fwicli.config.data import DataSection
from fwicli.config.execution import ExecutionSection
from fwicli.config.geometry import Geometry
from fwicli.config.imaging import ImagingSection
from fwicli.config.inversion import InversionSection
from fwicli.config.least_squares import LsrtmSection
from fwicli.config.migration import MigrationSection
from fwicli.config.tables import by_path
from fwicli.config.topography import Surface, contradiction
from fwicli.config.values import (
    MOST,
    NOTHING,
    Aperture,
    Count,
    Kept,
    NonNegative,
    Number,
    OneOf,
    Positive,
    PropagationGrid,
    Section,
)
from fwicli.config.values import kind as _kind
from fwicli.config.wavelets import OrmsbySection as OrmsbySection
from fwicli.config.wavelets import RickerSection as RickerSection
from fwicli.config.wavelets import WaveletFileSection as WaveletFileSection
from fwicli.config.wavelets import WaveletSection as WaveletSection
from fwicli.propagators.absorbing import SIDES
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.history import HISTORY_KINDS
from fwicli.survey.properties import PROPERTIES

Spacing = Annotated[
    Annotated[Positive, Tag("number")]
    | Annotated[Annotated[list[Positive], Field(min_length=2, max_length=3)], Tag("list")],
    Discriminator(_kind),
]


Property = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[ArrayFileSection, Tag("mapping")],
    Discriminator(_kind),
]


class SmoothingSection(Section):
    """Gaussian smoothing of the slowness."""

    length: Positive
    """The Gaussian has this standard deviation [m]."""
    keep: Kept = "water"
    """This region stays as it is: the water, all above a depth, or nothing [m]."""


class ModelSection(Section):
    """Earth model on a regular grid: P velocity, and what else the equation needs."""

    vp: Property | None = None
    """The waves have this P velocity, in the unit of `unit`; only SH waves have none [m/s]."""
    vs: NumberOrArray | None = None
    """The waves have this S velocity, 0 in fluids, in the unit of `unit` [m/s]."""
    rho: Property | None = None
    """The medium has this density, in the unit of `rho_unit` [kg/m3]."""
    qp: NumberOrArray | None = None
    """P waves have this quality factor, and lose the share 2 pi / qp of their energy a cycle."""
    qs: NumberOrArray | None = None
    """S waves have this quality factor; in fluids it does not matter."""
    epsilon: NumberOrArray | None = None
    """The medium has this Thomsen parameter epsilon."""
    delta: NumberOrArray | None = None
    """The medium has this Thomsen parameter delta."""
    gamma: NumberOrArray | None = None
    """The medium has this Thomsen parameter gamma, of SH waves, in 3D."""
    theta: NumberOrArray | None = None
    """The symmetry axis is tilted from the vertical by this angle, lower end to larger x [deg]."""
    phi: NumberOrArray | None = None
    """The symmetry axis has this azimuth from x, in the unit of `angle_unit` [deg]."""
    unit: Literal["m/s", "km/s"] = "m/s"
    """The values of vp and vs are given in this unit."""
    rho_unit: Literal["kg/m3", "g/cm3"] = "kg/m3"
    """The values of rho are given in this unit."""
    angle_unit: Literal["deg", "rad"] = "deg"
    """The angles theta and phi are given in this unit."""
    shape: list[Count] | None = None
    """The grid has these numbers of points along x, y in 3D, and z."""
    spacing: Spacing | None = None
    """Grid points are this far apart, on all axes or on each one [m]."""
    origin: list[Number] | None = None
    """The first grid point has these coordinates [m]."""
    smooth: SmoothingSection | None = None
    """The slowness is smoothed with these settings."""

    @model_validator(mode="before")
    @classmethod
    def _without_velocity(cls, section: Any) -> Any:
        # The problem is that of `vp`, and is not said twice where that cannot be read.
        if isinstance(section, dict) and section.get("vp") is section.get("vs") is None:
            return {**section, "vp": NOTHING}
        return section

    @field_validator("vp", "rho", mode="before", json_schema_input_type=Property | Path | None)
    @classmethod
    def _path_of_property(cls, value: Any) -> Any:
        if value is NOTHING:
            raise ValueError("give the P velocity [m/s], or `vs` alone for SH waves")
        return {"file": value} if isinstance(value, str) else value

    @field_validator(
        *(name for name in PROPERTIES if name not in ("vp", "rho")),
        mode="before",
        json_schema_input_type=NumberOrArray | Path | None,
    )
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _constant_has_a_shape(self) -> ModelSection:
        constant = isinstance(getattr(self, self.leading), float)
        if constant and (self.shape is None or self.spacing is None):
            raise ValueError(f"a constant {self.leading} needs `shape` and `spacing`")
        return self

    @property
    def leading(self) -> str:
        """Name of the velocity that has the grid of the model: vp, or vs without it."""
        return "vs" if self.vp is None else "vp"


class TimeSection(Section):
    """Recorded time axis; the first sample is t = 0."""

    interval: Positive
    """The samples of the records are this far apart [s]."""
    duration: Positive
    """The records have this length [s]."""


Side = Annotated[str, OneOf(SIDES.values())]


class AbsorbingSection(Section):
    """Absorbing layer around the model."""

    cells: Annotated[int, Field(strict=True, ge=4, le=MOST)] = 12
    """The layer is this number of grid cells thick."""
    frequency: Positive | None = None
    """The layer is tuned to this frequency; by default to that of the waves [Hz]."""
    sides: list[Side] | None = None
    """These sides absorb, by default all but a free surface; others have zero pressure."""


class HistorySection(Section):
    """How the forward field is kept for a gradient."""

    keep: Annotated[str, OneOf(("auto", *HISTORY_KINDS))] = "auto"
    """The forward field is kept in this way; `auto` is the quickest that fits into
    `execution.memory`."""
    every: Count | None = None
    """One in this number of time steps is kept; by default as many as the band allows."""
    bits: Literal[16, 8] = 16
    """A compressed value takes this number of bits."""
    frequencies: Annotated[list[NonNegative], Field(min_length=1)] | None = None
    """The fourier history keeps those of these frequencies in the band; by default all in it
    [Hz]."""
    count: Annotated[int, Field(strict=True, ge=2)] | None = None
    """Probes are this number of fields, two a random frequency, by default 16; fourier spaces
    them evenly."""
    checkpoints: Count | None = None
    """Memory holds this number of checkpoints; by default as many as fit into
    `execution.memory`."""

    @model_validator(mode="after")
    def _used(self) -> HistorySection:
        for name, kinds in SETTINGS.items():
            if name in self.model_fields_set and self.keep not in kinds:
                raise ValueError(
                    f"`{name}` is not for `keep: {self.keep}`; leave it out, or set "
                    f"`keep: {kinds[0]}`"
                )
        if self.count is not None and self.frequencies is not None:
            raise ValueError(
                "`count` and `frequencies` both choose frequencies; leave one of them out"
            )
        return self


# Settings of a history, and the ways to keep it that have them.
SETTINGS = {
    "bits": ("compressed",),
    "frequencies": ("fourier",),
    "count": ("probes", "fourier"),
    "checkpoints": ("checkpoints",),
}
# Short for histories that are stored.
STORED = {
    "subsampled": HistorySection(keep="stored"),
    "full": HistorySection(keep="stored", every=1),
}


class EquationFile(Section):
    """A wave equation of your own."""

    file: Path
    """This Python file states the equation, and calls it `EQUATION`."""


class PhysicsSection(Section):
    """Wave equation and its discretisation."""

    equation: Annotated[
        Annotated[
            str, OneOf(EQUATIONS, ", or {file: my_waves.py} for one of your own"), Tag("text")
        ]
        | Annotated[EquationFile, Tag("mapping")],
        Discriminator(_kind),
    ] = "acoustic"
    """The waves obey this wave equation, by name or as a Python file states it."""
    reference_frequency: Positive | None = None
    """Waves that lose energy have the velocities of the model here, and a constant Q from 0.41 to
    2.4 times this frequency [Hz]."""
    order: Literal[4, 6, 8, 10, 12, 14, 16] = 8
    """Spatial derivatives have this order of accuracy."""
    stencil: Literal["taylor", "optimised"] = "taylor"
    """Differences in space have Taylor's weights, or those of the same reach that serve the
    coarsest grids."""
    precision: Literal["float32", "float64"] = "float32"
    """Wave fields are computed with numbers of this type."""
    absorbing: AbsorbingSection = AbsorbingSection()
    """This layer absorbs waves at the sides of the model."""
    free_surface: bool = False
    """The first points along z are a free surface, of a fluid or a solid, without a layer."""
    topography: Annotated[
        Surface | None, BeforeValidator(by_path, json_schema_input_type=Surface | Path | None)
    ] = None
    """The free surface is at this depth, or those of a file, with air above; for `elastic` [m]."""
    interpolation: Literal["sinc", "linear"] = "sinc"
    """Kaiser-windowed sinc functions, or linear ones, represent sources and receivers off the grid
    points."""
    substeps: Count | None = None
    """One sampling interval has this number of time steps; by default the fewest stable ones."""
    time_correction: bool = True
    """The dispersion of the time stepping is removed from source and records."""
    min_points_per_wavelength: Positive | None = None
    """A run with fewer points per wavelength is refused; the default allows 1 % error of
    velocity, and 0.1 % with optimised stencils."""
    history: Annotated[
        Annotated[str, OneOf(("auto", *STORED, *HISTORY_KINDS)), Tag("text")]
        | Annotated[HistorySection, Tag("mapping")],
        Discriminator(_kind),
    ] = "auto"
    """The forward field is kept for gradients in this way; subsampled and full are stored
    histories."""
    grid: PropagationGrid = "model"
    """Waves propagate on the model's grid, a coarser one, or the coarsest that the band or an error
    of the records allows [m]."""
    aperture: Aperture = "whole"
    """A shot propagates on the whole grid, within this horizontal distance, or where waves can
    return from [m]."""

    def history_section(self) -> HistorySection:
        """The section of the history, whatever way it is given."""
        if isinstance(self.history, HistorySection):
            return self.history
        return STORED.get(self.history) or HistorySection(keep=self.history)

    @model_validator(mode="before")
    @classmethod
    def _free_topography(cls, section: Any) -> Any:
        if isinstance(section, dict) and section.get("topography") is not None:
            return {"free_surface": True, **section}
        return section

    @model_validator(mode="after")
    def _one_top(self) -> PhysicsSection:
        if self.free_surface and "top" in (self.absorbing.sides or ()):
            raise ValueError(
                "`free_surface: true` and `top` among the sides of `absorbing` exclude each other; "
                "leave `top` out, or set `free_surface: false`"
            )
        if self.topography is not None and (problem := contradiction(self)):
            raise ValueError(problem)
        return self


class RunConfig(Section):
    """Sections that every command shares."""

    model: ModelSection
    """The waves propagate in this earth model; an inversion starts from it."""
    physics: PhysicsSection = PhysicsSection()
    """This section states wave equation and discretisation."""
    execution: ExecutionSection = ExecutionSection()
    """This section distributes the shots over processes and threads."""
    output: Path | None = None
    """The results go to this folder; by default to runs/NAME."""


class ModelConfig(RunConfig):
    """`fwi model`: records of a known earth."""

    geometry: Geometry
    """This section places sources and receivers."""
    wavelet: WaveletSection
    """The sources emit this wavelet."""
    time: TimeSection
    """The records have this time axis."""


class InvertConfig(RunConfig):
    """`fwi invert`: the earth from records."""

    data: DataSection
    """These shot records are inverted."""
    wavelet: WaveletSection | None = None
    """The sources emit this wavelet; by default the one in the data file."""
    inversion: InversionSection
    """This section says what is inverted for, and how."""
    reference: ModelSection | None = None
    """The result is compared with this known model."""


class MigrationConfig(RunConfig):
    """An image from records and a smooth model."""

    section: ClassVar[str]
    """The section of the migration has this name."""
    data: DataSection
    """These shot records are migrated."""
    wavelet: WaveletSection | None = None
    """The sources emit this wavelet; by default the one in the data file."""
    reference: ModelSection | None = None
    """The image is compared with the reflectivity of this known model."""

    @property
    def migration(self) -> MigrationSection:
        """The section of the migration."""
        section: MigrationSection = getattr(self, self.section)
        return section


class RtmConfig(MigrationConfig):
    """`fwi rtm`: an image from records and a smooth model."""

    section: ClassVar[str] = "imaging"
    imaging: ImagingSection = ImagingSection()
    """This section says how the image is made."""


class LsrtmConfig(MigrationConfig):
    """`fwi lsrtm`: the image whose linearised records fit the data best."""

    section: ClassVar[str] = "least_squares"
    least_squares: LsrtmSection
    """This section says how the image is inverted for."""


KINDS: dict[str, type[RunConfig]] = {
    "model": ModelConfig,
    "invert": InvertConfig,
    "rtm": RtmConfig,
    "lsrtm": LsrtmConfig,
}
