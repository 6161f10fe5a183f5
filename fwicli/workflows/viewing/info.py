"""`fwi info`: what is in files of any kind that is read or written, and what looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fwicli.errors import ConfigError
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.viewing.kinds import reports


def run(
    files: Sequence[Path],
    reading: FileLayout | None = None,
    picture: Path | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """Report on files; each is read once, by shot or by block.

    Parameters
    ----------
    files : sequence of Path
        Files, and folders of runs.
    reading : FileLayout, optional
        How files are read that do not say it themselves.
    picture : Path, optional
        PNG file to write, of the first file that can be drawn.
    progress : Progress, optional

    Returns
    -------
    reports : list of Report
        One a file; for a folder, one for it and one for each result.

    Raises
    ------
    DataError
        If a file is damaged, or of no kind that is read.
    ConfigError
        If a picture of several files is asked for, or would replace one of them.
    """
    if picture is not None:
        if len(files) > 1:
            raise ConfigError("a picture shows one file; name one, or leave out --plot")
        if picture.exists() and files[0].exists() and picture.samefile(files[0]):
            raise ConfigError(f"{picture} is the file that is read; write the picture elsewhere")
    listed = [
        report
        for file in files
        for report in reports(file, reading or FileLayout(), progress or Silent())
    ]
    if picture is not None:
        drawn = next((report for report in listed if report.draw is not None), None)
        if drawn is None or drawn.draw is None:
            raise ConfigError(f"there is nothing to draw of {files[0]}, a {listed[0].kind}")
        drawn.draw(picture)
    return listed
