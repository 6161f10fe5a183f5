"""Delays are those of one event in both gathers, or they are not told."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.quality.diagnosis import Diagnosis, compare, stacked
from fwicli.survey.signals.wavelets import times

INTERVAL, FREQUENCY, SAMPLES = 0.008, 6.0, 500
T = times(INTERVAL, SAMPLES)
OFFSETS = np.linspace(100.0, 5500.0, 60)
SHOTS = 8


def pulse(arrival: np.ndarray | float) -> np.ndarray:
    """Ricker wavelets with their peaks at some times, of shape (arrivals, samples)."""
    phase = (np.pi * FREQUENCY * (T - np.asarray(arrival)[..., None])) ** 2
    return (1 - 2 * phase) * np.exp(-phase)


def gather(faint: float = 1.0, slow: float = 1.0) -> np.ndarray:
    """Waves over a hard sea floor: direct and refracted ones, each fainter than the waves after it.

    Parameters
    ----------
    faint : float
        Amplitude of the refractions.
    slow : float
        Factor of all times.
    """
    data = np.zeros((len(OFFSETS), SAMPLES))
    spread = np.sqrt(100.0 / OFFSETS)[:, None]
    waves = [(0.0, 1500.0, 1.0)]
    waves += [
        (0.3, 2400.0, 0.03 * faint),
        (0.5, 3300.0, 0.006 * faint),
        (0.7, 4500.0, 1e-3 * faint),
    ]
    for start, speed, amplitude in waves:
        arrival = slow * (start + OFFSETS / speed) + 0.25
        data += amplitude * spread * pulse(arrival)
    for depth in (300.0, 900.0):
        arrival = slow * np.sqrt((depth / 800) ** 2 + (OFFSETS / 2000) ** 2) + 0.25
        data += 0.2 * spread * pulse(arrival)
    return data


def noise(kind: str, data: np.ndarray) -> np.ndarray:
    """Noise 10 dB below the data in energy: white, or of their spectrum."""
    random = np.random.default_rng(3).standard_normal(data.shape)
    if kind == "none":
        return np.zeros(data.shape)
    if kind == "of the data":
        spectrum = np.sqrt((np.abs(np.fft.rfft(data)) ** 2).mean(axis=(0, 1)))
        random = np.fft.irfft(np.fft.rfft(random) * spectrum, n=SAMPLES)
    return random * np.sqrt(0.1 * (data**2).sum() / (random**2).sum())


def shifted(data: np.ndarray, cycles: float) -> tuple[np.ndarray, np.ndarray]:
    """Data with a fifth of the traces later by some cycles, and which these are."""
    planted = np.random.default_rng(4).random(data.shape[:2]) < 0.2
    frequencies = np.fft.rfftfreq(2 * SAMPLES, INTERVAL)
    turned = np.exp(-2j * np.pi * frequencies * cycles / FREQUENCY)
    later = np.fft.irfft(np.fft.rfft(data, 2 * SAMPLES) * turned)[..., :SAMPLES]
    return np.where(planted[..., None], later, data), planted


def diagnosis(synthetic: np.ndarray, observed: np.ndarray) -> Diagnosis:
    pairs = zip(synthetic, observed, strict=True)
    return Diagnosis(stacked([compare(s, d, INTERVAL, FREQUENCY) for s, d in pairs]), FREQUENCY)


SYNTHETIC = np.stack([gather()] * SHOTS)
# Records that the true model explains nearly: some refractions are picked in one gather only.
OBSERVED = np.stack([gather(1 + 0.1 * np.sin(3 * shot)) for shot in range(SHOTS)])


@pytest.mark.parametrize("kind", ["none", "of the data", "white"])
@pytest.mark.parametrize("faint", [0.2, 0.5, 1.0, 2.0])
def test_nothing_is_off_in_the_true_model(kind: str, faint: float) -> None:
    """Whatever the amplitude of refractions, and with noise 10 dB below the records."""
    observed = np.stack([gather(faint * (1 + 0.1 * np.sin(3 * shot))) for shot in range(SHOTS)])
    result = diagnosis(SYNTHETIC, observed + noise(kind, observed))
    numbers = result.numbers()
    assert numbers["skipped_share"] == numbers["reversed_share"] == 0
    assert numbers["late_cycles"] == pytest.approx(0, abs=0.02)
    assert numbers["picked_share"] > (0.6 if kind == "none" else 0.05)
    assert result.warnings() == []


@pytest.mark.parametrize("kind", ["none", "of the data", "white"])
@pytest.mark.parametrize("cycles", [0.3, 0.7, 1.5, -0.3, -0.7, -1.5])
def test_planted_delays_are_found(cycles: float, kind: str) -> None:
    """In as many of the traces that are compared, to three in a hundred, and of their size."""
    data, planted = shifted(OBSERVED, cycles)
    result = diagnosis(SYNTHETIC, data + noise(kind, data))
    good = result.reliable
    share = planted[good].mean() if kind != "none" else planted.mean()
    expected = share if abs(cycles) > 0.5 else 0.0
    assert result.numbers()["skipped_share"] == pytest.approx(expected, abs=0.03)
    assert np.median(result.traces.cycles[good & planted]) == pytest.approx(cycles, abs=0.05)
    texts = result.warnings()
    assert len(texts) == (abs(cycles) > 0.5)
    assert all("times and positions of these traces" in text for text in texts)


def test_silent_traces_are_not_compared() -> None:
    """Dead, or silent but for the rounding of single precision."""
    data = OBSERVED.copy()
    data[:, ::3] = 0
    data[:, 1::3] *= 1e-30
    result = diagnosis(SYNTHETIC, data)
    assert not result.reliable[:, ::3].any()
    assert result.numbers()["skipped_share"] == 0


def test_an_event_of_one_gather_is_no_delay() -> None:
    """A pulse at the beginning of the observed traces alone, like an artefact of a filter."""
    data = OBSERVED + 0.05 * pulse(0.2)
    result = diagnosis(SYNTHETIC, data)
    assert result.numbers().get("skipped_share", 0) == 0
    assert result.numbers()["picked_share"] < 1


CAUSES = {
    "all late": (lambda: shifted_all(0.8), "0.133 s late"),
    "all early": (lambda: shifted_all(-0.8), "0.133 s early"),
    "model too fast": (lambda: np.stack([gather(slow=1.12)] * SHOTS), "the model is too fast"),
    "model too slow": (lambda: np.stack([gather(slow=0.88)] * SHOTS), "the model is too slow"),
    "reversed": (lambda: -OBSERVED, "the sign of the wavelet"),
    "receivers reversed": (
        lambda: np.where(np.arange(60)[:, None] % 5 == 0, -OBSERVED, OBSERVED),
        "which receivers are reversed",
    ),
    "loud": (lambda: 10 * OBSERVED, "scale the wavelet by 10"),
}


def shifted_all(cycles: float) -> np.ndarray:
    """The observed data, all later by some cycles."""
    samples = cycles / FREQUENCY / INTERVAL
    return np.stack(
        [
            [np.interp(np.arange(SAMPLES) - samples, np.arange(SAMPLES), t) for t in g]
            for g in OBSERVED
        ]
    )


@pytest.mark.parametrize("case", CAUSES)
def test_advice_names_the_cause(case: str) -> None:
    make, words = CAUSES[case]
    (text,) = diagnosis(SYNTHETIC, make()).warnings()
    assert words in text


def burst(group: float, phase: float) -> np.ndarray:
    """Bursts whose envelopes and waves are late by other times [cycles], as of surface waves."""
    t = T - (1.5 + OFFSETS[:, None] / 4000)
    envelope = np.exp(-(((t - group / FREQUENCY) / 0.15) ** 4))
    return envelope * np.cos(2 * np.pi * (FREQUENCY * t - phase))


@pytest.mark.parametrize("decibels", [25, 35])
def test_half_a_cycle_later_is_no_opposite_polarity(decibels: float) -> None:
    """If noise or dispersion hide the first half cycle, the second looks like it, reversed.

    Waves that are reversed indeed are called so.
    """
    random = np.random.default_rng(3).standard_normal((len(OFFSETS), SAMPLES))
    noise = random * np.sqrt((burst(0, 0) ** 2).mean()) * 10 ** (-decibels / 20)
    compared = compare(burst(0, 0), burst(0.42, 0.04) + noise, INTERVAL, FREQUENCY)
    assert np.median(compared.correlation) < -0.9
    assert not Diagnosis(stacked([compared]), FREQUENCY).reliable.any()
    turned = compare(burst(0, 0), noise - burst(0.04, 0.04), INTERVAL, FREQUENCY)
    assert Diagnosis(stacked([turned]), FREQUENCY).numbers()["reversed_share"] == 1
    assert Diagnosis(stacked([turned]), FREQUENCY).reliable.mean() > 0.9
