"""The SLURM of the tests runs jobs, and runs them again."""

from __future__ import annotations

from pathlib import Path

from tests.slurm import Slurm


def test_job_runs_and_is_requeued(slurm: Slurm, tmp_path: Path) -> None:
    """A job that requeues itself once is started twice, with the count of its restarts."""
    script = tmp_path / "job.sh"
    script.write_text(
        "#!/bin/sh\n"
        f"echo run ${{SLURM_RESTART_COUNT:-0}} >> {tmp_path}/runs.txt\n"
        '[ -n "$SLURM_RESTART_COUNT" ] || scontrol requeue $SLURM_JOB_ID\n'
        '[ -n "$SLURM_RESTART_COUNT" ] || sleep 60\n'
    )
    job = slurm.run("sbatch", "--parsable", "--requeue", "-n1", "-o", tmp_path / "log", script)
    assert slurm.wait(job) == "COMPLETED"
    assert (tmp_path / "runs.txt").read_text() == "run 0\nrun 1\n"
    assert slurm.field(job, "Restarts") == "1"
