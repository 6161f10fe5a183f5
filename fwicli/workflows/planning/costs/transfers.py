"""Bytes that a run keeps on disks and moves between its processes; jobs and node hours.

In an evaluation each worker receives the model once, and the sums of `BLOCK` shots move at most
once on their way to the sum of all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fwicli.propagators import history
from fwicli.propagators.equations import registry
from fwicli.workflows.planning.costs.counts import Counts
from fwicli.workflows.planning.nodes import Nodes
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan

# Shots that a worker adds before their sum moves.
BLOCK = 8
DOUBLE = 8


def summary(plan: Plan, counts: Sequence[Counts]) -> dict[str, Any]:
    """Disk and network of a run [MB].

    Parameters
    ----------
    plan : Plan
    counts : sequence of Counts
        Of each stage.

    Returns
    -------
    summary : dict of str to float
        The largest numbers of all stages.
    """
    pairs = list(zip(plan.stages, counts, strict=True))
    return {
        "run_folder_mb": round(plan.verb.output_bytes(plan) / 1e6, 3),
        "scratch_mb": round(plan.at_once * max(scratch(s) for s in plan.stages) / 1e6, 3),
        "network_per_evaluation_mb": round(max(network(plan, s, c) for s, c in pairs) / 1e6, 3),
    }


def jobs(nodes: Nodes, seconds: float) -> dict[str, Any]:
    """Jobs and node hours of a run.

    Parameters
    ----------
    nodes : Nodes
    seconds : float
        Time of the run [s].

    Returns
    -------
    summary : dict of str to float
    """
    count = {} if nodes.walltime is None else {"jobs": math.ceil(seconds / nodes.walltime)}
    return {**count, "node_hours": round(nodes.count * seconds / 3600, 3)}


def scratch(stage: Numerics) -> float:
    """Bytes of temporary files of a worker: a history on disk.

    Parameters
    ----------
    stage : Numerics

    Returns
    -------
    size : float
    """
    if stage.history.kind != "disk":
        return 0.0
    return float(history.snapshots(stage.steps, stage.history_step) * stage.demand().snapshot)


def network(plan: Plan, stage: Numerics, counts: Counts) -> float:
    """Bytes that move between processes in one evaluation, with the records that are read.

    Parameters
    ----------
    plan : Plan
    stage : Numerics
    counts : Counts

    Returns
    -------
    size : float
    """
    names = tuple(registry.load(stage.equation).parameters(stage.grid.ndim))
    model = DOUBLE * len(names) * math.prod(stage.grid.shape)
    traces = 4.0 * float(plan.acquisition.counts.mean()) * stage.time.samples * counts.shots
    if not plan.verb.keeps_history:
        return min(plan.workers, counts.shots) * model + traces
    summed = (names if stage.parameters is None else stage.parameters, "illumination")
    window = DOUBLE * (len(summed[0]) + 1) * math.prod(stage.window(0).shape)
    blocks = math.ceil(counts.shots / BLOCK)
    return min(plan.workers, counts.shots) * model + blocks * window + traces
