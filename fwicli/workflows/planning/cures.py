"""Cures of faults: what to set in the config, as `--set` takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fwicli.config import schema
from fwicli.config.data import AxesSection, DataSection
from fwicli.inversion.quality.faults import Fault
from fwicli.workflows.planning.alternatives import Alternative

AxisMap = Mapping[str, str]
Config = schema.InvertConfig | schema.MigrationConfig


@dataclass(frozen=True)
class Cure:
    """Settings that make a fault disappear.

    Attributes
    ----------
    text : str
        In words.
    settings : tuple of str
        `KEY=VALUE` of `--set`; none where a number is missing.
    """

    text: str
    settings: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The words, with the settings."""
        options = " ".join(f"--set '{s}'" for s in self.settings)
        return f"{self.text} ({options})" if options else self.text


@dataclass(frozen=True)
class NamedFault:
    """A fault of a survey with its cure.

    Attributes
    ----------
    fault : Fault
    cure : Cure
    """

    fault: Fault
    cure: Cure

    def __str__(self) -> str:
        """The fault, and its cure."""
        return f"{self.fault.text}; {self.cure}"

    def numbers(self) -> dict[str, object]:
        """For JSON."""
        return {
            "kind": self.fault.kind,
            "text": self.fault.text,
            "numbers": dict(self.fault.numbers),
            "cure": self.cure.text,
            "settings": list(self.cure.settings),
        }


def named(fault: Fault, config: Config) -> NamedFault:
    """A fault with its cure in a config.

    Parameters
    ----------
    fault : Fault
    config : InvertConfig or MigrationConfig

    Returns
    -------
    named : NamedFault
    """
    return NamedFault(fault, _CURES[fault.kind](fault, config))


def _sampling(fault: Fault, _: Config) -> Cure:
    interval = float(fault.numbers["interval_s"])
    return Cure("set the interval that the records have", (f"data.interval={interval:.9g}",))


def _dead(fault: Fault, config: Config) -> Cure:
    """Numbers of a survey do not count the shots that are left out already."""
    skip: set[int] = set(config.data.skip)
    for shot in sorted(int(n) for n in fault.numbers["shots"]):
        # The number before any was left out.
        number = -1
        for _ in range(shot + 1):
            number += 1
            while number in config.data.skip:
                number += 1
        skip.add(number)
    words = ", ".join(map(str, sorted(skip)))
    return Cure("leave out what recorded no waves", (f"data.skip=[{words}]",))


def _time_zero(fault: Fault, config: Config) -> Cure:
    shift = config.data.shift - float(fault.numbers["late_s"])
    return Cure(
        "move the traces, or give the wavelet another delay, or estimate it",
        (f"data.shift={shift:.6g}",),
    )


def _polarity(_: Fault, config: Config) -> Cure:
    section = config.wavelet
    text = "change the sign of the wavelet"
    if section is None:
        file = config.data.file
        if not isinstance(file, Path):
            return Cure(text)
        return Cure(text, (f"wavelet={{kind: file, file: {_quoted(file)}, scale: -1}}",))
    if isinstance(section, schema.WaveletFileSection):
        return Cure(text, (f"wavelet.scale={-section.scale:.9g}",))
    return Cure(text, (f"wavelet.amplitude={-section.amplitude:.9g}",))


def _band(fault: Fault, config: Config) -> Cure:
    ratio, section = float(fault.numbers["ratio"]), config.wavelet
    if isinstance(section, schema.RickerSection):
        frequency = section.frequency * ratio
        return Cure(
            "give the wavelet the band of the records", (f"wavelet.frequency={frequency:.3g}",)
        )
    if isinstance(section, schema.OrmsbySection):
        corners = ", ".join(f"{ratio * corner:.3g}" for corner in section.corners)
        return Cure("give the wavelet the band of the records", (f"wavelet.corners=[{corners}]",))
    middle = float(fault.numbers["recorded_hz"])
    return Cure(
        f"check the sampling interval of the wavelet's file, which would have to be "
        f"{1 / ratio:.3g} times as long; or begin with a Ricker wavelet and estimate the source",
        (f"wavelet={{kind: ricker, frequency: {1.1 * middle:.3g}}}",),
    )


def axes_for(alternative: Alternative, data: DataSection, names: Sequence[str]) -> tuple[str, ...]:
    """Settings with which coordinates are read in another way.

    Parameters
    ----------
    alternative : Alternative
    data : DataSection
        It may exchange axes already.
    names : sequence of str
        Axes of the model.

    Returns
    -------
    settings : tuple of str
    """
    own: AxisMap = _names(data.axes)
    receivers: AxisMap = _names(data.receiver_axes or data.axes)
    of_sources, of_receivers = own, receivers
    if alternative.of != "receivers":
        of_sources = _composed(own, alternative.axes)
    if alternative.of != "sources":
        of_receivers = _composed(receivers, alternative.axes)
    settings = []
    if of_sources != own:
        settings.append(f"data.axes={_written(of_sources, names)}")
    if of_receivers != of_sources or data.receiver_axes is not None:
        settings.append(f"data.receiver_axes={_written(of_receivers, names)}")
    return tuple(settings)


def _positions(fault: Fault, config: Config) -> Cure:
    numbers = fault.numbers
    alternative = Alternative(fault.kind, numbers["axes"], numbers["of"])
    settings = axes_for(alternative, config.data, numbers["model_axes"])
    return Cure(f"use {alternative.words}", settings)


def _names(section: AxesSection | None) -> AxisMap:
    """Coordinate of the file along each axis of the model."""
    return {a: getattr(section, a) if section is not None else a for a in ("x", "y", "z")}


def _composed(first: AxisMap, second: AxisMap) -> AxisMap:
    """Coordinates of the file along axes, which are chosen by `second` from those of `first`."""
    result = {}
    for axis in first:
        source = second.get(axis, axis)
        signs = source.startswith("-"), first[source.removeprefix("-")].startswith("-")
        column = first[source.removeprefix("-")].removeprefix("-")
        result[axis] = ("-" if signs[0] != signs[1] else "") + column
    return result


def _written(axes: AxisMap, names: Sequence[str]) -> str:
    """Axes as a config has them."""
    return "{" + ", ".join(f"{name}: {axes[name]}" for name in names) + "}"


def _quoted(path: Path) -> str:
    """A path in a value of `--set`."""
    text = str(path)
    return text if all(c.isalnum() or c in "/._-" for c in text) else f'"{text}"'


_CURES: dict[str, Callable[[Fault, Config], Cure]] = {
    "sampling": _sampling,
    "dead_shot": _dead,
    "time_zero": _time_zero,
    "polarity": _polarity,
    "wavelet_band": _band,
    "coordinates": _positions,
    "elevations": _positions,
}
