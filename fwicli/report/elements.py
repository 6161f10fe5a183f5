"""Parts of a page: paragraphs, tables, pictures, texts and sections, each as HTML.

All texts are escaped here, so that no name of a file and no message can become a part of the page.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

# Media types by the signature of a picture.
PNG, SVG = b"\x89PNG", "image/svg+xml"


class Element(Protocol):
    """A part of a page."""

    def html(self) -> str:
        """The part as HTML."""
        ...


def data_uri(picture: bytes) -> str:
    """A PNG or SVG picture as the address of itself.

    Parameters
    ----------
    picture : bytes

    Returns
    -------
    uri : str
    """
    media = "image/png" if picture.startswith(PNG) else SVG
    return f"data:{media};base64,{base64.b64encode(picture).decode('ascii')}"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text.

    Parameters
    ----------
    text : str
    mark : {"", "note", "warning", "error"}
        How it stands out.
    """

    text: str
    mark: str = ""

    def html(self) -> str:
        """The paragraph as HTML."""
        kind = f' class="{self.mark}"' if self.mark else ""
        return f"<p{kind}>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Items:
    """A list of texts.

    Parameters
    ----------
    texts : sequence of str
    mark : {"", "warning"}
        How they stand out.
    """

    texts: Sequence[str]
    mark: str = ""

    def html(self) -> str:
        """The list as HTML."""
        kind = f' class="{self.mark}"' if self.mark else ""
        return f"<ul{kind}>{''.join(f'<li>{escape(text)}</li>' for text in self.texts)}</ul>"


@dataclass(frozen=True)
class PageTable:
    """A table whose first column names its rows.

    Parameters
    ----------
    caption : str
    rows : sequence of sequence of str
    head : sequence of str
        Names of the columns; none for a table of names and values.
    folded : bool
        Whether it is opened on demand.
    """

    caption: str
    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    folded: bool = False

    def html(self) -> str:
        """The table as HTML."""
        names = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.head)
        head = f"<thead><tr>{names}</tr></thead>" if names else ""
        body = "".join(self._row(row) for row in self.rows)
        caption = "" if self.folded else f"<caption>{escape(self.caption)}</caption>"
        table = f"<table>{caption}{head}<tbody>{body}</tbody></table>"
        table = f'<div class="wide">{table}</div>'
        return _folded(self.caption, table) if self.folded else table

    @staticmethod
    def _row(row: Sequence[str]) -> str:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


@dataclass(frozen=True)
class Listing:
    """Text of a file, opened on demand.

    Parameters
    ----------
    caption, text : str
    """

    caption: str
    text: str

    def html(self) -> str:
        """The text as HTML."""
        return _folded(self.caption, f"<pre>{escape(self.text)}</pre>")


@dataclass(frozen=True)
class Picture:
    """A picture with its caption.

    Parameters
    ----------
    data : bytes
        PNG or SVG.
    alt : str
        The picture in words.
    caption : str
        The quantity that is drawn, with units and colour scale.
    """

    data: bytes
    alt: str
    caption: str

    def html(self) -> str:
        """The picture as HTML."""
        return (
            f'<figure><img src="{data_uri(self.data)}" alt="{escape(self.alt)}">'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Chapter:
    """A section of a page.

    Parameters
    ----------
    name : str
        Of its anchor: letters and hyphens.
    title : str
    elements : sequence of Element
    """

    name: str
    title: str
    elements: Sequence[Element]

    def html(self) -> str:
        """The section as HTML."""
        inner = "\n".join(element.html() for element in self.elements)
        return f'<section id="{self.name}">\n<h2>{escape(self.title)}</h2>\n{inner}\n</section>'


def _folded(caption: str, inner: str) -> str:
    return f"<details><summary>{escape(caption)}</summary>{inner}</details>"
