"""`fwi site`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand

if TYPE_CHECKING:
    from fwicli.workflows.assembly.sites import Sites

SCHEDULERS = ("slurm", "pbs", "lsf", "sge")


@click.command(
    "site",
    cls=VerbCommand,
    rank=83,
    short_help="List, describe and test the clusters that jobs are submitted to.",
    help=(
        "List the sites of your file of sites, or show the one named.\n\n"
        "`fwi site init NAME` adds a commented site to the file. `fwi site check NAME` submits a "
        "small job that tests the site: Python, version of fwi, compiler, a kernel, scratch, the "
        "folder of runs, cores and memory. The file is ~/.config/fwi/sites.yaml, or what FWI_SITES "
        "names."
    ),
    examples=(
        "site",
        "site tiger",
        "site init tiger --scheduler slurm",
        "site check tiger",
        "site check tiger -o /scratch/me/check --wait 3600",
    ),
    exit_codes={
        0: EXIT_CODES[0],
        1: EXIT_CODES[1],
        2: "wrong command line or file of sites",
        4: "the batch system fails, or something is wrong with the site",
    },
)
@click.argument("words", nargs=-1, metavar="[init|check] [NAME]")
@click.option(
    "--scheduler",
    type=click.Choice(SCHEDULERS),
    help="Batch system of a new site; by default slurm.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="New folder of the job that checks; by default runs/check-NAME.",
)
@click.option(
    "--wait",
    type=click.IntRange(min=1),
    default=None,
    metavar="SECONDS",
    help="How long the job that checks may wait and run; by default 900.",
)
@click.option("--here", is_flag=True, help="Check this machine, and submit no job.")
@options.as_json
def command(words: tuple[str, ...], scheduler: str | None, as_json: bool, **checking: Any) -> None:
    """List, show, add or check sites.

    Parameters
    ----------
    words : tuple of str
        Action, and the name of a site.
    scheduler : str, optional
        Batch system of a new site.
    as_json : bool
    **checking
        Folder and patience of a check, and whether it is of this machine.
    """
    from fwicli.workflows.assembly import sites

    action, names = (words[0], words[1:]) if words[:1] in (("init",), ("check",)) else ("", words)
    if action != "check" and any(checking.values()):
        raise click.UsageError("-o, --wait and --here belong to `fwi site check NAME`")
    if action != "init" and scheduler is not None:
        raise click.UsageError("--scheduler belongs to `fwi site init NAME`")
    if len(names) > 1 or (action == "init" and not names):
        raise click.UsageError("name one site, as in `fwi site init NAME`")
    if action == "init":
        file = sites.add_site(names[0], scheduler or "slurm")
        click.echo(f"added {names[0]} to {file}; edit it, then: fwi site check {names[0]}")
    elif action == "check":
        _check(names[0] if names else None, as_json, **checking)
    elif names:
        _show(sites.all_sites(), names[0], as_json)
    else:
        _list(sites.all_sites(), as_json)


def _list(listed: Sites, as_json: bool) -> None:
    """Print all sites."""
    if as_json:
        values = {name: site.model_dump() for name, site in listed.sections.items()}
        click.echo(json.dumps({"file": str(listed.file), "sites": values}, indent=2))
        return
    click.echo(f"sites in {listed.file}:" if listed.sections else f"no sites in {listed.file}")
    width = max(map(len, listed.sections), default=0)
    for name, site in listed.sections.items():
        queue = "" if site.queue is None else f", queue {site.queue}"
        cores = f"{site.cores} core{'' if site.cores == 1 else 's'}"
        click.echo(f"  {name:<{width}}  {site.scheduler}{queue}, {cores}, {site.walltime}")
    if not listed.sections:
        click.echo("`fwi site init NAME` writes a site to start from")


def _show(listed: Sites, name: str, as_json: bool) -> None:
    """Print a site."""
    values = listed.of(name).model_dump()
    if as_json:
        click.echo(json.dumps({"name": name, "file": str(listed.file), **values}, indent=2))
        return
    width = max(map(len, values))
    click.echo(f"{name}, in {listed.file}:")
    for key, value in values.items():
        lines = value if isinstance(value, list) else [value]
        texts = [str(line) for line in lines if line is not None] or ["-"]
        unit = {"notice": " s", "memory": " GB"}.get(key, "") if value is not None else ""
        for number, text in enumerate(texts):
            click.echo(f"  {'' if number else key:<{width}}  {text}{unit}")


def _check(
    name: str | None, as_json: bool, folder: Path | None, wait: int | None, here: bool
) -> None:
    """Check a site by a job, or this machine, and print what is wrong."""
    from fwicli.workflows.batch import site_check, submission

    if here and name is None:
        if folder is None:
            raise click.UsageError("name a site, as in `fwi site check NAME --here`")
        raise click.exceptions.Exit(0 if site_check.report(folder) else 4)
    name, site = submission.chosen_site(name)
    if here:
        findings = site_check.here(name, site, folder or Path())
    else:
        progress = display.progress()
        try:
            with display.interrupts():
                folder = folder or Path("runs") / f"check-{name}"
                findings = site_check.check(name, site, folder, float(wait or 900), progress)
        finally:
            progress.stop()
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding['name']:<12}  {finding['value']}")
    wrong = [
        f"{finding['name']}: {finding['problem']}" for finding in findings if finding["problem"]
    ]
    for problem in wrong:
        click.echo(f"wrong: {problem}", err=True)
    if wrong:
        raise click.exceptions.Exit(4)
    if not as_json:
        click.echo(f"{name} is ready: fwi submit CONFIG --site {name}")
