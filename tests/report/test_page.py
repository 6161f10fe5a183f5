"""The page is whole, escapes all text, and loads nothing."""

from __future__ import annotations

import re

import pytest

from fwicli.report.elements import Chapter, Items, Listing, PageTable, Paragraph, Picture
from fwicli.report.page import render
from fwicli.report.slider import Panel, Slider
from tests.report.reading import Page, check

PNG = b"\x89PNG\r\n\x1a\n"
EVIL = '</script><script>alert("x")</script><img src=http:x> & \'"'


def slider(label: str = "start", title: str = "P velocity") -> Slider:
    panel = Panel(title, b"<svg/>", (0.1, 0.2, 0.5, 0.25), [PNG + b"1", PNG + b"2"])
    return Slider("models-vp", [label, "stage 1 iteration 1"], [panel], "The models of the run.")


def test_sections_are_listed_and_reached() -> None:
    sections = [Chapter("fit", "Data fit", [Paragraph("Text.")]), Chapter("log", "Log", [])]
    page = Page(render("mark", "Title", ["below"], sections))
    check(page)
    assert page.titles == ["Data fit", "Log"]
    assert re.findall(r'<a href="#(\w+)">', page.text) == ["fit", "log"]
    assert set(page.ids) == {"fit", "log"}


def test_text_stays_text() -> None:
    """Wherever it stands: no tag, attribute or script comes of it."""
    elements = [
        Paragraph(EVIL, "error"),
        Items([EVIL], "warning"),
        PageTable(EVIL, [[EVIL, EVIL]], ["", EVIL]),
        PageTable(EVIL, [[EVIL]], folded=True),
        Listing(EVIL, EVIL),
        Picture(PNG, EVIL, EVIL),
        slider(EVIL, EVIL),
    ]
    text = render(f"mark --> {EVIL}", EVIL, [EVIL], [Chapter("all", EVIL, elements)])
    page = Page(text)
    assert page.prose.count("alert") >= 12
    # The script of the page, and the frames of the slider.
    assert len(re.findall(r"<script", text)) == 2
    assert page.frames[0]["labels"][0] == EVIL
    assert all(load.startswith("data:") for load in page.loads)
    assert page.figures[0].pictures[0]["alt"] == EVIL


def test_policy_forbids_loads() -> None:
    text = render("mark", "Title", [], [])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]


def test_slider_shows_the_last_frame_without_a_script() -> None:
    page = Page(render("mark", "Title", [], [Chapter("models", "Models", [slider()])]))
    check(page)
    field = page.figures[0].pictures[1]
    assert field["src"] == page.frames[0]["fields"][0][-1] != page.frames[0]["fields"][0][0]
    assert field["alt"] == "P velocity: stage 1 iteration 1"
    assert field["style"] == "left:10.000%;top:20.000%;width:50.000%;height:25.000%"
    assert "stage 1 iteration 1" in page.prose
    assert re.search(r'<div class="control" hidden>', page.text)


@pytest.mark.parametrize(("data", "media"), [(PNG, "image/png"), (b"<svg/>", "image/svg+xml")])
def test_pictures_have_their_type(data: bytes, media: str) -> None:
    assert f'src="data:{media};base64,' in Picture(data, "words", "caption").html()
