"""Forks of a process that has propagated: right, or refused by name; none hangs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# Runs in a process of its own: what it has done before a fork matters.
SCRIPT = """
import os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.errors import ExecutionError
from fwicli.threads import blas, locks

grid = Grid((33, 37), (10.0, 12.0), (5.0, 5.0))
axis = time_axis(0.004, 80, 2600.0, grid.spacing, 4)
layer = AbsorbingLayer(10, 2600.0, 20.0)
one = Propagator(Discretization("acoustic", grid, axis, layer, 4, precision="float64"))
two = Propagator(replace(one.discretization, threads=2))
model = {"m": np.full(grid.shape, 1 / 2000.0**2)}
wavelet = np.random.default_rng(0).standard_normal((1, 80))
source, receivers = np.array([[100.0, 100.0]]), np.array([[50.0, 60.0], [200.0, 300.0]])

def record(propagator):
    return propagator.forward(model, wavelet, source, receivers)

expected = record(one)

def right():
    return np.array_equal(record(one), expected)

def refused():
    try:
        record(two)
    except ExecutionError as error:
        return "spawn" in str(error) and "threads=1" in str(error)
    return False

def child(check):
    number = os.fork()
    if not number:
        signal.alarm(60)  # what hangs is killed
        ok = False
        try:
            ok = check()
        finally:
            os._exit(0 if ok else 1)
    return os.waitpid(number, 0)[1] == 0

print("after one thread", child(right))
print("several threads in the child alone", child(lambda: np.allclose(record(two), expected)))

# Forks while other threads propagate, build arguments, and hold locks.
going = True
def work(n):
    while going:
        p = Propagator(replace(one.discretization, history_step=1 + n))
        if not np.array_equal(record(p), expected):
            return False
        with blas.alone(), locks.DEVITO, locks.HISTORIES:
            pass
    return True
with ThreadPoolExecutor(3) as pool:
    others = [pool.submit(work, n) for n in range(3)]
    print("while threads propagate", all(child(right) for _ in range(4)))
    going = False
    print("the threads meanwhile", all(o.result() for o in others))

record(two)
print("after several threads, with one", child(right))
print("after several threads, with several", child(refused))
print("in a child of a child", child(lambda: child(refused) and child(right)))
print("in the parent", np.allclose(record(two), expected))
"""


def test_forks() -> None:
    """With one thread all goes on; several after several are refused, with what to do."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    outcomes = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert len(outcomes) == 8, done.stdout + done.stderr
    assert set(outcomes.values()) == {"True"}, outcomes
