"""Run the configs of the gallery and copy their pictures into it.

    python docs/gallery/make.py [NAME ...]

NAME is one of the runs below; all of them take about 20 minutes on two cores.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
# Command and config of a run, and its pictures in the gallery.
RUNS = {
    "demo-model": ("model", "demo_model.yaml", ("model.png", "gathers.png", "wavelet.png")),
    "demo-invert": (
        "invert",
        "demo_invert.yaml",
        ("overview.png", "convergence.png", "diagnosis_1.png"),
    ),
    "demo-rtm": ("rtm", "demo_rtm.yaml", ("image.png",)),
    "density-model": ("model", "density_model.yaml", ()),
    "density-invert": ("invert", "density_invert.yaml", ("overview.png", "overview_rho.png")),
    "crosswell-model": ("model", "crosswell_model.yaml", ("gathers.png",)),
    "crosswell-invert": ("invert", "crosswell_invert.yaml", ("overview.png", "overview_qp.png")),
    "landline-model": ("model", "landline_model.yaml", ("gathers.png",)),
    "landline-invert": ("invert", "landline_invert.yaml", ("overview_vs.png",)),
    "hill-model": ("model", "hill_model.yaml", ("gathers.png",)),
    "hill-invert": ("invert", "hill_invert.yaml", ("overview_vs.png",)),
}


def make(name: str) -> None:
    """Run a config in its own folder, and copy its pictures."""
    command, config, pictures = RUNS[name]
    folder = f"runs/{name.replace('-', '/')}"  # where the configs look for one another's results
    fwi = Path(sys.executable).with_name("fwi")
    arguments = [command, f"configs/{config}", "-o", folder, "--force"]
    subprocess.run([fwi, *arguments], cwd=ROOT, check=True)
    for picture in pictures:
        shutil.copyfile(ROOT / folder / picture, FOLDER / f"{name}-{picture}")


if __name__ == "__main__":
    for run in sys.argv[1:] or RUNS:
        make(run)
