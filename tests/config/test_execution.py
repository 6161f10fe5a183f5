"""Section `execution`: keys that contradict each other are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from fwicli.config.execution import CLUSTERS, ExecutionSection

ADDRESS = "tcp://node1:8786"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"address": ADDRESS}, ["`address` is not for `engine: processes`", "`engine: dask`"]),
        ({"cluster": "slurm"}, ["`cluster` is not for `engine: processes`", "`engine: dask`"]),
        (
            {"engine": "dask", "address": ADDRESS, "cluster": "slurm"},
            ["`address`", "`cluster`", "leave one of them out"],
        ),
        ({"engine": "dask", "jobs": 2}, ["`jobs`", "`cluster`", *CLUSTERS]),
        ({"jobs": 2}, ["`jobs`", "`cluster`", *CLUSTERS]),
        ({"engine": "dask", "cluster": "slurm", "jobs": [3, 2]}, ["must not be above"]),
        ({"engine": "dask", "cluster": "slurm", "jobs": [1, 2, 3]}, ["at most 2 items"]),
        ({"engine": "dask", "address": "node1:8786"}, ["as in tcp://node1:8786"]),
        ({"engine": "dask", "address": "tcp://node1"}, ["as in tcp://node1:8786"]),
    ],
)
def test_contradictions_are_refused(settings: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        ExecutionSection.model_validate(settings)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("jobs", "counts"), [(None, (1, 1)), (4, (4, 4)), ([1, 8], (1, 8)), ([3, 3], (3, 3))]
)
def test_jobs_have_a_least_and_a_most(jobs: object, counts: tuple[int, int]) -> None:
    section = ExecutionSection.model_validate({"engine": "dask", "cluster": "pbs", "jobs": jobs})
    assert section.least_and_most_jobs == counts


def test_a_wrong_address_is_shown_how_to_write_it(tmp_path: Path) -> None:
    from fwicli.config.loader import load
    from fwicli.errors import ConfigError

    config = tmp_path / "model.yaml"
    config.write_text("execution: {engine: dask, address: node1}\n")
    with pytest.raises(ConfigError, match="tcp://"):
        load(config, "model")
