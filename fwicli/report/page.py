"""The whole page: head, table of contents, sections, style and script in one file.

Its policy for contents forbids the browser to load anything from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

from fwicli.report.elements import Chapter

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def render(mark: str, title: str, subtitles: Sequence[str], chapters: Sequence[Chapter]) -> str:
    """A page.

    Parameters
    ----------
    mark : str
        Comment at the beginning, by which the file is recognised.
    title : str
    subtitles : sequence of str
        Lines below the title.
    chapters : sequence of Chapter

    Returns
    -------
    text : str
    """
    below = "".join(f"<p>{escape(line)}</p>" for line in subtitles)
    contents = "".join(f'<li><a href="#{s.name}">{escape(s.title)}</a></li>' for s in chapters)
    inner = "\n".join(chapter.html() for chapter in chapters)
    return (
        f'<!DOCTYPE html>\n<!-- {escape(mark)} -->\n<html lang="en">\n<head>\n'
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_part('style.css')}</style>\n</head>\n<body>\n"
        f'<div class="page">\n<nav aria-label="Contents"><ol>{contents}</ol></nav>\n'
        f"<main>\n<header><h1>{escape(title)}</h1>{below}</header>\n{inner}\n</main>\n</div>\n"
        f"<script>\n{_part('slider.js')}</script>\n</body>\n</html>\n"
    )


def _part(name: str) -> str:
    """Text of a file of the package."""
    return resources.files("fwicli.report").joinpath(name).read_text(encoding="utf-8")
