"""Provenance of a result: command, host, date and versions."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from fwicli.errors import CompilerError
from fwicli.propagators.kernels import toolchain

PACKAGES = ("fwicli", "devito", "numpy", "scipy", "h5py", "segyio", "sympy")


def provenance() -> dict[str, str]:
    """Provenance of a result: command, host, date and versions."""
    environment = {"python": platform.python_version(), "host": socket.gethostname()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            environment[package] = metadata.version(package)
    environment["command"] = " ".join(sys.argv)
    environment["date"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    environment["platform"] = platform.platform()
    environment["compiler"] = _compiler()
    source = Path(__file__).resolve().parents[3]
    if (source / ".git").exists():
        environment["revision"] = _first_line(["git", "-C", str(source), "rev-parse", "HEAD"])
    return environment


def _compiler() -> str:
    """Version of the compiler that kernels which are not there yet are made by."""
    with suppress(CompilerError):
        return toolchain.version(toolchain.compiler(trial=True).command) or "not found"
    return "not found"


def _first_line(command: list[str]) -> str:
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout.splitlines() or [""])[0]
    return "not found"
