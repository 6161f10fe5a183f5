"""The place of an exchange: a folder in that of the run, who leads it, and how it ended."""

from __future__ import annotations

import errno
import pickle
import secrets
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fwicli.disk import beacons
from fwicli.disk.beacons import Beacon
from fwicli.execution.exchange import calls, parcels

EXCHANGE = "exchange"
# Longest time between two looks into the folder [s].
POLL = 1.0
# Times that a folder must be missing before it counts as removed: it may not be shown yet.
MISSING = 5


class Deposed(Exception):  # noqa: N818 - it is no error of the run
    """Another process leads: this one was taken for dead."""


@dataclass(frozen=True)
class ForeignError:
    """An error in another process.

    Attributes
    ----------
    error : Exception
    trace : str
        Its traceback, formatted.
    host : str
        Where it was raised.
    """

    error: Exception
    trace: str
    host: str

    @classmethod
    def of(cls, error: Exception) -> ForeignError:
        """From an error that is being handled; one that cannot be pickled becomes its text."""
        trace = "".join(traceback.format_exception(error))
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return cls(error, trace, str(beacons.here()["host"]))

    def raised(self) -> Exception:
        """The error, with its traceback as the cause."""
        self.error.__cause__ = RuntimeError(f"on {self.host}\n{self.trace}")
        return self.error


@dataclass(frozen=True)
class End:
    """How a run has ended.

    Attributes
    ----------
    fault : ForeignError or None
        None if it is complete.
    mark : str
        Tells this end from those of other attempts at the run.
    """

    fault: ForeignError | None = None
    mark: str = field(default_factory=lambda: secrets.token_hex(8))


class Rest:
    """Pauses between looks into the folder, which become longer."""

    def __init__(self) -> None:
        self._seconds = POLL / 32

    def pause(self) -> None:
        """Wait."""
        time.sleep(self._seconds)
        self._seconds = min(POLL, 2 * self._seconds)


class Place:
    """An exchange, as one of its processes sees it.

    Parameters
    ----------
    run : Path
        Folder of the run.
    description : mapping
        Of this process, as JSON; it must have the entry "group".
    check : callable
        Takes the description of the process that leads, and raises an error if this one is no
        member of its group.

    Attributes
    ----------
    term : int
        Number of the claim of the process that leads.
    """

    def __init__(
        self,
        run: Path,
        description: Mapping[str, Any],
        check: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.run, self.folder = run, run / EXCHANGE
        self.term = 0
        self._description = {**beacons.here(), **description}
        self._check = check
        self._watch: beacons.BeaconWatch | None = None
        self._claim: Beacon | None = None
        self._member: Beacon | None = None
        self._missing = self._calls = 0
        earlier = self._end()
        self._earlier = "" if earlier is None else earlier.mark

    @property
    def beacon(self) -> str:
        """Name of the sign of life of this process, in the folder of the run."""
        beacon = self._claim or self._member
        return "" if beacon is None else str(beacon.path.relative_to(self.run))

    def join(self) -> None:
        """Show that this process is a member."""
        if self._member is not None and not self._member.holds():
            self.leave()  # its file was removed with an exchange that has ended
        while self._member is None:
            self.folder.mkdir(exist_ok=True)
            path = self.folder / f"member-{secrets.token_hex(6)}"
            with suppress(FileNotFoundError):  # the exchange has just ended
                self._member = Beacon.light(path, self._description)

    def may_lead(self) -> bool:
        """Whether no process leads.

        Raises
        ------
        FwiError
            If this process is no member of the group of the one that leads.
        """
        if self._missing:
            return False
        number = beacons.latest_claim(self.run)
        if number != self.term or self._watch is None:
            path = beacons.claim_path(self.run, number)
            sign = beacons.read(path) if number else None
            if sign is not None and not sign.has_left:
                self._check(sign.description)
            self.term, self._watch = number, beacons.BeaconWatch(path)
        return number == 0 or self._watch.is_silent()

    def lead(self) -> bool:
        """Try to lead, in place of a process that is silent; returns whether this one does."""
        number = self.term + 1
        claim = Beacon.light(beacons.claim_path(self.run, number), self._description)
        self._watch = None
        if claim is None:
            return False
        self.term, self._claim = number, claim
        (self.folder / "ended").unlink(missing_ok=True)
        calls.remove(self.folder)
        return True

    def check_lead(self) -> None:
        """Make sure that this process leads.

        Raises
        ------
        Deposed
            If another one leads.
        """
        following = beacons.claim_path(self.run, self.term + 1)
        if self._claim is None or not self._claim.holds() or following.exists():
            self.step_down()
            raise Deposed(f"the claim {self.term} no longer holds")

    def next_call(self) -> str:
        """Numbers of term and call of the next call; none is used twice."""
        self._calls += 1
        return f"{self.term:06d}-{self._calls:06d}"

    def step_down(self) -> None:
        """Lead no longer; another process may do so at once."""
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.leave()

    def ended(self) -> End | None:
        """How the run has ended; None as long as it goes on.

        An error from before this process began is none of this attempt: its leader was killed.
        """
        end = self._end()
        if end is not None and (end.fault is None or end.mark != self._earlier):
            return end
        # The leader removes the folder once the run is complete.
        self._missing = 0 if self.folder.is_dir() else self._missing + 1
        return End() if self._missing >= MISSING else None

    def end(self, end: End) -> None:
        """Tell the members how the run has ended, wait until they have left, and clean up.

        Parameters
        ----------
        end : End
        """
        self.check_lead()
        parcels.write(self.folder / "ended", end)
        self.leave()
        # Without the folder, members take the run for complete.
        until = time.monotonic() + (beacons.PATIENCE if end.fault else MISSING * POLL)
        while time.monotonic() < until and self._members():
            time.sleep(min(POLL, beacons.PATIENCE / 20))
        clear(self.folder)
        beacons.remove_claims(self.run, self.term)
        self.step_down()

    def leave(self) -> None:
        """Show that this process is no longer a member."""
        member, self._member = self._member, None
        if member is not None:
            # The file stays: others learn from it at once that nobody works on its blocks.
            member.leave()

    def _end(self) -> End | None:
        content = parcels.read(self.folder / "ended")
        return None if content is None else content[0]

    def _members(self) -> bool:
        """Whether members have not left yet."""
        with suppress(OSError):
            members = [path for path in self.folder.iterdir() if path.name.startswith("member-")]
            signs = [beacons.read(path) for path in members]
            return any(sign is not None and not sign.has_left for sign in signs)
        return False


def is_own(folder: Path) -> bool:
    """Whether a folder holds nothing but files of an exchange."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(calls.OWN.fullmatch(path.name) for path in folder.iterdir())


def clear(folder: Path) -> None:
    """Remove the files of an exchange, and its folder if nothing else is in it."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for _ in range(MISSING):
        for path in folder.iterdir():
            if calls.OWN.fullmatch(path.name):
                path.unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError as error:
            # A member may have written a late result meanwhile.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                return
            time.sleep(POLL / 32)
        else:
            return
