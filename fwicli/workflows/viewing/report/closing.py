"""Sections of the page on diagnosis, warnings and provenance, and on results that are no models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.files import datasets, hdf5
from fwicli.inversion.quality import spectra
from fwicli.plotting import fits, frames, pictures
from fwicli.plotting.fits import Curve
from fwicli.report.elements import (
    PNG,
    Chapter,
    Element,
    Items,
    Listing,
    PageTable,
    Paragraph,
    Picture,
)
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.workflows.run_folder import inputs, outputs
from fwicli.workflows.run_folder.folder import DECIDES
from fwicli.workflows.viewing.report import ancestry
from fwicli.workflows.viewing.report.overview import drawn
from fwicli.workflows.viewing.report.record import RunRecord
from fwicli.workflows.viewing.report.words import MISSING, number

# Numbers of the diagnosis in the progress, with their words.
DIAGNOSIS = {
    "amplitude_ratio": "synthetic over observed amplitude",
    "picked_share": "share of traces compared",
    "late_cycles": "observed later by [cycles]",
    "skipped_share": "share off by more than half a cycle",
    "reversed_share": "share of opposite polarity",
}
# Arrays of an image, with their titles.
TITLES = {
    "image": "Image of the reflectors",
    "perturbation": "Relative change of P velocity",
    "reflectivity": "Band-limited reflectivity of the reference",
    "illumination": "Illumination: energy of the source fields",
}
# Lines of the log that a page has, at most; bytes of a picture of the folder.
LINES, LARGEST = 400, 1_000_000
# Shots of records whose spectra are drawn.
SHOTS = 3


def diagnosis(record: RunRecord) -> Chapter | None:
    """Numbers and pictures of the first evaluation of each stage.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter or None
        None where nothing was diagnosed.
    """
    begins = [s for s in record.steps if s.get("iteration") == 0 and DIAGNOSIS.keys() & s.keys()]
    if not begins:
        return None
    rows = [
        [words, *(number(s.get(name, MISSING)) for s in begins)]
        for name, words in DIAGNOSIS.items()
    ]
    head = ["", *(f"stage {s['stage']}" for s in begins)]
    elements: list[Element] = [
        Paragraph(
            "First arrivals of observed and synthetic traces, compared in the first evaluation of "
            "each stage."
        ),
        PageTable("Diagnosis of each stage", rows, head),
    ]
    for step in begins:
        path = record.folder / outputs.diagnosis(int(step["stage"]))
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue
        content = path.read_bytes()
        if content.startswith(PNG):
            elements.append(
                Picture(
                    content,
                    f"Delays and amplitudes of the traces in stage {step['stage']}",
                    f"Stage {step['stage']}. Left: cycles by which observed first arrivals are "
                    f"later, by shot and trace. Middle: how many traces have which delay; dashed "
                    f"lines mark half a cycle. Right: synthetic over observed amplitude [dB].",
                )
            )
    return Chapter("diagnosis", "Diagnosis", elements)


def log(record: RunRecord) -> Chapter:
    """Warnings, the last error, and the log.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    elements: list[Element] = []
    if record.status.error:
        elements.append(Paragraph(f"Why it ended: {record.status.error}", "error"))
    if record.warnings:
        elements.append(Items(record.warnings, "warning"))
    else:
        elements.append(Paragraph("The run has warned of nothing."))
    lines = [f"{message.time} {message.text}" for message in record.messages]
    caption = f"The log, {len(lines)} messages"
    if len(lines) > LINES:
        caption = f"The last {LINES} of {len(lines)} messages of the log"
    elements.append(Listing(caption, "\n".join(lines[-LINES:])))
    return Chapter("log", "Warnings and log", elements)


