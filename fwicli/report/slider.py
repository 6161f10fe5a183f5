"""A slider over pictures of one quantity: the frames of an inversion, from the first to the last.

Panels have axes that stay, and a field that changes. Without JavaScript the last frame is shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from fwicli.report.elements import data_uri


@dataclass(frozen=True)
class Panel:
    """Axes and colour scale, with a field for each frame.

    Parameters
    ----------
    title : str
        Name of the quantity that is drawn.
    axes : bytes
        Picture of the axes and the colour scale (SVG).
    box : tuple of float
        Left, top, width and height of the field, as shares of the axes' picture.
    fields : sequence of bytes
        One a frame (PNG).
    """

    title: str
    axes: bytes
    box: tuple[float, float, float, float]
    fields: Sequence[bytes]


@dataclass(frozen=True)
class Slider:
    """Panels that change together.

    Parameters
    ----------
    name : str
        Of its elements: letters, digits and hyphens.
    labels : sequence of str
        One a frame, with its numbers.
    panels : sequence of Panel
    caption : str
    """

    name: str
    labels: Sequence[str]
    panels: Sequence[Panel]
    caption: str

    def html(self) -> str:
        """The slider as HTML, at its last frame."""
        last = len(self.labels) - 1
        frames = {
            "labels": list(self.labels),
            "titles": [panel.title for panel in self.panels],
            "fields": [[data_uri(field) for field in panel.fields] for panel in self.panels],
        }
        # Within a script no tag may begin.
        text = json.dumps(frames).replace("<", "\\u003c")
        panels = "".join(self._panel(panel, self.labels[last]) for panel in self.panels)
        return (
            f'<figure class="slider" id="{self.name}">{panels}'
            f'<div class="control" hidden><label for="{self.name}-range">Model</label>'
            f'<input type="range" id="{self.name}-range" min="0" max="{last}" step="1" '
            f'value="{last}"></div>'
            f'<output for="{self.name}-range">{escape(self.labels[last])}</output>'
            f"<figcaption>{escape(self.caption)}</figcaption>"
            f'<script type="application/json">{text}</script></figure>'
        )

    def _panel(self, panel: Panel, label: str) -> str:
        left, top, width, height = (f"{100 * share:.3f}%" for share in panel.box)
        return (
            f'<div class="panel"><img src="{data_uri(panel.axes)}" '
            f'alt="{escape(f"Axes and colour scale: {panel.title}")}">'
            f'<img class="field" src="{data_uri(panel.fields[-1])}" '
            f'alt="{escape(f"{panel.title}: {label}")}" '
            f'style="left:{left};top:{top};width:{width};height:{height}"></div>'
        )
