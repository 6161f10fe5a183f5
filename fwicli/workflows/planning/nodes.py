"""Nodes of a cluster that a plan is for, in place of this machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fwicli.config.execution import ExecutionSection
from fwicli.config.site import seconds
from fwicli.errors import ConfigError
from fwicli.workflows.assembly import sites


@dataclass(frozen=True)
class Nodes:
    """Equal nodes, and how long a job may have them.

    Attributes
    ----------
    count : int
    cores : int
        Of a node.
    memory : float
        Of a node [bytes].
    walltime : float or None
        Time that a job computes before it ends [s]; None if there is no limit.
    """

    count: int
    cores: int
    memory: float
    walltime: float | None = None

    def per_node(self, shots: int, threads: int) -> Iterator[int]:
        """Numbers of workers that a node may have, the most first.

        Parameters
        ----------
        shots : int
            More workers than shots would be idle.
        threads : int
            Of a worker.

        Yields
        ------
        workers : int
        """
        workers = max(1, min(self.cores // threads, math.ceil(shots / self.count)))
        while True:
            yield workers
            if workers == 1:
                return
            workers = max(1, min(workers - 1, int(0.9 * workers)))


def of_site(
    section: ExecutionSection, count: int, cores: int | None, memory: float | None
) -> Nodes:
    """Nodes as the command line says, and else as the site of the config.

    Parameters
    ----------
    section : ExecutionSection
    count : int
        Number of nodes.
    cores : int, optional
        Of a node.
    memory : float, optional
        Of a node [GB].

    Returns
    -------
    nodes : Nodes

    Raises
    ------
    ConfigError
        If neither says what a node has.
    """
    site = None if section.site is None else sites.all_sites().of(section.site)
    if site is not None:
        cores, memory = cores or site.cores, memory or site.memory
    if cores is None or memory is None:
        missing = " and ".join(
            name for name, value in (("cores", cores), ("memory", memory)) if value is None
        )
        raise ConfigError(
            f"a plan for {count} nodes needs the {missing} of a node: give `--cores N` and "
            f"`--memory GB`, or name a site with `--set execution.site=NAME`"
        )
    walltime = None if site is None else float(seconds(site.walltime) - site.notice)
    return Nodes(count, cores, memory * 1e9, walltime)
