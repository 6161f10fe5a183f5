"""`fwi invert` with an unknown wavelet and conditioned data, as a config says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows import invert
from fwicli.workflows.planning.plan import make_plan
from tests.workflows.test_invert import StopAtUpdate, result

# Of another frequency, sign and size than that of the data.
GUESS = "wavelet={kind: ricker, frequency: 9, delay: 0.1, amplitude: -3}"
STAGE = "inversion.stages=[{band: [0, 12], iterations: 3, spacing: 20}]"


ALONE = "execution.workers=1"


def settings(estimate: str, *more: str) -> list[str]:
    source = f"inversion.source={{estimate: {estimate}, lags: [-0.1, 0.2]}}"
    return [GUESS, STAGE, source, *more]


@pytest.mark.parametrize("estimate", ["shot", "common"])
@pytest.mark.usefixtures("drawn_pictures")
def test_unknown_wavelet(survey: Path, tmp_path: Path, estimate: str) -> None:
    """It is found, written and drawn; and the model gets nearer to the true one."""
    loaded = load(survey / "invert.yaml", settings=settings(estimate, ALONE))
    summary = invert.run(loaded, tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    assert np.all(np.diff(history["misfit"]) < 0)
    with h5py.File(tmp_path / "run" / "inversion.h5") as file:
        begin, end = (file[n]["vp"][()] - file["reference/vp"][()] for n in ("start", "result"))
    assert np.linalg.norm(end) < 0.9 * np.linalg.norm(begin)
    found, start, interval = hdf5.read_wavelets(tmp_path / "run" / "inversion.h5")[1]
    t = times(interval, start.size)
    band = Band(0.0, 12.0)
    true = band.apply(ricker(t, 12.0), interval)
    assert found.shape == (1 if estimate == "common" else 4, t.size)
    for wavelet in found:
        assert np.linalg.norm(wavelet - true) < 0.25 * np.linalg.norm(true)
    np.testing.assert_allclose(start, band.apply(-3 * ricker(t, 9.0, 0.1), interval), rtol=1e-5)
    assert (tmp_path / "run" / "wavelets.png").stat().st_size > 5000
    # As many propagations as are counted: a first pass for a common source, and the last models.
    evaluations = int(history["evaluations"][-1])
    assert summary["simulations"] == 4 * (evaluations * (3 if estimate == "common" else 2) + 1)


def test_a_wrong_wavelet_that_is_not_estimated_leads_astray(survey: Path, tmp_path: Path) -> None:
    """What the test above owes to the estimate."""
    stage = STAGE.replace("iterations: 3", "iterations: 1")
    invert.run(load(survey / "invert.yaml", settings=[GUESS, stage, ALONE]), tmp_path / "run")
    file = tmp_path / "run" / "inversion.h5"
    assert hdf5.read_history(file)["misfit"][-1] > 0.9
    assert hdf5.read_wavelets(file) == {}
    assert not (tmp_path / "run" / "wavelets.png").exists()


def test_resumed_estimate_is_the_same(survey: Path, tmp_path: Path) -> None:
    """Bit for bit, with one worker and with two."""
    near = "inversion.conditioning=[{kind: offsets, farthest: 150}]"
    short = "inversion.stages.0.iterations=2"
    made = settings("common", near, short, "physics.aperture=40")
    whole, again = tmp_path / "whole", tmp_path / "again"
    invert.run(load(survey / "invert.yaml", settings=made), whole)
    single = load(survey / "invert.yaml", settings=[*made, ALONE])
    with pytest.raises(KeyboardInterrupt):
        invert.run(single, again, progress=StopAtUpdate(11))
    ended = invert.run(load(survey / "invert.yaml", settings=made), again, resume=True)
    np.testing.assert_array_equal(result(again), result(whole))
    pair = [hdf5.read_wavelets(f / "inversion.h5")[1][0] for f in (again, whole)]
    np.testing.assert_array_equal(*pair)
    # What has ended takes no more; a run that is extended ends with other wavelets.
    assert invert.run(single, again, resume=True)["simulations"] == ended["simulations"]
    longer = [*made, ALONE, "inversion.stages.0.iterations=3"]
    invert.run(load(survey / "invert.yaml", settings=longer), again, resume=True)
    assert (hdf5.read_wavelets(again / "inversion.h5")[1][0] != pair[1]).any()


def test_stages_see_what_their_conditioning_leaves(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """All of the first stage is as without it; the second one is another."""
    lines = [
        "inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}, {band: [0, 16], "
        "iterations: 3, conditioning: [{kind: first_arrivals, before: 0.15, taper: 0.05}, "
        "{kind: amplitude_weights, power: 0.5}]}]",
        ALONE,
    ]
    invert.run(load(survey / "invert.yaml", settings=lines), tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    assert np.all(np.diff(history["misfit"][history["stage"] == 2]) < 0)
    with (
        h5py.File(tmp_path / "run" / "inversion.h5") as file,
        h5py.File(survey / "whole" / "inversion.h5") as plain,
    ):
        first, second = ([f[f"iterates/{n:04d}/vp"][()] for f in (file, plain)] for n in (3, 6))
    np.testing.assert_array_equal(*first)
    assert np.abs(second[0] - second[1]).max() > 1


def test_windows_leave_out_what_is_muted(survey: Path) -> None:
    """They are as wide as the offsets that are kept, and the aperture on both sides."""
    near = "inversion.conditioning=[{kind: offsets, farthest: 100}]"
    made, whole = (
        make_plan(load(survey / "invert.yaml", settings=["physics.aperture=40", *more]))
        for more in ([near], [])
    )
    assert made.stages[1].window(0).shape[0] == 29
    assert whole.stages[1].window(0).shape[0] > 55


def test_check_says_what_is_left(survey: Path) -> None:
    """Before the run: problems at their place, and shots that drop out."""

    def made(line: str) -> Any:
        return make_plan(
            load(survey / "invert.yaml", settings=[f"inversion.conditioning=[{line}]"])
        )

    with pytest.raises(ProblemsError, match="mutes every trace of every shot"):
        made("{kind: offsets, nearest: 3000}")
    np.save(survey / "weights.npy", np.array([[1.0] * 31, [0.0] * 31] * 2))
    warnings = made(f"{{kind: given_weights, file: {survey}/weights.npy}}").warnings
    assert any("mutes every trace of 2 of 4 shots" in w for w in warnings)
    np.save(survey / "weights.npy", np.ones(30))
    with pytest.raises(ProblemsError, match=r"weights of shape \(30,\) do not fit 31 receivers"):
        made(f"{{kind: given_weights, file: {survey}/weights.npy}}")
