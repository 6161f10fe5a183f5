"""Bits of one inversion by every engine, also where something ends it on the way.

    python benchmarks/engines.py [--engines NAME]... [--events NAME]... [--json FILE]

An inversion of 16 shots in two stages runs by processes of this machine, by the workers of a Dask
scheduler, by workers in jobs of SLURM, by the tasks of one step of SLURM, and by the jobs of an
array through files; with 1, 2 and 3 workers each. With 2 workers, a worker is killed, the job is
requeued, the walltime signal comes, or the run is killed; of an array, also the job that leads. The
run goes on by itself, or is continued. Its final model and its misfits are compared with those of
an inversion by processes that nothing has ended, bit for bit. It needs `fwicli[cluster]`, and a
SLURM that `SLURM_CONF` names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from engine_runs import Array, Run, command, is_same, none, prepare, scheduler, wait

ENGINES = ("processes", "address", "jobs", "step", "files")


def in_a_job(run: Run) -> bool:
    """Whether the batch system ends the run itself, rather than workers of it."""
    return run.engine in ("processes", "address", "files")


def worker(run: Run) -> None:
    """A worker is killed; the run goes on."""
    run.start()
    run.advance()
    run.worker().kill()


def leader(run: Run) -> None:
    """The process that leads is killed; another one leads."""
    run.start()
    run.advance()
    run.client().kill()


def requeue(run: Run) -> None:
    """The job is requeued, as by an administrator; it goes on by itself."""
    run.submit() if in_a_job(run) else run.start()
    run.advance()
    jobs = {"jobs": run.worker_jobs, "files": lambda: [f"{run.job}_1"]}.get(run.engine)
    command("scontrol", "requeue", jobs()[0] if jobs else run.job, folder=run.folder)
    if jobs is None:
        wait(lambda: run.state() != "RUNNING", "the requeue")


def walltime(run: Run) -> None:
    """The signal before the walltime comes; the job goes on by itself, or the run is continued."""
    if in_a_job(run):
        run.submit()
        run.advance()
        command("scancel", "--signal=USR1", "--batch", run.job, folder=run.folder)
        return
    run.start()
    run.advance()
    if run.engine == "jobs":
        run.client().send_signal(signal.SIGUSR1)
    else:
        command("scancel", "--signal=USR1", f"{run.job}.0", folder=run.folder)
    run.wait()
    unfinished(run)
    run.start()


def client(run: Run) -> None:
    """The run is killed, and continued."""
    run.start()
    run.advance()
    if run.engine == "files":
        command("scancel", run.job, folder=run.folder)
    else:
        run.client().kill()
    run.wait()
    unfinished(run)
    run.start()


def unfinished(run: Run) -> None:
    """Check that an event has come in time."""
    if run.is_done():
        raise click.ClickException("the run was done before anything could end it")


# What may happen to a run.
EVENTS = {
    "worker": worker,
    "leader": leader,
    "requeue": requeue,
    "walltime": walltime,
    "client": client,
}


def events(engine: str) -> list[str]:
    """What may happen to a run by an engine; only jobs of an array have a leader among them."""
    return [name for name in EVENTS if engine == "files" or name != "leader"]


def measured(
    survey: Path, folder: Path, engine: str, workers: int, event: str | None
) -> dict[str, Any]:
    """Run an inversion, and compare its model."""
    began = time.perf_counter()
    # Jobs are told of sites by the environment.
    os.environ["FWI_SITES"] = str(survey / "sites.yaml")
    with scheduler(folder, workers) if engine == "address" else none() as address:
        kind = Array if engine == "files" else Run
        run = kind(survey, folder, engine, workers, address)
        try:
            EVENTS[event](run) if event else run.start()
            output = run.wait()
            run.check(event in ("worker", "leader", "requeue", "walltime"))
        finally:
            run.end()
    if not run.is_done():
        raise click.ClickException(f"{engine}, {event}: it has not ended well: {output}")
    return {
        "engine": engine,
        "workers": workers,
        "event": event or "none",
        "same": is_same(run.run, survey / "whole"),
        "seconds": round(time.perf_counter() - began, 1),
    }


@click.command()
@click.option("--engines", type=click.Choice(ENGINES), multiple=True, default=ENGINES)
@click.option("--events", "names", type=click.Choice(("none", *EVENTS)), multiple=True)
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(engines: tuple[str, ...], names: tuple[str, ...], file: Path | None) -> None:
    """Print a row for each engine."""
    columns = [(n, None) for n in (1, 2, 3)] + [(2, event) for event in EVENTS]
    chosen = [c for c in columns if not names or (c[1] or "none") in names]
    rows = []
    click.echo("| engine | " + " | ".join(event or f"{n} workers" for n, event in chosen) + " |")
    click.echo("| --- |" + " --- |" * len(chosen))
    with tempfile.TemporaryDirectory() as temporary:
        survey = Path(temporary).resolve()
        prepare(survey)
        for engine in engines:
            cells = []
            for count, event in chosen:
                if event is not None and event not in events(engine):
                    cells.append("")
                    continue
                folder = survey / f"{engine}-{count}-{event}"
                folder.mkdir()
                rows.append(measured(survey, folder, engine, count, event))
                cells.append("same" if rows[-1]["same"] else "OTHER")
            click.echo(f"| {engine} | " + " | ".join(cells) + " |")
    if file:
        file.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    different = sum(not row["same"] for row in rows)
    click.echo(f"{len(rows)} inversions: {different} with other bits")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
