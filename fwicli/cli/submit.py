"""`fwi submit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand

if TYPE_CHECKING:
    from fwicli.config.loader import Loaded


@click.command(
    "submit",
    cls=VerbCommand,
    rank=85,
    short_help="Submit a run as a batch job that goes on until it is done.",
    help=(
        "Check CONFIG, and submit its run as a batch job of a site (see `fwi site`).\n\n"
        "The job checks its node, runs with --resume, and writes to job.log in the folder of the "
        "run. Before its walltime ends, the run saves and the job is requeued, until the run is "
        "done, or three attempts in a row add nothing to it."
    ),
    examples=(
        "submit invert.yaml -o runs/first --site tiger",
        "submit invert.yaml -n",
        "submit model.yaml -o runs/records --array 20",
        "submit invert.yaml -o runs/first --resume",
        "submit invert.yaml -o runs/second --from runs/first@12",
    ),
    exit_codes={
        **{code: EXIT_CODES[code] for code in (0, 1, 2, 3)},
        0: "submitted",
        4: "the batch system does not take the job, or a disk failed",
    },
)
@options.config
@options.kind
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; by default `output` of the config, or runs/NAME.",
)
@click.option(
    "--site",
    metavar="NAME",
    help="Site; by default `execution.site` of the config, or the only one.",
)
@click.option(
    "--array",
    "members",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Share the shots among N jobs of an array.",
)
@options.start
@click.option("-n", "--dry-run", is_flag=True, help="Print the script; submit nothing.")
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@click.option("--force", is_flag=True, help="Overwrite a run.")
@options.settings
@options.as_json
def command(
    config: Path, kind: str | None, folder: Path | None, site: str | None, **chosen: Any
) -> None:
    """Submit a run, or print its script.

    Parameters
    ----------
    config : Path
    kind : str, optional
        Command that the config is for; by default that of its sections.
    folder : Path, optional
        Of the run.
    site : str, optional
        Name of the site.
    **chosen
        Jobs of an array; iterate of another run to begin from; whether the script is printed
        alone, a run is continued or overwritten, the result is JSON; `a.b=c` of the command line.
    """
    from fwicli.config.loader import load
    from fwicli.workflows.batch import array
    from fwicli.workflows.batch.submission import prepare

    if chosen["resume"] and chosen["force"]:
        raise click.UsageError("--resume continues a run and --force overwrites it; choose one")
    settings, members = chosen["settings"], chosen["members"]
    loaded = load(config, kind, settings)
    if members > 1 and (more := array.settings(loaded)):
        loaded = load(config, kind, (*settings, *more))
    folder = folder or loaded.config.output or Path("runs") / config.stem
    if chosen["start"] is not None:
        loaded = _branch(loaded, folder, chosen["start"], chosen["resume"])
    prepared = prepare(loaded, folder, site, members)
    for warning in prepared.warnings:
        click.echo(f"warning: {warning}", err=True)
    if chosen["dry_run"]:
        values = {"site": prepared.record.site, "script": prepared.script}
        text = f"{json.dumps(values, indent=2)}\n" if chosen["as_json"] else prepared.script
        click.echo(text, nl=False)
        return
    record = prepared.submit(chosen["resume"], chosen["force"])
    values = {
        "job": record.job,
        "site": f"{record.site} ({record.scheduler})",
        "folder": str(folder),
        "script": str(prepared.folder / "job.sh"),
        "log": str(prepared.folder / ("job.log" if members == 1 else "job_N.log")),
    }
    display.summary(values, chosen["as_json"])


def _branch(loaded: Loaded, folder: Path, start: str, resume: bool) -> Loaded:
    """The config of a branch; commands other than `fwi invert` have none."""
    from fwicli.workflows.inversion import branches

    if loaded.kind != "invert":
        raise click.UsageError(
            f"--from begins an inversion, and this config is one of `fwi {loaded.kind}`; leave it "
            f"out, or name the model in the section `model`"
        )
    return branches.begin(loaded, folder, start, resume)
