"""The page of a run in headless Chromium: no error, no request, and a slider that slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fwicli.workflows.viewing.report.run import run
from tests.report import browser as browsers
from tests.report.reading import Page

# Whether every picture of a page has been decoded.
DECODED = "return [...document.images].every(image => image.complete && image.naturalWidth > 0)"
# Place of a field in the picture of its axes, as shares.
PLACE = """
const [axes, field] = arguments[0].querySelectorAll("img");
const [a, f] = [axes.getBoundingClientRect(), field.getBoundingClientRect()];
return [(f.left - a.left) / a.width, (f.top - a.top) / a.height, f.width / a.width,
        f.height / a.height];
"""


def test_slider_changes_pictures_and_label(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    run(survey / "whole", path, shots=1)
    (frames,) = Page(path.read_text(encoding="utf-8")).frames
    with browsers.chromium(tmp_path / "profile") as browser:
        browser.get(path.as_uri())
        figure = browser.find_element("css selector", "figure.slider")
        control = figure.find_element("css selector", "input[type=range]")
        label = figure.find_element("css selector", "output")
        fields = figure.find_elements("css selector", "img.field")

        def state() -> tuple[str, list[str], list[str]]:
            sources, words = zip(
                *((f.get_attribute("src"), f.get_attribute("alt")) for f in fields), strict=True
            )
            return label.text, list(sources), list(words)

        def expected(frame: int) -> tuple[str, list[str], list[str]]:
            text = frames["labels"][frame]
            words = [f"{title}: {text}" for title in frames["titles"]]
            return text, [each[frame] for each in frames["fields"]], words

        assert control.is_displayed()
        assert state() == expected(6)
        browser.execute_script("arguments[0].focus()", control)
        control.send_keys("\ue012")  # the left arrow
        assert state() == expected(5)
        control.send_keys("\ue011")  # home
        assert state() == expected(0)
        assert control.get_attribute("aria-valuetext") == "start"
        browser.execute_async_script(
            "Promise.all([...document.images].map(i => i.decode())).then(arguments[0])"
        )
        assert browser.execute_script(DECODED)
        _check_places(browser, figure, path)
        assert browsers.messages(browser) == []
        loads = [url for url in browsers.requests(browser) if not url.startswith("data:")]
        assert loads == [path.as_uri()]
        _check_width(browser)


def _check_places(browser: Any, figure: Any, path: Path) -> None:
    """Each field lies in the box of its axes."""
    page = Page(path.read_text(encoding="utf-8"))
    styles = [p["style"] for f in page.figures for p in f.pictures if p.get("class") == "field"]
    panels = figure.find_elements("css selector", ".panel")
    for panel, style in zip(panels, styles, strict=True):
        shares = [float(part.split(":")[1].rstrip("%")) / 100 for part in style.split(";")]
        for share, place in zip(shares, browser.execute_script(PLACE, panel), strict=True):
            assert abs(share - place) < 0.01


def _check_width(browser: Any) -> None:
    """Nothing is wider than a narrow window, but what scrolls by itself."""
    browser.set_window_size(500, 900)
    wide = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert browser.execute_script(wide)


def test_page_reports_errors_of_its_script(tmp_path: Path) -> None:
    """An error of a script and a request are seen, so that their absence says something."""
    path = tmp_path / "page.html"
    path.write_text("<script>nothing()</script><img src='missing.png' alt=''>", encoding="utf-8")
    with browsers.chromium(tmp_path / "profile") as browser:
        browser.get(path.as_uri())
        assert any("nothing is not defined" in line for line in browsers.messages(browser))
        assert any(url.endswith("missing.png") for url in browsers.requests(browser))
