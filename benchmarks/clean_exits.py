"""Messages, exit codes, files and processes that ends of runs leave behind.

A fresh interpreter starts workers, has them run a few tasks, and ends, in one of the ways that runs
end: when all is done, after the first result, without waiting for its workers, with an error, by
Ctrl-C, with nobody at the other end of its output. Whatever it prints beyond what it must, an exit
code that is not the one it should have, and whatever it leaves in /dev/shm, in the folder for
temporary files, or among the processes, is counted. Threads are switched every microsecond, so that
what can come in an unlucky order does.

As root, /dev/shm is that of this benchmark alone, so that no other program's counts.

    python benchmarks/clean_exits.py [--ends 1000] [--runs 100]
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

CHILD = """\
import functools, os, signal, sys, threading
sys.setswitchinterval(1e-6)
from fwicli.execution import Local, server
server.PRELOAD.clear()  # the tasks need none of it

def main(way):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    tasks = [functools.partial(pow, 2, i) for i in range(6)]
    if way == "left open":
        executor = Local(2).__enter__()
        next(executor.map(tasks))
        return
    with Local(2) as executor:
        results = executor.map(tasks)
        first = next(results)
        if way == "after the first":
            return
        if way == "with an error":
            sys.exit("as it must")
        if way == "interrupted":
            os.kill(os.getpid(), signal.SIGINT)
        if [first, *results] != [2**i for i in range(6)]:
            sys.exit("wrong results")
    if way == "output closed":
        for number in (1, 2):
            os.close(number)
        sys.stdout = sys.stderr = None

if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
"""

# What a run prints and its exit code, by how it ends.
WAYS = {
    "all done": ("", 0),
    "after the first": ("", 0),
    "left open": ("", 0),
    "with an error": ("as it must\n", 1),
    "interrupted": ("", 130),
    "output closed": ("", 0),
}

MODEL = """\
model: {vp: {file: vp.npy}, spacing: 10}
geometry:
  sources: {x: {start: 60, stop: 240, count: 2}, z: 20}
  receivers: {x: {start: 0, stop: 300, step: 20}, z: 20}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 0.4}
execution: {workers: 2}
"""

# Commands on a small model, in a shell: what must hold of the output, and the exit code.
COMMANDS = {
    "fwi model": "$RUN 2>log >out && $CHECK",
    "fwi model --json": "$RUN --json 2>log | $PYTHON -m json.tool >out && $CHECK",
    "fwi model | head": "set -o pipefail; $RUN 2>log | head -1 >out && $CHECK",
    "fwi model 2>&1 | head": "set -o pipefail; $RUN 2>&1 | head -1 >out",
    "fwi model 2>&-": "$RUN 2>&- >out && test -s out",
    "fwi model >&- 2>&-": "$RUN >&- 2>&-",
}
CHECK = '! grep -Ev "$PROGRESS" log'  # nothing but progress
PROGRESS = "^[0-9][0-9]:[0-9][0-9]:[0-9][0-9] |^shots: [0-9]* of [0-9]*$"
VARIABLES = {
    "PYTHON": sys.executable,
    "RUN": f"{sys.executable} -m fwicli model model.yaml -o run --force",
    "PROGRESS": PROGRESS,
}


def left(folder: Path, session: int, shared: set[str] | None = None) -> list[str]:
    """What is left of a run after a while: files, processes, and shared memory that was not there.

    Shared memory only if `shared` says what was there.
    """
    end = time.monotonic() + 10
    while True:
        names = [p.name for p in folder.iterdir() if not p.name.startswith("devito-")]
        if shared is not None:
            names += sorted({p.name for p in Path("/dev/shm").iterdir()} - shared)
        found = subprocess.run(
            ["pgrep", "-s", str(session)], capture_output=True, text=True, check=False
        )
        names += [f"process {number}" for number in found.stdout.split()]
        if not names or time.monotonic() > end:
            return names
        time.sleep(0.02)


def end(
    command: list[str], folder: Path, work: Path, alone: bool = False
) -> tuple[str, int, list[str]]:
    """Run a command to its end: what it prints, its exit code, and what it leaves.

    With `alone`, what appears in /dev/shm is its own.
    """
    shared = {p.name for p in Path("/dev/shm").iterdir()} if alone else None
    process = subprocess.Popen(
        command,
        cwd=work,
        env={**os.environ, **VARIABLES, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        said += "it has hung"
    return said, process.returncode, left(folder, process.pid, shared)


def _is_alone() -> bool:
    return "OWN_SHARED_MEMORY" in os.environ


def _own_shared_memory() -> None:
    """Begin again with another /dev/shm, where that is allowed."""
    if os.geteuid() == 0 and shutil.which("unshare") and not _is_alone():
        os.environ["OWN_SHARED_MEMORY"] = "1"
        line = 'mount -t tmpfs tmpfs /dev/shm && exec "$@"'
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", line, "sh", sys.executable, *sys.argv])


@click.command()
@click.option("--ends", default=1000, show_default=True, help="Of cheap runs, of all kinds.")
@click.option("--runs", default=100, show_default=True, help="Of `fwi model`, of all kinds.")
def main(ends: int, runs: int) -> None:
    """Print a table of ends of runs."""
    _own_shared_memory()
    click.echo("| end | runs | with a word | with another exit code | with something left |")
    click.echo("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        work, folder = Path(name), Path(name) / "tmp"
        folder.mkdir()
        script = work / "child.py"
        script.write_text(CHILD, encoding="utf-8")
        (work / "model.yaml").write_text(MODEL, encoding="utf-8")
        np.save(work / "vp.npy", np.full((31, 21), 1500, dtype=np.float32))
        commands = {way: [sys.executable, str(script), way] for way in WAYS if ends}
        commands |= {
            way: ["bash", "-c", line.replace("$CHECK", CHECK)]
            for way, line in COMMANDS.items()
            if runs
        }
        for way, command in commands.items():
            text, code = WAYS.get(way, ("", 0))
            number = ends // len(WAYS) if way in WAYS else runs // len(COMMANDS)
            words = codes = rests = 0
            for _ in range(number):
                said, returned, rest = end(command, folder, work, _is_alone())
                words += said != text
                codes += returned != code
                rests += bool(rest)
                if said != text or returned != code or rest:
                    click.echo(f"{way}: {returned} {said} {rest}", err=True)
            click.echo(f"| {way} | {number} | {words} | {codes} | {rests} |")


if __name__ == "__main__":
    main()
