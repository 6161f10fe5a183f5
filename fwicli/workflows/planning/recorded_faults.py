"""Faults that records show without any modelling: sampling, dead shots, the wavelet's band.

They cost little: some traces of some shots. Shots are compared with each other by amplitudes that
the plan has of all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.inversion.quality import energies, moveout, spectra
from fwicli.inversion.quality.faults import Fault
from fwicli.propagators.equations import registry
from fwicli.survey import components, proximity
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.signals.wavelets import BAND_EDGE, Spectrum
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning.cures import named
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.simulation_grids import speeds

Array = NDArray[Any]
Config = schema.InvertConfig | schema.MigrationConfig

# Most shots whose moveout and spectrum are taken; shots whose first arrivals are picked, in memory
# and stored in a file; traces of a shot.
SHOTS, COMPARED, COMPARED_STORED, TRACES = 12, 1000, 100, 100
# Quantile of the speeds of a model below which there are few points.
SLOW = 0.1


def check(
    problems: Problems,
    config: Config,
    model: EarthModel | None,
    records: Gathers,
    wavelet: Array | None,
) -> None:
    """Note the faults that records show by themselves.

    Parameters
    ----------
    problems : Problems
    config : InvertConfig or MigrationConfig
    model : EarthModel or None
        None where the records do not lie in it: their times and distances are not judged.
    records : Gathers
    wavelet : ndarray of shape (samples,) or (n_shots, samples), or None
        None where it has problems, as those of a wrong sampling interval.
    """
    wavelet = None if wavelet is None else np.atleast_2d(wavelet)[0]
    chosen = _some(records.acquisition.shots, SHOTS)
    gathers = [_traces(records, shot)[1] for shot in chosen]
    power = spectra.power(gathers, records.samples)
    recorded = spectra.middle(power, records.samples, records.interval)
    if not np.isfinite(recorded) or recorded <= 0:
        return
    faults = [_dead(records, recorded)]
    if model is not None:
        faults.append(_sampling(config, model, records, wavelet, recorded))
        if faults[-1] is None and wavelet is not None and _ends(wavelet, records.interval):
            expected = _expected(config, model, records, wavelet)
            faults.append(spectra.other_band(recorded, expected, _estimated(config)))
    for fault in faults:
        if fault is not None:
            own = fault.kind == "wavelet_band" and config.wavelet is not None
            problems.suspect(("wavelet",) if own else ("data",), named(fault, config))


def _sampling(
    config: Config,
    model: EarthModel,
    records: Gathers,
    wavelet: Array | None,
    frequency: float,
) -> Fault | None:
    """Times and distances that do not go together at the speeds of the model."""
    arrivals = []
    for shot in _some(records.acquisition.shots, SHOTS):
        rows, gather = _traces(records, shot)
        distance = proximity.distances(records.acquisition, shot)[rows]
        arrivals.append(moveout.arrivals(gather, distance, records.interval, frequency))
    begin = 0.0
    if wavelet is not None:
        power = spectra.power([wavelet.reshape(1, -1)], records.samples, noise=False)
        middle = spectra.middle(power, records.samples, records.interval)
        begin = moveout.onset(wavelet, records.interval, middle)
    speeds_of_model = _speeds(config, model)
    return moveout.wrong_sampling(arrivals, begin, speeds_of_model, records.interval)


def _some(count: int, most: int) -> list[int]:
    """Evenly spaced numbers from 0 to a count, at most as many as `most`."""
    return [int(n) for n in np.unique(np.linspace(0, count - 1, min(count, most)).round())]


def _traces(records: Gathers, shot: int) -> tuple[Array, Array]:
    """Numbers of some live traces of a shot, and the traces; all of one component."""
    live = np.flatnonzero(records.live[shot])
    if len(records.acquisition.components[0]) > 1:
        own = records.acquisition.rows_by_component(shot)
        first = next((c for c in components.ordered(own) if np.isin(own[c], live).any()), None)
        live = live if first is None else live[np.isin(live, own[first])]
    numbers = live[_some(len(live), TRACES)] if len(live) else live
    return numbers, np.asarray(records.data[shot])[numbers]


def _dead(records: Gathers, frequency: float) -> Fault | None:
    """Shots that recorded nothing: shots without a live trace, and weak ones without arrivals.

    The plan has the amplitudes of all shots. First arrivals are picked in some shots, which are
    typical ones, and in all weak ones.
    """
    most, count = COMPARED_STORED if records.stored else COMPARED, records.acquisition.shots
    typical = _some(count, most)
    silent = [shot for shot in range(count) if not np.any(records.live[shot])]
    numbers = sorted({*typical, *silent, *_weak(records, most)})
    shots = {
        shot: energies.energy(_traces(records, shot)[1], records.interval, frequency)
        for shot in numbers
    }
    return energies.dead_shots(list(shots.values()), numbers, [shots[n] for n in typical], count)


def _weak(records: Gathers, most: int) -> list[int]:
    """Shots that may be dead by their amplitude, at most as many as `most`, the weakest."""
    if records.silence is None or (amplitudes := records.silence.amplitudes) is None:
        return []
    weakest = np.argsort(amplitudes, kind="stable")[:most]
    weak = amplitudes[weakest] <= energies.WEAK * np.median(amplitudes)
    return [int(shot) for shot in weakest[weak]]


def _expected(
    config: Config,
    model: EarthModel,
    records: Gathers,
    wavelet: Array,
) -> float:
    """Middle of the band that the wavelet has where it arrives [Hz]."""
    ghosts, geometry = [], records.acquisition
    if surface_speed(config, model) is not None:
        if PRESSURE in set().union(*geometry.components):
            return float("nan")
        power = spectra.of_surface_waves(wavelet, records.interval, model.grid.ndim)
        return spectra.middle(power, wavelet.shape[-1], records.interval)
    if config.physics.free_surface:
        for positions in (geometry.sources, geometry.receivers_of(0)):
            depth = float(np.median(positions[:, -1])) - model.grid.origin[-1]
            ghosts.append(depth / float(np.median(model.velocity[..., 0])))
    power = spectra.arriving(wavelet, records.interval, model.grid.ndim, ghosts)
    return spectra.middle(power, wavelet.shape[-1], records.interval)


def _speeds(config: Config, model: EarthModel) -> tuple[float, float]:
    """Speeds that first arrivals may have [m/s]: not those of a few soft points."""
    slowest, fastest = speeds(wave_equation(config.physics), model)
    slowest = max(slowest, float(np.quantile(model.velocity, SLOW)))
    return min(slowest, surface_speed(config, model) or slowest), fastest


def surface_speed(config: Config, model: EarthModel) -> float | None:
    """Speed of S waves along the surface of a solid; surface waves are 4 to 13 % slower.

    Parameters
    ----------
    config : InvertConfig or MigrationConfig
    model : EarthModel

    Returns
    -------
    speed : float or None
        The median [m/s]; None where no side is free, or that of a fluid.
    """
    vs = model.quantity("vs")
    solid = registry.load(wave_equation(config.physics)).solid_surface
    if vs is None or not solid or not config.physics.free_surface:
        return None
    return float(np.median(vs[..., 0])) or None


def uncertainty(config: Config, model: EarthModel) -> float:
    """How many times as slow as others the waves may be that stand out first.

    On the surface of a solid, noise hides the P waves before the surface waves.

    Parameters
    ----------
    config : InvertConfig or MigrationConfig
    model : EarthModel

    Returns
    -------
    ratio : float
        From 1 on.
    """
    slow = surface_speed(config, model)
    return 1.0 if slow is None else max(1.0, float(np.median(model.vp)) / slow)


def _ends(wavelet: Array, interval: float) -> bool:
    """Whether the spectrum of a wavelet ends below the Nyquist frequency, and so has a middle."""
    return Spectrum.of(wavelet, interval).at_nyquist < BAND_EDGE


def _estimated(config: Config) -> bool:
    """Whether the source is estimated in the first stage."""
    return isinstance(config, schema.InvertConfig) and bool(config.inversion.of(0).source)
