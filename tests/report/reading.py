"""A page as a browser without JavaScript sees it: pictures, captions, tables, and loads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

# Elements that have no end.
VOID = {"meta", "link", "img", "input", "br"}
# Attributes by which a browser loads something.
LOADS = {"src", "href", "srcset", "data", "poster", "action", "background", "xlink:href"}


@dataclass
class Figure:
    """A figure of a page."""

    pictures: list[dict[str, str]] = field(default_factory=list)
    caption: str = ""


class Page(HTMLParser):
    """Parts of a page; an element that is not closed, or closed twice, is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.figures: list[Figure] = []
        self.stray: list[dict[str, str]] = []
        self.titles: list[str] = []
        self.rows: list[list[str]] = []
        self.frames: list[dict[str, Any]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.loads += [v for n, v in named.items() if n in LOADS and not v.startswith("#")]
        self.ids += [named["id"]] if "id" in named else []
        if tag == "img":
            place = self.figures[-1].pictures if "figure" in self.open else self.stray
            place.append(named)
        if tag == "figure":
            self.figures.append(Figure())
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "h2":
            self.titles.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        here = self.open[-1] if self.open else ""
        if here == "script" and "figure" in self.open:
            self.frames.append(json.loads(data))
        elif here in ("td", "th"):
            self.rows[-1][-1] += data
        elif here == "h2":
            self.titles[-1] += data
        elif here == "figcaption":
            self.figures[-1].caption += data
        if here not in ("script", "style"):
            self.words.append(data)

    @property
    def prose(self) -> str:
        """All text that is shown."""
        return " ".join(self.words)

    def row(self, name: str) -> list[str]:
        """Cells of the first row of that name."""
        return next(row[1:] for row in self.rows if row and row[0] == name)


def check(page: Page) -> None:
    """No load from elsewhere; every picture has words and a caption; anchors exist once."""
    assert page.text.startswith("<!DOCTYPE html>")
    assert all(load.startswith("data:") for load in page.loads)
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert not page.stray
    for figure in page.figures:
        assert len(figure.caption) > 20
        assert figure.pictures
        for picture in figure.pictures:
            assert len(picture["alt"]) > 10
    assert len(set(page.ids)) == len(page.ids)
