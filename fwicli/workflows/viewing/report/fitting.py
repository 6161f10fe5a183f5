"""Sections of the page on the data: fit by shot and offset, spectra, correlation and phase."""

from __future__ import annotations

import numpy as np

from fwicli.inversion.quality.data_fit import COHERENT
from fwicli.plotting import fits
from fwicli.report.elements import Chapter, Element, PageTable, Paragraph, Picture
from fwicli.workflows.viewing.report.sampled import START, SampledShots
from fwicli.workflows.viewing.report.words import number


def sections(sampled: SampledShots) -> list[Chapter]:
    """All sections on the data.

    Parameters
    ----------
    sampled : SampledShots

    Returns
    -------
    chapters : list of Chapter
    """
    return [_fit(sampled), _spectra(sampled), _maps(sampled)]


def _conditions(sampled: SampledShots) -> str:
    """Which traces are compared, and how."""
    count = len(sampled.numbers)
    shots = ", ".join(map(str, sampled.numbers))
    text = (
        f"{count} shot{'s' if count > 1 else ''} of the survey ({shots}) "
        f"{'were' if count > 1 else 'was'} modelled for this page in the {_and(sampled)}, in the "
        f"band of {sampled.setting}. Traces next to the source that the grid cannot explain are "
        f"left out"
    )
    if len({c.component for models in sampled.drawn for c in models.values()}) > 1:
        text += ". Components count alike, whatever their units"
    if START in sampled.fits:
        text += ". Mutes and weights of the misfit are not applied"
    return f"{text}; the source is estimated first." if sampled.estimated else f"{text}."


def _and(sampled: SampledShots) -> str:
    return " and the ".join(sampled.fits)


def _numbers(sampled: SampledShots) -> PageTable:
    """Misfit of each shot."""
    rows = [
        [str(shot), *(number(fit.shots[row].misfit) for fit in sampled.fits.values())]
        for row, shot in enumerate(sampled.numbers)
    ]
    rows.append(["all", *(number(fit.misfit) for fit in sampled.fits.values())])
    return PageTable("Misfit ‖s - d‖ / ‖d‖ by shot", rows, ["shot", *sampled.fits])


def _fit(sampled: SampledShots) -> Chapter:
    totals = ", ".join(f"{fit.misfit:.3g} in the {name}" for name, fit in sampled.fits.items())
    elements: list[Element] = [
        Paragraph(_conditions(sampled)),
        _numbers(sampled),
        Picture(
            fits.misfit(sampled.fits),
            f"Misfit by shot and offset: {totals} over all traces",
            "Misfit ‖s - d‖ / ‖d‖ of synthetic s and observed d by shot and offset; 0 is a "
            "perfect fit, 1 that of no synthetic data. The maps have one logarithmic colour "
            "scale; grey classes have no trace. Right: over all modelled shots.",
        ),
    ]
    drawn = {next(iter(models.values())).shot for models in sampled.drawn}
    if sampled.drawn:
        elements.append(
            Picture(
                fits.gathers(sampled.drawn),
                f"Observed and synthetic records of {len(drawn)} shots",
                "Records in the band, pressure, or the component that is named, against compared "
                "trace and time [s]; each row is a shot with one grey scale, which ends at the "
                "98th percentile of the observed amplitude.",
            )
        )
    return Chapter("fit", "Data fit by shot and offset", elements)


def _spectra(sampled: SampledShots) -> Chapter:
    low, high = sampled.band
    picture = Picture(
        fits.spectra(sampled.curves, sampled.band),
        f"Amplitude spectra of observed and synthetic records and of the wavelet, with the band "
        f"from {low:g} to {high:.4g} Hz",
        "Amplitude spectra of all compared traces together [dB], each relative to its peak, "
        "against frequency [Hz]. The grey stripe is the band. The wavelet (dashed) is shown as it "
        "is emitted, in the band.",
    )
    return Chapter("spectra", "Spectra", [picture])


def _maps(sampled: SampledShots) -> Chapter:
    last = list(sampled.fits.values())[-1]
    correlation, phase = last.correlation, np.abs(last.common_phase)
    phase = phase[np.isfinite(phase)]
    share = float((phase > np.pi / 2).mean()) if phase.size else 0.0
    elements: list[Element] = [
        Picture(
            fits.maps(sampled.fits, "correlation", fits.CORRELATION),
            f"Correlation by frequency and offset, with a median of "
            f"{number(float(np.nanmedian(correlation)))} in the last map",
            "Correlation at lag zero of synthetic and observed traces by frequency [Hz] and "
            "offset, mean over the traces of a class: 1 (blue) for the same waves, 0 for "
            "unrelated ones, -1 (red) for opposite ones. Grey classes have no trace.",
        ),
        Picture(
            fits.maps(sampled.fits, "common_phase", fits.PHASE),
            f"Phase residual by frequency and offset; {100 * share:.0f} percent of the classes of "
            f"the last map are beyond a quarter of a cycle",
            "Phase residual [rad] by frequency [Hz] and offset, 2πfτ where the observed waves "
            "are later by τ. It wraps at ±π: a jump between neighbouring classes is a skipped "
            f"cycle. Grey classes have no trace, or traces whose phases have nothing in common "
            f"(coherence below {COHERENT:g}).",
        ),
    ]
    return Chapter("phase", "Correlation and phase residual", elements)
