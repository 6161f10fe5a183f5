"""Model error of Marmousi-II with a known, an estimated and a wrong wavelet.

    MARMOUSI=DATA python benchmarks/unknown_wavelets.py [known] [common] [shot] [wrong]

The first two bands of `configs/marmousi_invert.yaml`, six iterations each, with the wavelet of the
records; with a guess of another frequency, time, size and sign, from which the wavelet is estimated
in common or of each shot; and with the guess as it is. Runs that are in the folder are only read.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
import numpy as np
from marmousi_accuracy import CONFIGS, DEPTH, error, models

from fwicli import (
    Band,
    load_config,
    read_array,
    read_gathers,
    read_history,
    read_wavelets,
    run_inversion,
)

SHORT = (
    "inversion.stages=[{band: [0, 3], iterations: 6, spacing: 30}, "
    "{band: [0, 5], iterations: 6, spacing: 30}]",
    "physics.grid=auto",
)
GUESS = "wavelet={kind: ricker, frequency: 6, delay: 0.2, amplitude: 1}"
SOURCE = "inversion.source={{estimate: {}, lags: [-0.3, 0.4]}}"
CASES: dict[str, tuple[str, ...]] = {
    "known": SHORT,
    "common": (*SHORT, GUESS, SOURCE.format("common")),
    "shot": (*SHORT, GUESS, SOURCE.format("shot")),
    "wrong": (*SHORT, GUESS),
}


def wavelet_error(path: Path) -> str:
    """Largest relative L2 error of the estimated wavelets of the last stage."""
    found = read_wavelets(path)
    if not found:
        return "      -"
    estimated, start, interval = found[max(found)]
    records = read_gathers(Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5")
    # The records' source enters with the opposite sign and on one cell of (7.5 m)**2.
    true = Band(0, 5).apply(-56.25 * np.asarray(records.wavelet, dtype=float), interval)
    worst = max(np.linalg.norm(w - true) / np.linalg.norm(true) for w in estimated)
    guess = np.linalg.norm(start - true) / np.linalg.norm(true)
    return f"{worst:7.3f} (guess {guess:.2f})"


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)))
@click.option("--folder", default="runs/wavelets", type=click.Path(path_type=Path))
def main(cases: tuple[str, ...], folder: Path) -> None:
    """Run the cases; all of them by default."""
    if "MARMOUSI" not in os.environ:
        click.echo("wavelets: skipped; set MARMOUSI to the folder of the model and the records")
        return
    click.echo("wavelet  model error  misfit  simulations  time [s]  error of the wavelet")
    start, true = models(load_config(CONFIGS / "marmousi_invert.yaml"))
    where = ~start.water() & start.above(DEPTH)
    click.echo(f"start    {error(start.vp, true.vp, where):11.4f}")
    for case in cases or CASES:
        path = folder / case / "inversion.h5"
        if not path.exists():
            settings = list(CASES[case])
            run_inversion(
                load_config(CONFIGS / "marmousi_invert.yaml", settings=settings), folder / case
            )
        vp, history = read_array(path, "result/vp")[0], read_history(path)
        click.echo(
            f"{case:7s}  {error(vp, true.vp, where):11.4f}  {history['misfit'][-1]:.4f}  "
            f"{history['simulations'][-1]:11d}  {history['seconds'][-1]:8.0f}  "
            f"{wavelet_error(path)}"
        )


if __name__ == "__main__":
    main()
