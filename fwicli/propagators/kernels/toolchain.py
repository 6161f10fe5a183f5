"""The C compiler: which one, with which flags, and what went wrong.

The compiler is that of CC, else gcc. Of CFLAGS and LDFLAGS it gets those which say where files
are; those which change the arithmetic or the speed of kernels belong to other programs, as do the
flags that conda sets. Nothing is written in a folder that processes share.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from fwicli.disk import cache
from fwicli.errors import CompilerError
from fwicli.propagators.kernels import library, workplace

# Flags that say where something is, alone or with the place as the next word.
PLACES = ("-I", "-L", "-B", "-F", "-isystem", "-isysroot", "-Wl,", "--sysroot", "--gcc-toolchain")
TWO_WORDS = ("-I", "-L", "-B", "-F", "-isystem", "-isysroot", "--sysroot")
# Room that compiling takes, at most [bytes].
ROOM = 32e6
# Compilers that have worked in this process, each with the folders that it was looked for in, and
# worked in.
WORKING: set[tuple[Compiler | str | None, ...]] = set()
# A source that shows whether a compiler works, without a kernel.
TRIAL_FLAGS = ("-O3", "-fPIC", "-std=c99", "-ffast-math", "-shared", "-fopenmp"), ("-lm",)
TRIAL = """
#include <math.h>
#include <omp.h>
int trial(double x) { return omp_get_max_threads() + (int)sqrt(x); }
"""


@dataclass(frozen=True)
class Compiler:
    """A compiler as the environment has it.

    Attributes
    ----------
    command : tuple of str
        The program and its first arguments.
    origin : str
        Where it comes from, in words.
    flags : tuple of str
        Flags before the source, with the user's paths.
    libraries : tuple of str
        Flags after the source.
    ignored : tuple of str
        Flags of the user's that are left out.
    """

    command: tuple[str, ...]
    origin: str
    flags: tuple[str, ...]
    libraries: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def named(self) -> str:
        """The compiler and the variables that it comes from, in words."""
        return f"the C compiler `{shlex.join(self.command)}` ({self.origin})"

    def __str__(self) -> str:
        return shlex.join([*self.command, *self.flags, *self.libraries])


def compiler(trial: bool = False) -> Compiler:
    """The compiler that the environment asks for.

    Parameters
    ----------
    trial : bool
        Whether it is only tried, with flags that any should understand.

    Raises
    ------
    CompilerError
        If a variable cannot be taken apart.
    """
    command, cflags, ldflags = _words("CC"), _words("CFLAGS"), _words("LDFLAGS")
    used, ignored = _paths(cflags + ldflags)
    variables = {"CC": command, "CFLAGS": _paths(cflags)[0], "LDFLAGS": _paths(ldflags)[0]}
    named = [name for name, words in variables.items() if words]
    flags, libraries = TRIAL_FLAGS if trial else _flags()
    return Compiler(
        tuple(command or ["gcc"]),
        f"from {' and '.join(named)}" if named else "CC is not set",
        (*flags, *used),
        libraries,
        tuple(ignored),
    )


def _words(name: str) -> list[str]:
    """A variable, taken apart as a shell does."""
    text = os.environ.get(name, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise CompilerError(
            f"cannot take {name}={text!r} apart ({error}); close the quotation, or unset {name}"
        ) from None


def _paths(flags: list[str]) -> tuple[list[str], list[str]]:
    """Flags that say where files are, and the others."""
    places: list[str] = []
    ignored: list[str] = []
    words = iter(flags)
    for word in words:
        if not word.startswith(PLACES):
            ignored.append(word)
        elif word in TWO_WORDS:
            place = next(words, None)
            places += [] if place is None else [word, place]
        else:
            places.append(word)
    return places, ignored


@functools.cache
def _flags() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags for this processor, kept beside the kernels: Devito is not imported to find them."""
    known_by = [
        metadata.version("devito"),
        platform.python_version(),
        processor(),
        str(version(("gcc",))),
        shutil.which("gcc") or "",
    ]
    entry = f"{hashlib.sha256(chr(0).join(known_by).encode()).hexdigest()[:32]}.flags"
    if (earlier := cache.read(entry)) is not None:
        flags, libraries = json.loads(earlier)
        return tuple(flags), tuple(libraries)
    flags, libraries = _devito_flags()
    places = cache.places()
    if places.writable and not places.refused:  # who writes a kernel tells why it cannot
        cache.write(entry, json.dumps([flags, libraries]).encode())
    return flags, libraries


