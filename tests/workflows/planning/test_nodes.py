"""Plans for nodes of a cluster: of any size, without arrays of that size."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import ProblemsError, load
from fwicli.errors import ConfigError
from fwicli.survey import uniform
from fwicli.workflows.planning.costs import transfers
from fwicli.workflows.planning.nodes import Nodes, of_site
from fwicli.workflows.planning.plan import make_plan

# As many points as the Overthrust model of SEG and EAGE.
OVERTHRUST = """\
model: {vp: 3500, shape: [801, 801, 187], spacing: 25}
geometry:
  sources: {x: {start: 500, stop: 19500, count: 20}, y: [2000, 9000], layout: grid, z: 25}
  receivers: {x: {start: 0, stop: 20000, step: 400}, y: 5000, layout: grid, z: 25}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 4}
"""


@pytest.fixture
def overthrust(tmp_path: Path) -> Path:
    path = tmp_path / "overthrust.yaml"
    path.write_text(OVERTHRUST)
    return path


def test_large_models_take_no_memory(overthrust: Path) -> None:
    """120 million points are nearly 1 GB in double precision."""
    tracemalloc.start()
    plan = make_plan(load(overthrust), Nodes(16, 64, 256e9))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    assert plan.model.fastest == 3500
    assert plan.memory > 5e9
    assert plan.total.nbytes < 0.81 * 256e9


def test_less_memory_has_room_for_fewer_workers(overthrust: Path) -> None:
    loaded = load(overthrust)
    plenty, little = (make_plan(loaded, Nodes(2, 16, memory)) for memory in (1e12, 60e9))
    assert (plenty.per_node, plenty.workers) == (16, 32)
    assert 1 <= little.per_node < 16
    assert little.total.nbytes < 60e9
    assert any("execution.threads" in warning for warning in little.warnings)
    with pytest.raises(ProblemsError, match="one shot of"):
        make_plan(loaded, Nodes(2, 16, 2e9))


def test_histories_fit_the_nodes(survey: Path) -> None:
    """The same inversion keeps less where a node has less memory."""
    loaded = load(survey / "invert.yaml")
    plenty, little = (make_plan(loaded, Nodes(1, 4, memory)) for memory in (64e9, 0.4e9))
    assert plenty.stages[-1].history.kind == "stored"
    assert little.total.nbytes < 0.4e9
    assert little.memory < plenty.memory or little.per_node < plenty.per_node


def test_jobs_and_node_hours() -> None:
    nodes = Nodes(4, 64, 256e9, walltime=3600.0)
    assert transfers.jobs(nodes, 9000.0) == {"jobs": 3, "node_hours": 10.0}
    assert transfers.jobs(Nodes(4, 64, 256e9), 9000.0) == {"node_hours": 10.0}


def test_nodes_are_those_of_the_site(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line comes first; without either, the message says what to type."""
    file = survey / "sites.yaml"
    file.write_text("big: {scheduler: slurm, cores: 48, memory: 180, walltime: '10:00:00'}\n")
    file.chmod(0o600)
    monkeypatch.setenv("FWI_SITES", str(file))
    section = load(survey / "invert.yaml", settings=["execution.site=big"]).config.execution
    nodes = of_site(section, 4, None, None)
    assert (nodes.count, nodes.cores, nodes.memory) == (4, 48, 180e9)
    assert nodes.walltime == 36000 - 120
    assert of_site(section, 4, 8, None).cores == 8
    with pytest.raises(ConfigError, match=r"--cores N.*--memory GB"):
        of_site(load(survey / "invert.yaml").config.execution, 4, None, None)


def test_memory_is_that_of_a_node(overthrust: Path) -> None:
    """The words say so; that of all workers of one machine is left out."""
    arguments = ["check", str(overthrust), "--nodes", "16", "--cores", "64", "--memory", "256"]
    outcome = CliRunner().invoke(cli, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert "memory of a node with libraries" in outcome.output
    assert "memory of all workers" not in outcome.output


def test_options_that_would_be_ignored_are_refused(survey: Path) -> None:
    for more in (["--cores", "4"], ["--grid-error"], ["--calibrate", "--shot", "1"], ["--stage=1"]):
        outcome = CliRunner().invoke(cli, ["check", str(survey / "invert.yaml"), *more])
        assert outcome.exit_code == 2, outcome.output


def test_one_number_for_all_points() -> None:
    values = uniform.uniform(3.0, (1000, 1000, 1000))
    assert uniform.is_uniform(values)
    assert uniform.distinct(values).shape == (1, 1, 1)
    assert uniform.is_uniform(uniform.pointwise(np.sqrt, values))
    assert uniform.pointwise(np.sqrt, values)[5, 5, 5] == np.sqrt(3.0)
    assert not uniform.is_uniform(np.zeros((3, 3)))
    full = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal(uniform.pointwise(np.square, full), full**2)
