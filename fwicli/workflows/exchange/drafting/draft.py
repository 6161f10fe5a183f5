"""The text of a config that records fill in, and the questions that they leave open."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.config.data import DataSection
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations import registry
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum, ricker, times
from fwicli.workflows.assembly import survey
from fwicli.workflows.exchange.drafting.bands import SignalBand
from fwicli.workflows.exchange.drafting.extent import POINTS, SLOWEST, SPEED, Extent, Placement

# Sources and receivers of a towed survey are no deeper than this [m].
SHALLOW = 60.0
# Equations of a draft, the simplest first.
EQUATIONS = ("acoustic", "velocity_pressure", "variable_density")
# Longest line of a comment.
WIDTH = 100

TITLES = {
    "invert": "the earth from shot records, by full-waveform inversion",
    "rtm": "an image of reflectors, by reverse-time migration",
}


@dataclass(frozen=True)
class Draft:
    """A config, what its records told, and what they could not tell.

    Attributes
    ----------
    text : str
        In YAML.
    facts : dict of str to str
        In words, by label.
    questions : tuple of str
        Each with the key that answers it.
    notes : tuple of str
        Oddities of the files, in words.
    """

    text: str
    facts: dict[str, str]
    questions: tuple[str, ...]
    notes: tuple[str, ...]


def draft(kind: str, section: DataSection, keys: Mapping[str, Any], config: Path) -> Draft:
    """A config for the records of a section.

    Parameters
    ----------
    kind : {"invert", "rtm"}
    section : DataSection
    keys : mapping of str to object
        The keys of the section beside `file`, as they are written.
    config : Path
        Where the config will be written; files are named from its folder.

    Returns
    -------
    draft : Draft

    Raises
    ------
    DataError, GeometryError
        If the records are not read, or state no positions.
    """
    records = survey.gathers(section)
    return _Drafting(kind, section, keys, config, records).draft()


class _Drafting:
    """The parts of a draft.

    Parameters
    ----------
    kind : str
    section : DataSection
    keys : mapping
    config : Path
    records : Gathers
    """

    def __init__(
        self,
        kind: str,
        section: DataSection,
        keys: Mapping[str, Any],
        config: Path,
        records: Gathers,
    ) -> None:
        self.kind, self.keys, self.config, self.records = kind, keys, config, records
        named = section.file if isinstance(section.file, list) else [section.file]
        self.files = [os.path.relpath(path, config.absolute().parent) for path in named]
        self.band = SignalBand.of(records)
        self.placement = Placement.of(records.acquisition, section.coordinates)
        self.extent = Extent.of(self.placement, records, self._highest())
        self.marine = self._is_marine()
        self.equation = self._first_equation()
        self.questions: list[str] = []

    def _highest(self) -> float:
        """Highest frequency of the waves [Hz]: that of the wavelet in the last band."""
        interval, wavelet = self.records.interval, self.records.wavelet
        if wavelet is None:
            wavelet = ricker(times(interval, self.records.samples), self._frequency())
        if self.kind == "invert":
            wavelet = Band(0.0, self.band.stages()[-1]).apply(wavelet, interval)
        return Spectrum.of(np.atleast_2d(wavelet)[0], interval).highest

    def _is_marine(self) -> bool:
        """Whether sources and receivers lie under water, near its surface."""
        least, most = self.placement.bounds()
        return bool(least[-1] > 0 and most[-1] <= SHALLOW)

    def _first_equation(self) -> str:
        """The first of `EQUATIONS` that has the sensors and sources; acoustic if none has."""
        for name in EQUATIONS:
            with suppress(PhysicsError, GeometryError):
                registry.load(name).check_components(self.records.acquisition)
                return name
        return EQUATIONS[0]

    def draft(self) -> Draft:
        """The whole of it."""
        parts = [self._model(), self._data(), self._wavelet()]
        parts += [self._inversion() if self.kind == "invert" else self._imaging(), self._physics()]
        text = "\n".join([self._head(), *parts])  # the head lists the questions of all parts
        return Draft(text, self._facts(), tuple(self.questions), self.records.notes)

    def _ask(self, question: str) -> str:
        """Add a question; the mark of its place in the config."""
        self.questions.append(question)
        return f"QUESTION {len(self.questions)}"

    # --- sections --------------------------------------------------------------------------------

    def _head(self) -> str:
        name = self.config.name
        questions = [
            textwrap.fill(f"{n}. {question}", WIDTH, initial_indent="# ", subsequent_indent="#    ")
            for n, question in enumerate(self.questions, 1)
        ]
        return (
            f"# fwi {self.kind}: {TITLES[self.kind]}.\n"
            f"# Drafted from {', '.join(self.files)}. Answer the questions, then:\n"
            f"#\n#   fwi check {name}\n#   fwi {self.kind} {name} -o runs/{self.config.stem}\n#\n"
            f"# SI units: m, s, Hz, m/s. `fwi explain KEY` says what a key means.\n#\n"
            + "\n".join(questions)
            + "\n"
        )

    def _model(self) -> str:
        extent = self.extent
        shape, last = ", ".join(map(str, extent.shape)), extent.shape[-1]
        tiles = ", ".join(map(str, (*extent.shape[:-1], 1)))
        top = f"{extent.origin[-1]:g} + " if extent.origin[-1] else ""
        start = f"{self.config.stem}_start.npy"
        purpose = "inversion begin with" if self.kind == "invert" else "image need"
        velocity = self._ask(
            f"model.vp: which velocities does the {purpose}? Write an array ({shape}) in m/s to "
            f"{start}; the config shows a command that does it"
        )
        depth = self._ask(
            f"model.vp: is it deep enough? It reaches down {extent.spacing * (last - 1):g} m, from "
            f"where waves of {SPEED:g} m/s return within the record; give it fewer or more points"
        )
        density = ""
        if "rho" in registry.load(self.equation).properties:
            mark = self._ask(
                "model.rho: which density has the earth? A number in kg/m3, or an array like vp"
            )
            density = f"  rho: 2000  # [kg/m3] {mark}\n"
        return (
            f"model:\n  vp: {{file: {start}}}  # [m/s] {velocity} and {depth[-1]}, for example:\n"
            f'  #   python -c "import numpy as np\n'
            f"  #   z = {top}{extent.spacing:g} * np.arange({last})\n"
            f"  #   np.save('{start}', np.tile(1500 + 0.5 * z, ({tiles})))\"\n"
            f"{density}  spacing: {extent.spacing:g}  # [m] {POINTS:g} points per wavelength of "
            f"{SLOWEST:g} m/s\n"
            f"  origin: [{', '.join(f'{o:.9g}' for o in extent.origin)}]  # [m]\n"
        )

    def _data(self) -> str:
        files = self.files[0] if len(self.files) == 1 else self.files
        lines = ["data:", f"  file: {json.dumps(files)}"]
        lines += [f"  {key}: {json.dumps(value)}" for key, value in self.keys.items()]
        if self.placement.coordinates is not None and "coordinates" not in self.keys:
            lines.append("  coordinates: {fit: line}  # x is the distance along the line")
        if self.placement.above:
            mark = self._ask(
                f"data: sources or receivers lie up to {self.placement.above:g} m above z = 0. If "
                f"the file states depths as elevations, write `axes: {{z: -z}}`; if they are on "
                f"land, state the elevation of the top of the model: `coordinates: {{datum: "
                f"{np.ceil(self.placement.above):g}}}`"
            )
            lines.append(f"  # axes: {{z: -z}}  # {mark}")
        return "\n".join([*lines, ""])

    def _wavelet(self) -> str:
        if self.records.wavelet is not None:
            return "# wavelet: that of the data file\n"
        mark = self._ask(
            "wavelet: what is the signature of the source? A Ricker wavelet of the strongest "
            "frequency stands in for it"
            + (
                "; the inversion estimates that of each shot"
                if self.kind == "invert"
                else ": a wrong one moves and blurs reflectors; give yours as `{kind: file, ...}`"
            )
        )
        return f"wavelet: {{kind: ricker, frequency: {self._frequency():g}}}  # {mark}\n"

    def _frequency(self) -> float:
        """Of the wavelet [Hz]."""
        return float(f"{self.band.peak:.2g}")

    def _inversion(self) -> str:
        bounds = self._ask("inversion.bounds: between which velocities is the earth [m/s]?")
        fixed = "water" if self.marine else "nothing"
        water = self._ask(
            "inversion.fixed: is there water, whose velocity is known? Then `fixed: water`, and "
            "the model needs its 1500 m/s"
        )
        source = "" if self.records.wavelet is not None else "  source: {estimate: shot}\n"
        stages = "".join(
            f"    - {{band: [0, {edge:g}], iterations: 10, spacing: auto}}\n"
            for edge in self.band.stages()
        )
        return (
            f"inversion:\n  bounds: [1400, 5500]  # {bounds}\n  fixed: {fixed}  # {water}\n{source}"
            f"  conditioning:\n    - {{kind: dead_traces}}\n  misfit: student_t\n"
            f"  stages:  # [Hz] the records hold {self.band.low:.2g} to {self.band.high:.3g} Hz\n"
            f"{stages}"
        )

    def _imaging(self) -> str:
        mute = "water" if self.marine else "nothing"
        return f"imaging:\n  condition: correlation\n  mute: {mute}\n"

    def _physics(self) -> str:
        surface = "true" if self.marine else "false"
        mark = self._ask(
            "physics.free_surface: do waves reflect from the surface? In the field they do, unless "
            "ghosts and multiples were removed; the surface is the top of the model"
        )
        equation = ""
        if self.equation != EQUATIONS[0]:
            solid = self._ask(
                "physics.equation: are the sensors on or in rock? They record motion; then "
                "`equation: elastic`, and the model needs `vs`"
            )
            equation = f"  equation: {self.equation}  # {solid}\n"
        return f"physics:\n{equation}  free_surface: {surface}  # {mark}\n"

    # --- facts -----------------------------------------------------------------------------------

    def _facts(self) -> dict[str, str]:
        """Facts from the files."""
        records, counts = self.records, self.records.acquisition.counts
        least, most = int(counts.min()), int(counts.max())
        facts = {
            "shots": str(records.acquisition.shots),
            "receivers per shot": str(most) if least == most else f"{least} to {most}",
            "samples": (
                f"{records.samples} every {1e3 * records.interval:g} ms, "
                f"{records.interval * (records.samples - 1):g} s"
            ),
            "band": (
                f"{self.band.low:.3g} to {self.band.high:.3g} Hz, strongest at "
                f"{self.band.peak:.3g} Hz"
            ),
        }
        axes = "xyz" if self.placement.ndim == 3 else "xz"
        named = {"sources": self.placement.sources, "receivers": self.placement.receivers}
        for name, positions in named.items():
            ranges = zip(axes, positions.min(axis=0), positions.max(axis=0), strict=True)
            facts[name] = ", ".join(f"{axis} {_span(a, b)} m" for axis, a, b in ranges)
        if self.placement.notes:
            facts["map"] = "; ".join(self.placement.notes)
        shape = " x ".join(map(str, self.extent.shape))
        facts["model"] = f"{shape} points of {self.extent.spacing:g} m"
        if str(records.silence):
            facts["silent traces"] = str(records.silence)
        return facts


def _span(low: float, high: float) -> str:
    """A range, or the value that is all of it."""
    return f"{low:.7g}" if f"{low:.7g}" == f"{high:.7g}" else f"{low:.7g} to {high:.7g}"
