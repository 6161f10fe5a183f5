"""Pictures of runs: drawing them takes longer than the waves of a small survey.

Tests of pictures, the surveys that tests share, and most commands in processes of their own draw
them. Other runs write white ones in their place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from fwicli.plotting import pictures
from fwicli.plotting.style import Figure

_draw = pictures._save


def _leave_white(figure: Figure, path: Path) -> None:
    _draw(Figure(figsize=(0.3, 0.3)), path)


@contextmanager
def _saved_by(save: Callable[[Figure, Path], None]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "DPI", 50)
        patch.setattr(pictures, "_save", save)
        yield


# The command in a process of its own that writes white pictures.
PROGRAM = """
from fwicli.cli.main import main
from fwicli.plotting import pictures
from fwicli.plotting.style import Figure

draw = pictures._save
pictures._save = lambda figure, path: draw(Figure(figsize=(0.3, 0.3)), path)
"""
COMMAND = [sys.executable, "-c", f"{PROGRAM}main()"]


def white() -> AbstractContextManager[None]:
    """Within, runs write white pictures."""
    return _saved_by(_leave_white)


def drawn() -> AbstractContextManager[None]:
    """Within, runs draw their pictures, with few dots."""
    return _saved_by(_draw)
