"""The command `fwi`: a group of verbs that are loaded when they are called."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pkgutil import iter_modules
from types import FrameType
from typing import Any, NoReturn

import click

import fwicli.cli as package
from fwicli.cli import display, streams
from fwicli.cli.verb import CONTEXT, VerbCommand


def verbs() -> dict[str, VerbCommand]:
    """Verbs by name: every module beside this one that has a `command`, by rank."""
    modules = (import_module(f"fwicli.cli.{m.name}") for m in iter_modules(package.__path__))
    commands = [getattr(module, "command", None) for module in modules]
    listed = sorted((c for c in commands if isinstance(c, VerbCommand)), key=lambda verb: verb.rank)
    return {str(verb.name): verb for verb in listed}


# Signals that end a run in good order, and what they mean. A batch system announces the end of a
# job's time by one of them: SLURM by that of its option --signal and by SIGTERM, LSF and Grid
# Engine by SIGUSR2, SIGUSR1 or SIGXCPU. Names that a platform lacks are left out.
SIGNALS = {
    "SIGINT": "interrupted",
    "SIGTERM": "terminated",
    "SIGHUP": "the terminal was closed",
    "SIGUSR1": "told by SIGUSR1 that its time ends",
    "SIGUSR2": "told by SIGUSR2 that its time ends",
    "SIGXCPU": "told by SIGXCPU that its time ends",
}


class Stopped(KeyboardInterrupt):
    """A signal that ends a run: handled like Ctrl-C, and with its own exit code."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """128 and the number, as shells have it."""
        return 128 + self.number

    @property
    def meaning(self) -> str:
        """In words."""
        return SIGNALS[self.number.name]


class _Veiled(Exception):  # noqa: N818 - its cause is the error
    """An error that Click must not see."""


@contextmanager
def _veiling() -> Iterator[None]:
    # Click takes the end of a file for an interrupt, and that of a pipe for an end of its own.
    try:
        yield
    except (EOFError, BrokenPipeError) as error:
        raise _Veiled from error


class _Verbs(click.Group):
    """Commands by name; a verb's module is imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in [module.name for module in iter_modules(package.__path__)]:
            return None
        command = getattr(import_module(f"fwicli.cli.{cmd_name}"), "command", None)
        return command if isinstance(command, VerbCommand) else None

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        with _veiling():  # of the help, which is printed here
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: click.Context) -> object:
        with _veiling():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, verb.get_short_help_str(limit=80)) for name, verb in verbs().items()]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], verbs(), n=1)
            if close:
                raise click.UsageError(f"{error.message} Did you mean `fwi {close[0]}`?") from None
            raise


@click.group(cls=_Verbs, context_settings=CONTEXT)
@click.version_option(package_name="fwicli", prog_name="fwi")
def cli() -> None:
    """Seismic modelling, full-waveform inversion and reverse-time migration.

    \b
    A first run:
        fwi init model
        fwi check model.yaml
        fwi model model.yaml -o runs/model
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    # Python drops an exception that is raised in a destructor or a callback of C code; what is
    # pending is raised again at the next progress.
    display.pending = Stopped(signum)
    raise display.pending


def _unraisable(dropped: Any) -> None:
    """Report an exception that Python drops, but for those that will be raised again."""
    if not isinstance(dropped.exc_value, Stopped):
        sys.__unraisablehook__(dropped)


def _ignored(name: str) -> bool:
    """Whether whoever started the command wants a signal ignored, as nohup does."""
    return signal.getsignal(getattr(signal, name)) is signal.SIG_IGN


def _usual_warnings() -> None:
    """Undo PYTHONWARNINGS: with `error`, libraries end at what they would only warn of."""
    if os.environ.pop("PYTHONWARNINGS", None):
        sys.warnoptions.clear()
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", category)
        warnings.simplefilter("ignore", ResourceWarning)


def _leave(code: int) -> NoReturn:
    """End with an exit code."""
    streams.flush()
    sys.exit(code)


def _say(message: str) -> None:
    """Print a line on stderr, if anybody reads it."""
    with suppress(OSError):  # as when the terminal is gone
        click.echo(f"fwi: {message}", err=True)


def _set_up() -> None:
    """Prepare streams, warnings, signals and threads for a command."""
    streams.prepare()
    _usual_warnings()
    sys.unraisablehook = _unraisable
    for name in SIGNALS:
        if hasattr(signal, name) and not _ignored(name):
            signal.signal(getattr(signal, name), _interrupt)
    # One process runs one shot: threads of a numerical library on every core would slow it down.
    # Variables that the user has set stay.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def main() -> None:
    """Run the command line and translate errors into exit codes."""
    from fwicli.errors import FwiError

    _set_up()
    try:
        cli.main(prog_name="fwi", standalone_mode=False)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        _leave(2)
    except click.exceptions.Exit as done:
        _leave(done.exit_code)
    except (click.Abort, KeyboardInterrupt) as interrupt:
        # Click turns the interrupt into an `Abort`, with the original as its cause.
        cause = interrupt.__cause__ or interrupt
        stopped = cause if isinstance(cause, Stopped) else Stopped()
        _say(stopped.meaning)
        _leave(stopped.exit_code)
    except FwiError as error:
        _say(str(error))
        _leave(error.exit_code)
    except _Veiled as veiled:
        if isinstance(veiled.__cause__, BrokenPipeError):  # whoever reads has seen enough
            _leave(0)
        raise
    except OSError as error:
        _say(streams.explanation(error))
        _leave(4)
    except MemoryError as error:
        _say(
            f"the memory there is does not suffice ({error or 'no more is given'}); use fewer "
            f"`execution.workers`, a coarser grid, or a shorter record"
        )
        _leave(4)
    _leave(0)
