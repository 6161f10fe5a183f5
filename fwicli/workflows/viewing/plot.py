"""`fwi plot`: one picture of a run or a file."""

from __future__ import annotations

import difflib
from pathlib import Path

from fwicli.errors import ConfigError
from fwicli.plotting.style import FORMATS, save
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.viewing.drawing.contents import contents
from fwicli.workflows.viewing.drawing.drawable import PictureOptions


def available(path: Path, layout: FileLayout | None = None) -> dict[str, str]:
    """Names of all pictures of a run or a file, with descriptions.

    Parameters
    ----------
    path : Path
        Folder of a run, or file.
    layout : FileLayout, optional
        How a file is read that does not say it itself.

    Returns
    -------
    descriptions : dict of str to str
    """
    return {name: d.about for name, d in contents(path, layout or FileLayout()).items()}


def run(
    path: Path,
    name: str,
    output: Path,
    options: PictureOptions | None = None,
    layout: FileLayout | None = None,
) -> None:
    """Draw one picture.

    Parameters
    ----------
    path : Path
        Folder of a run, or file.
    name : str
        One of `available`.
    output : Path
        PNG or PDF file to write.
    options : PictureOptions, optional
    layout : FileLayout, optional
        How a file is read that does not say it itself.

    Raises
    ------
    ConfigError
        If there is no such picture, it has no such option, or the picture would be of another
        format or replace the file.
    DataError
        If a file cannot be read.
    """
    options = options or PictureOptions()
    if output.suffix.lower().removeprefix(".") not in FORMATS:
        raise ConfigError(f"{output} is neither .png nor .pdf; name the picture so with -o")
    if output.exists() and path.exists() and output.samefile(path):
        raise ConfigError(f"{output} is the file that is read; write the picture elsewhere")
    listed = contents(path, layout or FileLayout())
    if name not in listed:
        close = difflib.get_close_matches(name, listed, n=1)
        advice = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(listed)}"
        raise ConfigError(f"there is no `{name}` to draw in {path}; {advice}")
    save(listed[name].draw(name, options), output, options.look.dpi)
