"""The tutorials run, what they claim holds, and their pictures show something."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.image import imread

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
SCRIPTS = sorted(FOLDER.glob("*.py"))


@pytest.fixture
def untouched() -> Iterator[None]:
    """What a script may set for all of PyTorch is as before."""
    import torch

    kind, state = torch.get_default_dtype(), torch.get_rng_state()
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_default_dtype(kind)
    torch.set_rng_state(state)


# Those that invert or train take ten seconds each, and kernels of their own.
LONG = (
    "inversion_with_torch_optimizer",
    "network_as_model",
    "posterior_uncertainty",
    "unrolled_migration",
)
RUN = [
    pytest.param(s, id=s.stem, marks=pytest.mark.slow if s.stem in LONG else ()) for s in SCRIPTS
]


@pytest.mark.torch
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("script", RUN)
def test_tutorial(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs as it is, with a folder; its assertions are the claims of its text."""
    monkeypatch.setattr("sys.argv", [str(script), str(tmp_path / "pictures")])
    runpy.run_path(str(script), run_name="__main__")
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    assert pictures
    for picture in pictures:
        pixels = imread(picture)[..., :3]
        assert min(pixels.shape[:2]) > 200, f"{picture.name} is small: {pixels.shape}"
        assert pixels.std() > 0.02, f"{picture.name} is empty"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.stem)
def test_index(script: Path) -> None:
    """The index links to it, and it begins with what it is about."""
    assert f"({script.name})" in (FOLDER / "index.md").read_text()
    assert script.read_text().startswith('"""')


def test_there_are_tutorials() -> None:
    assert SCRIPTS
