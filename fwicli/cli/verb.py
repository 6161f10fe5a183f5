"""A verb of the command line: its place in `fwi --help`, its examples and its exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

EXIT_CODES = {
    0: "done",
    1: "an error in the program, with its traceback",
    2: "wrong command line or config; every problem is named with its place",
    3: "a valid config, but impossible physics or data",
    4: "a worker, disk or machine failed; --resume continues the run",
    130: "interrupted by Ctrl-C; by another signal, 128 and its number",
}
# Settings of every context. Click remembers a command's option of help from its first call, so that
# a verb must not have it from the group that called it.
CONTEXT = {"help_option_names": ["-h", "--help"]}
# Of a verb that reads a config and runs nothing.
READS = {code: EXIT_CODES[code] for code in (0, 1, 2, 3)}


class VerbCommand(click.Command):
    """A command whose help ends with examples and exit codes.

    Parameters
    ----------
    rank : int
        Verbs are listed in the order of their ranks.
    examples : sequence of str
        Command lines without `fwi`; tests parse them.
    exit_codes : mapping of int to str
        Meanings by number.
    """

    def __init__(
        self,
        *arguments: Any,
        rank: int = 1000,
        examples: Sequence[str] = (),
        exit_codes: Mapping[int, str] = EXIT_CODES,
        **settings: Any,
    ) -> None:
        settings["context_settings"] = CONTEXT | settings.get("context_settings", {})
        super().__init__(*arguments, **settings)
        self.rank, self.examples = rank, tuple(examples)
        self.exit_codes = exit_codes

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write examples and exit codes.

        Parameters
        ----------
        _context : click.Context
        formatter : click.HelpFormatter
        """
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}fwi {example}\n")
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in self.exit_codes.items()])
