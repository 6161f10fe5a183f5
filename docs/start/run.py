"""Run the files and commands of a page, as a reader would.

    python docs/start/run.py docs/start/first-inversion.md FOLDER [PICTURES]

Files with a title are written to FOLDER, and shell commands run in it, one after the other.
Pictures that the page shows are copied to PICTURES, if that is given.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that change the system of a reader, not the folder.
SETUP = ("python3 -m venv", ". .venv", "pip install", "make ")
# Where runs leave the pictures that a page names.
SOURCES = {
    "gathers.png": "runs/model/gathers.png",
    "inversion.png": "runs/invert/overview.png",
    "convergence.png": "runs/invert/convergence.png",
    "image.png": "runs/rtm/image.png",
    "diagnosis.png": "runs/field/diagnosis_1.png",
    "segy-records.png": "line.png",
    "segy-image.png": "runs/image/image.png",
}
PICTURE = re.compile(r"!\[[^\]]*\]\(pictures/([\w.-]+)\)")


def steps(page: str) -> Iterator[tuple[str, str]]:
    """Names and texts of files, and commands under the name ""."""
    for language, title, text in FENCE.findall(page):
        if title:
            yield title, text
        elif language == "sh":
            for line in text.splitlines():
                command = line.partition("  #")[0].strip()
                if command and not command.startswith(SETUP):
                    yield "", command


def run(page: Path, folder: Path) -> None:
    """Write the files of a page and run its commands."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name, text in steps(page.read_text(encoding="utf-8")):
        if name:
            (folder / name).write_text(text, encoding="utf-8")
        else:
            subprocess.run(
                text, shell=True, check=True, cwd=folder, env={**os.environ, "PATH": paths}
            )


def copy_pictures(page: Path, folder: Path, pictures: Path) -> None:
    """Copy what the page shows out of the folder of its runs."""
    for name in PICTURE.findall(page.read_text(encoding="utf-8")):
        shutil.copyfile(folder / SOURCES[name], pictures / name)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    if len(sys.argv) > 3:
        copy_pictures(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