def provenance(record: RunRecord) -> Chapter:
    """Versions, host, command, and fingerprints of the inputs.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    skipped = ("inputs", "decided", ancestry.BRANCH, DECIDES)
    texts = {n: str(v) for n, v in record.environment.items() if n not in skipped}
    rows = [[name, text] for name, text in texts.items()]
    elements: list[Element] = [PageTable("Where the run was begun, and by which versions", rows)]
    files: Mapping[str, Any] = record.environment.get("inputs") or {}
    if files:
        rows = []
        for name, mark in files.items():
            size, _, digests = str(mark).partition(":")
            rows.append([name, size, digests.replace(":", ", "), _now(Path(name), str(mark))])
        head = ["file", "size [bytes]", "digests of its ends, and of blocks between them", "now"]
        elements.append(PageTable("Inputs, as they were when the run began", rows, head))
    elements += ancestry.tables(record)
    return Chapter("provenance", "Provenance", elements)


def _now(path: Path, mark: str) -> str:
    """Whether an input is still what it was."""
    try:
        return "the same" if inputs.is_same(inputs.fingerprint(path), mark) else "changed"
    except OSError:
        return "not there"


def image(record: RunRecord) -> Chapter:
    """The image of a migration, and the reflectivity of its reference.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    elements: list[Element] = []
    if record.result is None:
        elements.append(Paragraph("There is no image yet.", "note"))
        return Chapter("image", "Image", elements)
    with datasets.reading(record.result) as file:
        names = [n for n in TITLES if file.has(n)]
        arrays = {name: file.array(name) for name in names}
        smooth, attributes = file.array("vp"), file.attributes("vp")
    ends = (tuple(float(v) for v in attributes[n]) for n in ("spacing", "origin"))
    grid = Grid(smooth.shape, *ends)
    earth = EarthModel.below(grid, {"vp": smooth}, hdf5.read_surface(record.result, grid))
    for name, values in arrays.items():
        title = TITLES[name]
        if name == "illumination":
            picture = frames.illumination(values, grid, title, earth.topography)
            scale = "below the largest value [dB]"
        else:
            picture = drawn(partial(pictures.image, values=values, earth=earth, title=title))
            scale = "relative amplitude, the grey scale ends at its 99th percentile below the water"
        elements.append(
            Picture(
                picture,
                f"{title}, a section of {' x '.join(map(str, values.shape))} points",
                f"{title} against x and depth; {scale}.",
            )
        )
    return Chapter("image", "Image", elements)


def records(record: RunRecord) -> list[Chapter]:
    """Records that were modelled, and their spectra.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapters : list of Chapter
    """
    if record.result is None:
        note = Paragraph("There are no records yet.", "note")
        return [Chapter("records", "Records", [note])]
    gathers = hdf5.read_gathers(record.result)
    shots = gathers.acquisition.shots
    picture = Picture(
        drawn(lambda path: pictures.gathers(path, gathers)),
        f"Records of up to three of {shots} shots",
        "Pressure against receiver and time [s], of the first, the middle and the last shot; each "
        "grey scale ends at the 98th percentile of its amplitude.",
    )
    return [
        Chapter("records", "Records", [picture]),
        Chapter("spectra", "Spectra", [_of_records(gathers)]),
    ]


def _of_records(gathers: Gathers) -> Picture:
    """Spectra of some shots and of the wavelet."""
    shots = gathers.acquisition.shots
    numbers = np.unique(np.linspace(0, shots - 1, SHOTS).round().astype(int))
    frequencies = spectra.frequencies(gathers.samples, gathers.interval)
    chosen = (np.asarray(gathers.data[n]) for n in numbers)
    curves = [Curve("observed", frequencies, spectra.power(chosen, gathers.samples, noise=False))]
    curves = [Curve("records", c.frequencies, c.power) for c in curves]
    if gathers.wavelet is not None:
        wavelet = np.atleast_2d(gathers.wavelet)[:1]
        size = wavelet.shape[1]
        power = spectra.power([wavelet], size, noise=False)
        curves.append(Curve("wavelet", spectra.frequencies(size, gathers.interval), power))
    return Picture(
        fits.spectra(curves, None),
        "Amplitude spectra of the records and of the wavelet",
        f"Amplitude spectra [dB] of the traces of shots {', '.join(map(str, numbers))} together, "
        f"and of the wavelet as it is emitted (dashed), each relative to its peak, against "
        f"frequency [Hz].",
    )
