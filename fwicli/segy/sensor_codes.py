"""Components of records as SEG-Y and SU files state them: codes, units and lines of text."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from fwicli.errors import DataError
from fwicli.segy import sensors
from fwicli.segy.fields import Fields
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import NAMES, PRESSURE, Component, ordered


@dataclass(frozen=True)
class SensorCodes:
    """Codes and units of traces.

    Attributes
    ----------
    survey : Acquisition
    codes : dict of Component to int
        Trace identification codes.
    emitted : Component
        Of the sources.
    kind : {"segy", "su"}
    has_unit : bool
        Whether trace headers hold the unit of samples.
    """

    survey: Acquisition
    codes: dict[Component, int]
    emitted: Component
    kind: str
    has_unit: bool

    @classmethod
    def of(cls, survey: Acquisition, kind: str, fields: Fields) -> SensorCodes:
        """Codes of a survey, if headers hold its components.

        Parameters
        ----------
        survey : Acquisition
        kind : {"segy", "su"}
        fields : dict of str to Field

        Returns
        -------
        codes : SensorCodes

        Raises
        ------
        DataError
            If sources differ in what they emit, they have changed places with receivers, there are
            too many directions, or no byte for a unit that is not that of velocity.
        """
        has_unit = bool(fields["unit"].byte)
        recorded, emitted = survey.components
        exchanged = ordered(c for c in recorded if c.reciprocal)
        if exchanged:
            raise DataError(
                f"sources and receivers of {exchanged[0].measured.name} have changed places, which "
                f"SEG-Y and SU files do not state; write HDF5, or leave out `data.group: receiver` "
                f"until the file is read"
            )
        if len(emitted) > 1:
            names = ", ".join(component.name for component in ordered(emitted))
            raise DataError(
                f"SEG-Y and SU files state one kind of source for all shots, and these emit "
                f"{names}; write HDF5, or a file for each kind"
            )
        others = [c.name for c in recorded if c.quantity in ("acceleration", "displacement")]
        if others and not has_unit:
            raise DataError(
                f"SU files have no place for the unit of samples, and {min(others)} would "
                f"be read as velocity; write SEG-Y, or name a byte for `unit`"
            )
        codes = sensors.codes_of(recorded)
        return cls(survey, codes, next(iter(emitted)), kind, has_unit)

    @property
    def polarity(self) -> int:
        """Code of the polarity: of pressure, of motion that is positive downwards, or of none."""
        vectors = self.codes.keys() - {PRESSURE}
        if not vectors:
            return 2
        return 1 if PRESSURE not in self.codes else 0

    @property
    def words(self) -> str:
        """Components by their units, for the text header."""
        axes: dict[str, list[str]] = {}
        for component, code in self.codes.items():
            if code < sensors.FREE:
                axes.setdefault(component.unit, []).append(component.name)
        words = [f"{' '.join(names)} IN {unit}".upper() for unit, names in axes.items()]
        directions = len(self.codes) - sum(map(len, axes.values()))
        return ", ".join([*words, *([f"{directions} DIRECTIONS"] if directions else [])])

    def of_shots(self, shots: slice) -> dict[str, ArrayLike]:
        """Fields of the traces of some shots, by the numbers of their traces.

        Parameters
        ----------
        shots : slice

        Returns
        -------
        fields : dict of str to array_like
        """
        each: list[Component] = list(self.codes)
        if len(each) > 1:
            numbers = range(self.survey.shots)[shots]
            each = [c for number in numbers for c in self.survey.recorded_by(number)]
        fields: dict[str, list[int]] = {"trace_id": [self.codes[c] for c in each]}
        if self.has_unit:
            fields["unit"] = [sensors.unit_of(c) for c in each]
        single = len(self.codes) == 1
        return {name: values[0] if single else values for name, values in fields.items()}

    def lines(self) -> list[str]:
        """Lines of the text header that state directions and sources."""
        stated = sensors.lines(self.codes, self.emitted)
        if self.codes.keys() - {PRESSURE}:
            stated.append("MOTION ALONG Z (12), Y (13), X (14) OF THE MODEL, POSITIVE DOWNWARDS")
        if stated and any(code >= sensors.FREE for code in self.codes.values()):
            stated.append("DIRECTIONS: DIP DOWNWARDS, AZIMUTH FROM X TOWARDS Y, IN DEG; GAUGE IN M")
        return stated

    def notes(self) -> list[str]:
        """Directions and sources that a file without a text header does not state."""
        if self.kind != "su":
            return []
        notes = [
            f"SU has no place for the direction of {component.name}; to read it, set "
            f"`data.trace_ids: {{{code}: {_setting(component)}}}`"
            for component, code in self.codes.items()
            if code >= sensors.FREE
        ]
        if self.emitted != PRESSURE:
            notes.append(
                f"SU has no place for the component of sources, {self.emitted.name}; set "
                f"`data.source_component: {_setting(self.emitted)}` to read it"
            )
        return notes


def _setting(component: Component) -> str:
    """A component as a config names it."""
    if component.name in NAMES:
        return component.name
    settings = {
        "dip": component.dip,
        "azimuth": component.azimuth,
        "gauge": component.gauge,
        "tensor": None if component.tensor is None else [*component.tensor],
    }
    listed = [f"{key}: {value}" for key, value in settings.items() if value is not None]
    return f"{{quantity: {component.quantity}, {', '.join(listed)}}}"
