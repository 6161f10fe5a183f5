"""Steps that checkpoints repeat (see `history`)."""

from __future__ import annotations

from math import comb


def repetitions(segments: int, checkpoints: int) -> int:
    """Fewest segments that are run again, for a number of checkpoints.

    Of the t = r n - C(c + r, r - 1) runs without the last segment's that n segments take, n - 1 are
    those of the first propagation; r is the least number with C(c + r, c) >= n.

    Parameters
    ----------
    segments, checkpoints : int
        Numbers of segments, and of states that are stored.

    Returns
    -------
    int
    """
    if segments < 2:
        return 0
    rate = 1
    while comb(checkpoints + rate, checkpoints) < segments:
        rate += 1
    return rate * segments - comb(checkpoints + rate, rate - 1)
