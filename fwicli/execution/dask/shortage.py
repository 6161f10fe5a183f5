"""Less memory for shots of Dask: smaller ones, then fewer at once on a node.

Where shots of a node cannot do with less, each waits for one of the places of its node before it
begins. The places are leases of a semaphore of Dask: the scheduler takes back that of a worker
which is killed. A worker whose shot waits takes no other one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from fwicli.execution import losses
from fwicli.execution.losses import WorkerLost
from fwicli.execution.relief import Relief

# Time between two looks whether a shot that waits is still wanted [s].
LOOK = 1.0
# Nodes, and how many shots each may run at once.
Places = tuple[tuple[str, int], ...]

log = logging.getLogger(__name__)


class Shortage:
    """Limits that memory sets to the shots of a client.

    Attributes
    ----------
    relief : Relief
        How much smaller shots are.
    """

    def __init__(self) -> None:
        self.relief = Relief()
        self._places: dict[str, int] = {}

    @property
    def places(self) -> Places:
        """Shots at once of nodes that are limited."""
        return tuple(self._places.items())

    def lower(
        self, number: int, lost: WorkerLost, worker: str, workers: int, places: Places
    ) -> bool:
        """Have a node run fewer shots at once, after one there has run out of memory.

        Parameters
        ----------
        number : int
            Of the task.
        lost : WorkerLost
            Why it has ended.
        worker : str
            Address of its worker.
        workers : int
            Workers of that node.
        places : tuple
            Limits that held when the task was submitted.

        Returns
        -------
        lower : bool
            Whether fewer shots run there than did; False on a node that runs one.
        """
        node = node_of(worker)
        before = min(dict(places).get(node, workers), workers)
        now = self._places.get(node, workers)
        if now < before:
            return True
        if now <= 1:
            return False
        self._places[node] = now - 1
        log.warning(
            "warning: shot task %d ran out of memory (%s), and cannot do with less; %d shot(s) in "
            "place of %d run at once on %s from now on",
            number,
            losses.in_words(lost),
            now - 1,
            now,
            node,
        )
        return True


def node_of(worker: str) -> str:
    """The node of a worker, from its address."""
    from distributed.comm import get_address_host  # late: it is an optional extra

    return str(get_address_host(worker))


def count(workers: Collection[str]) -> dict[str, int]:
    """Number of workers of each node.

    Parameters
    ----------
    workers : collection of str
        Their addresses.

    Returns
    -------
    count : dict
    """
    nodes = [node_of(worker) for worker in workers]
    return {node: nodes.count(node) for node in nodes}


@contextmanager
def place(topic: str, places: Places) -> Iterator[None]:
    """A place of the node of this worker; where it is limited, wait until one is free.

    Parameters
    ----------
    topic : str
        Of the client.
    places : tuple

    Yields
    ------
    None

    Raises
    ------
    WorkerLost
        If nobody wants the shot any more.
    """
    from distributed import Semaphore, get_worker  # late: it is an optional extra

    worker = get_worker()
    node = node_of(worker.address)
    most = dict(places).get(node)
    if most is None:
        yield
        return
    leases = Semaphore(max_leases=most, name=f"{topic}-{node}-{most}")
    is_wanted = _wanted(worker)
    while not leases.acquire(timeout=LOOK):
        if not is_wanted():
            raise WorkerLost("nobody waits for it any more")
    try:
        yield
    finally:
        leases.release()


def _wanted(worker: Any) -> Callable[[], bool]:
    """Whether the present task of a worker has not been cancelled."""
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    return is_wanted