def _devito_flags() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags for this processor, as Devito has them for an environment without variables.

    Without those for a debugger, which would look for a source that is gone: they take a seventh of
    the time, and a third of the library, and change no instruction.
    """
    from devito import configuration  # late: only where the flags are not on disk
    from devito.arch.compiler import CustomCompiler

    hidden = {n: os.environ.pop(n) for n in ("CC", "CFLAGS", "LDFLAGS") if n in os.environ}
    try:
        compiler = CustomCompiler(
            name="custom", platform=configuration["platform"], language="openmp", mpi=False
        )
    finally:
        os.environ.update(hidden)
    # Where there is no gcc, Devito does not know whether it would understand this.
    openmp = () if "-fopenmp" in compiler.ldflags else ("-fopenmp",)
    libraries = [f"-l{name}" for name in compiler.libraries]
    flags = (flag for flag in compiler.cflags if flag != "-g")
    return (*flags, *compiler.ldflags, *openmp), tuple(libraries)


def processor() -> str:
    """Instruction set of this machine: kernels are compiled for it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return line
    return platform.processor()


@functools.cache
def version(command: tuple[str, ...]) -> str | None:
    """First line of a compiler's version message; None if there is no such compiler."""
    with suppress(OSError):
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=False, errors="replace"
        )
        if done.returncode == 0:
            return (done.stdout.splitlines() or [""])[0]
    return None


def compiled(code: str, trial: bool = False) -> bytes:
    """The shared library of a program in C.

    Parameters
    ----------
    code : str
    trial : bool
        Whether the program only shows that the compiler works.

    Returns
    -------
    bytes

    Raises
    ------
    CompilerError
        If there is no compiler, or it fails: with its name, where it comes from, and its own words.
    """
    chosen = compiler(trial)
    with _workplace() as place:
        source, result = place / "kernel.c", place / "kernel.so"
        command = [*chosen.command, *chosen.flags, str(source), *chosen.libraries]
        try:
            source.write_text(code, encoding="utf-8")
            done = subprocess.run(
                [*command, "-o", str(result)],
                capture_output=True,
                text=True,
                check=False,
                errors="replace",
                stdin=subprocess.DEVNULL,
                cwd=place,
                env={**os.environ, "LC_ALL": "C", "TMPDIR": str(place)},
            )
            if done.returncode == 0:
                return result.read_bytes()
        except (OSError, ValueError) as error:
            raise CompilerError(_not_started(chosen, place, error)) from error
    raise CompilerError(
        f"{chosen.named} cannot compile in {place.parent}: {_last_error(done)}; "
        f"set CC to a compiler of C with OpenMP, as in `CC=gcc`"
        + (
            ", and leave out what of CFLAGS or LDFLAGS it fails at"
            if "FLAGS" in chosen.origin
            else ""
        )
    )


def check() -> None:
    """See to it that there is a compiler that works, before code is made for it.

    One that has worked in this process is not tried again.

    Raises
    ------
    CompilerError
        If there is no compiler, if it fails, or if its library cannot be loaded.
    """
    places = (os.environ.get(name) for name in ("PATH", "TMPDIR"))
    chosen = (compiler(trial=True), *places)
    if chosen not in WORKING:
        library.load(compiled(TRIAL, trial=True))
        WORKING.add(chosen)


def _missing(chosen: Compiler) -> str:
    unset = "unset CC to use gcc, or set it" if "CC" in os.environ else "install gcc, or set CC"
    return (
        f"{chosen.named} is not there, and kernels have to be compiled; {unset} to a compiler of "
        f"C with OpenMP"
    )


def _not_started(chosen: Compiler, place: Path, error: Exception) -> str:
    """Why a compiler was not even started, in words."""
    name, why = getattr(error, "filename", None), getattr(error, "strerror", None) or error
    if name is not None and str(name).startswith(str(place)):
        return (
            f"cannot compile kernels in {place.parent}: {why}; set TMPDIR to a folder with room "
            f"that you can write"
        )
    if isinstance(error, FileNotFoundError):
        return _missing(chosen)
    return f"{chosen.named} cannot be run: {why}; set CC to a compiler of C with OpenMP"


def _last_error(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that a compiler complained of."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [f"it ended with {done.returncode}"])[-1]


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder of this process alone, with room to compile in."""
    with ExitStack() as stack:
        place = None
        for above in workplaces():
            workplace.sweep(above)
            with suppress(OSError):
                usage = shutil.disk_usage(above)
                # Some file systems do not tell.
                if place is None and (usage.free >= ROOM or not usage.total):
                    place = stack.enter_context(workplace.within(above))
        if place is None:
            raise CompilerError(
                f"there is no folder with {ROOM / 1e6:.0f} MB of room to compile kernels in, of "
                f"{', '.join(map(str, workplaces()))}; set TMPDIR to one that you can write"
            )
        yield place


def workplaces() -> list[Path]:
    """Folders in which kernels may be compiled, the first that has room."""
    folders = [cache.folder(), Path("/dev/shm")]
    with suppress(OSError):
        folders.insert(0, Path(tempfile.gettempdir()))
    return [path for path in folders if path is not None]


def trouble() -> str | None:
    """Why kernels cannot be compiled here, in words; None if they can."""
    try:
        check()
    except CompilerError as error:
        return str(error)
    return None
