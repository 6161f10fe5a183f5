"""Part of `speed_beside_deepwave.py`: bytes and operations a second of this machine.

A step of the acoustic equation of order 8 must read u and the coefficient, and read and write the
other level of u: 16 bytes a point in float32, if neighbours come from the cache. It takes

    4 (2 ndim - 1) + 4 additions, 6 multiplications and 2 more additions a point.

The bytes per second are measured by a loop that moves just these bytes (`memory_bandwidth.c`), on
arrays of the size of the problem: small ones stay in a cache.
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

import numpy as np
from timed_operators import address, compiled

BYTES = 16


def operations(ndim: int) -> int:
    """Of one point and step."""
    return 4 * (2 * ndim - 1) + 12


def limits(points: int, threads: int) -> dict[str, Any]:
    """Bytes and operations per second, for arrays of so many points; the best of several runs.

    OpenMP takes the number of threads when it is loaded: `threads` must be what the environment
    says, and is repeated in the result.
    """
    library = compiled("memory_bandwidth.c")
    arrays = [np.zeros(points, np.float32) for _ in range(3)]
    for a in arrays:
        a[:] = 1e-3
    steps = max(3, int(3e8 / points))
    rounds = 200_000
    library.multiply_add.restype = ctypes.c_float
    bytes_rate, operation_rate = 0.0, 0.0
    for _ in range(5):
        started = time.perf_counter()
        library.update(*map(address, arrays), ctypes.c_long(points), ctypes.c_long(steps))
        bytes_rate = max(bytes_rate, BYTES * points * steps / (time.perf_counter() - started))
        started = time.perf_counter()
        library.multiply_add(ctypes.c_long(rounds))
        count = 2 * 256 * rounds * threads
        operation_rate = max(operation_rate, count / (time.perf_counter() - started))
    return {"points": points, "threads": threads, "bytes": bytes_rate, "operations": operation_rate}


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(limits(int(sys.argv[1]), int(sys.argv[2]))))
