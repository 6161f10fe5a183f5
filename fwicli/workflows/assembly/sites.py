"""The user's file of sites: where it is, who may write it, and what a job of a site runs first.

It is `sites.yaml` in the folder `fwi` of the user's settings (`XDG_CONFIG_HOME`, by default
`~/.config`), or what `FWI_SITES` names: one section a site, under its name. Its lines run as
commands of the user's, so that nobody else may be able to write it.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fwicli.config import sites
from fwicli.config.site import SiteSection
from fwicli.config.sites import START
from fwicli.disk import atomic, ownership
from fwicli.errors import ConfigError

VARIABLE = "FWI_SITES"

TEMPLATE = """\
{name}:
  scheduler: {scheduler}
  # queue: {queue}            # by default that of the site
  # account: my-project
  walltime: "12:00:00"        # hours, minutes, seconds; or 2-00:00:00 with days
  notice: 120                 # a run saves and ends so long before [s]
  cores: 8                    # of one node
  # memory: 32                # of one node [GB]
  # modules: [gcc, python]    # loaded first
  # environment: ~/venvs/fwi  # virtual environment with fwi; by default that of the submission
  # setup: []                 # lines of shell that run before fwi
  # scratch: $SCRATCH         # folder of temporary files, as the node names it
  # directives: ["{directive}"]
"""
EXAMPLES = {
    "slurm": ("compute", "--constraint=milan"),
    "pbs": ("workq", "-l place=scatter"),
    "lsf": ("normal", "-R span[hosts=1]"),
    "sge": ("all.q", "-l arch=lx-amd64"),
}


@dataclass(frozen=True)
class Sites:
    """Sites of the user, by name.

    Attributes
    ----------
    file : Path
        It need not be there; then there are no sites.
    sections : mapping of str to SiteSection
    """

    file: Path
    sections: Mapping[str, SiteSection]

    def of(self, name: str) -> SiteSection:
        """The site of a name.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if name in self.sections:
            return self.sections[name]
        if not self.sections:
            raise ConfigError(f"there is no site `{name}`: {self.file} names none; {START}")
        close = difflib.get_close_matches(name, self.sections, n=1)
        raise ConfigError(
            f"there is no site `{name}` in {self.file}; "
            + (f"did you mean `{close[0]}`?" if close else f"it names {', '.join(self.sections)}")
        )


def file_of_sites() -> Path:
    """The user's file of sites, whether it is there or not."""
    stated = os.environ.get(VARIABLE)
    if stated:
        return Path(stated).expanduser()
    # An XDG folder that is no absolute path counts as not set.
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    return (settings if settings.is_absolute() else Path.home() / ".config") / "fwi" / "sites.yaml"


def all_sites() -> Sites:
    """Sites of the user's file.

    Returns
    -------
    sites : Sites
        None where there is no file.

    Raises
    ------
    ProblemsError
        With every problem of the file.
    TrustError
        If another user could have written it.
    ConfigError
        If `FWI_SITES` names no file.
    """
    file = file_of_sites()
    if not os.path.lexists(file):
        if os.environ.get(VARIABLE):
            raise ConfigError(f"{VARIABLE} names {file}, which is not there; {START}")
        return Sites(file, {})
    return Sites(file, _trusted(file))


def _trusted(file: Path) -> dict[str, SiteSection]:
    """Sites of a file that is there, if nobody but this user or root could have written it."""
    if file.is_file():
        ownership.open_trusted(file.resolve()).close()
    return sites.read_sites(file)


def add_site(name: str, scheduler: str) -> Path:
    """Write a commented site at the end of the user's file.

    Parameters
    ----------
    name : str
    scheduler : str
        One of `SCHEDULERS`.

    Returns
    -------
    file : Path

    Raises
    ------
    ConfigError
        If there is a site of that name, or it is no name of a site.
    """
    file = file_of_sites()
    sections = _trusted(file) if os.path.lexists(file) else {}
    if name in sections:
        raise ConfigError(f"{file} has a site `{name}` already; edit it, or choose another name")
    if not sites.is_name(name):
        raise ConfigError(f"`{name}` {sites.NO_NAME}")
    queue, directive = EXAMPLES[scheduler]
    text = TEMPLATE.format(name=name, scheduler=scheduler, queue=queue, directive=directive)
    before = file.read_text(encoding="utf-8") if sections or file.is_file() else ""
    if before:
        before = before if before.endswith("\n") else f"{before}\n"
        before += "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(file.resolve()) as new:
        new.write_text(before + text, encoding="utf-8")
    return file


def prologue(site: SiteSection) -> list[str]:
    """Lines of shell that prepare a job of a site: modules, environment, set-up, scratch.

    Each ends the job, with the reason on stderr, if it fails; the user's own lines do not.
    """
    lines = [
        _or_end(f"module load {shlex.quote(name)}", f"the module {name} is not loaded")
        for name in site.modules
    ]
    if site.environment is not None:
        activate = f"{_path(site.environment)}/bin/activate"
        reason = f"there is no virtual environment in {site.environment}"
        lines.append(_or_end(f". {activate}", reason))
    lines += site.setup
    if site.scratch is not None:
        lines.append(f"export TMPDIR={_path(site.scratch)}")
        reason = f"the folder {site.scratch} for temporary files cannot be made"
        lines.append(_or_end('mkdir -p "$TMPDIR"', reason))
    return lines


def _path(path: str) -> str:
    """A path for a shell, which replaces its variables and a leading `~`."""
    home, rest = ("~/", path[2:]) if path.startswith("~/") else ("", path)
    for character in ("\\", '"', "`"):
        rest = rest.replace(character, f"\\{character}")
    return f'{home}"{rest}"'


def _or_end(command: str, reason: str) -> str:
    """A command that ends the job where it fails, with a reason."""
    message = shlex.quote(f"fwi: on this node {reason}; see `fwi site`")
    return f"{command} || {{ echo {message} >&2; exit 4; }}"
