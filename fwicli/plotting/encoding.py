"""Figures as bytes, for a page that holds its pictures: SVG for curves, else compact PNG."""

from __future__ import annotations

import io

from fwicli.plotting.style import Figure

# Colours of a compact picture.
COLOURS = 256


def vector(figure: Figure) -> bytes:
    """A figure of curves as SVG, the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure

    Returns
    -------
    picture : bytes
    """
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "fwicli", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def compact(figure: Figure, dpi: float) -> bytes:
    """A figure as PNG with a palette: a third of the bytes of one in full colour.

    Parameters
    ----------
    figure : Figure
    dpi : float
        Dots per inch.

    Returns
    -------
    picture : bytes
    """
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dpi, format="png", facecolor="white")
    buffer.seek(0)
    with Image.open(buffer) as full:
        few = full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    smaller = io.BytesIO()
    few.save(smaller, format="png", optimize=True)
    return smaller.getvalue()
