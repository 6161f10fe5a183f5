"""Section `execution`: the workers that shots run on."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from fwicli.config.values import Count, OneOf, Positive, Section
from fwicli.config.values import kind as _kind

Cluster = Literal["slurm", "pbs", "lsf", "sge"]
CLUSTERS: tuple[str, ...] = get_args(Cluster)


def _least_first(value: list[int]) -> list[int]:
    if value[0] > value[1]:
        raise ValueError("the first of the two must not be above the second")
    return value


Jobs = Annotated[
    Annotated[Count, Tag("number")]
    | Annotated[
        Annotated[list[Count], Field(min_length=2, max_length=2), AfterValidator(_least_first)],
        Tag("list"),
    ],
    Discriminator(_kind),
]


def _is_address(value: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", value):
        raise ValueError("must be written as PROTOCOL://HOST:PORT, as in tcp://node1:8786")
    return value


Address = Annotated[str, AfterValidator(_is_address)]


class ExecutionSection(Section):
    """Workers that shots run on, one shot each, and threads of one shot."""

    engine: Literal["processes", "dask", "files"] = "processes"
    """Shots run in processes of this machine, on workers of Dask, or in the jobs of an array
    that share the folder of an inversion."""
    workers: Annotated[
        Annotated[Count, Tag("number")]
        | Annotated[str, OneOf(("auto",), " or a whole number"), Tag("text")],
        Discriminator(_kind),
    ] = "auto"
    """Shots run in this number of processes, on this machine or in each job; `auto` takes one for
    each core."""
    threads: Count = 1
    """One shot runs on this number of threads."""
    memory: Positive | None = None
    """All processes of a machine together take at most this memory; by default 80 % of this
    machine's [GB]."""
    address: Address | None = None
    """Shots run on the workers of the Dask scheduler at this address, as in tcp://node1:8786."""
    cluster: Cluster | None = None
    """The run submits jobs with workers of Dask to this batch system."""
    site: str | None = None
    """Jobs have the settings of the site of this name in the user's file of sites."""
    jobs: Jobs | None = None
    """This number of jobs holds the workers; two numbers are the least and the most."""

    @model_validator(mode="after")
    def _agree(self) -> ExecutionSection:
        for name in ("address", "cluster"):
            if getattr(self, name) is not None and self.engine != "dask":
                raise ValueError(
                    f"`{name}` is not for `engine: {self.engine}`; set `engine: dask`, or leave "
                    f"`{name}` out"
                )
        if self.address is not None and self.cluster is not None:
            raise ValueError(
                "`address` names a scheduler that runs already, and `cluster` starts one; leave "
                "one of them out"
            )
        if self.jobs is not None and self.cluster is None:
            raise ValueError(
                f"`jobs` counts the jobs of a batch system, and none is named; leave `jobs` out, "
                f"or set `engine: dask` and `cluster`, one of: {', '.join(CLUSTERS)}"
            )
        return self

    @property
    def least_and_most_jobs(self) -> tuple[int, int]:
        """Jobs between which their number follows the shots that wait."""
        jobs = self.jobs or 1
        return (jobs, jobs) if isinstance(jobs, int) else (jobs[0], jobs[1])
