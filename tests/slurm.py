"""A real SLURM for tests: the one that runs, or one of a single node that tests start on loopback.

Tests that take the fixture `slurm` are marked by themselves and run one after the other, in
whatever processes: the node has few cores, and jobs of others would change what is measured.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
# Folder of the SLURM that the processes of one test session share.
FOLDER = "FWI_TESTS_SLURM"
PATIENCE = 300.0
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"}

CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
KillWait=5
MinJobAge=600
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=tests Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """Commands of a SLURM that answers.

    Attributes
    ----------
    conf : Path
        What `SLURM_CONF` is set to.
    """

    conf: Path

    def run(self, *command: str | Path, check: bool = True) -> str:
        """Output of a command of SLURM."""
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, "SLURM_CONF": str(self.conf)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def field(self, job: str, name: str) -> str:
        """A field of a job, as `JobState` or `Restarts`."""
        words = self.run("scontrol", "-o", "show", "job", job).split()
        values = [w.partition("=")[2] for w in words if w.startswith(f"{name}=")]
        assert values, f"job {job} has no {name}"
        return values[0]

    def wait(self, job: str, *states: str) -> str:
        """State of a job once it is one of these, or by default once it has ended."""
        end = time.monotonic() + PATIENCE
        while (state := self.field(job, "JobState")) not in (states or ENDED):
            wrong = states and state in ENDED
            assert not wrong, f"job {job} is {state}, and was to be one of {states}"
            assert time.monotonic() < end, f"job {job} is {state} after {PATIENCE:g} s"
            time.sleep(1.0)
        return state

    def wait_for_all(self, job: str) -> None:
        """Wait until all jobs of an array have completed."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = self.run("scontrol", "-o", "show", "job", job).splitlines()
            words = " ".join(lines).split()
            states = {w.partition("=")[2] for w in words if w.startswith("JobState=")}
            if states == {"COMPLETED"}:
                return
            assert not states & (ENDED - {"COMPLETED"}), f"jobs of {job} are {states}"
            assert time.monotonic() < end, f"jobs of {job} are {states} after {PATIENCE:g} s"
            time.sleep(1.0)

    def jobs(self, folder: Path) -> list[str]:
        """Jobs that wait or run and were submitted from a folder or below it."""
        lines = self.run("squeue", "-h", "-o", "%A %Z").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines]
        return [job for job, place in pairs if Path(place).is_relative_to(folder)]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A SLURM for this test alone; jobs that it leaves below `tmp_path` are cancelled."""
    with _alone():
        conf = _conf()
        monkeypatch.setenv("SLURM_CONF", str(conf))
        cluster = Slurm(conf)
        yield cluster
        for job in cluster.jobs(tmp_path):
            cluster.run("scancel", job, check=False)


@contextmanager
def _alone() -> Iterator[None]:
    """One test at a time."""
    path = Path(tempfile.gettempdir()) / f"fwi-tests-slurm-{os.getuid()}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _conf() -> Path:
    """The configuration of a SLURM that answers; it is started where that is possible."""
    stated = os.environ.get("SLURM_CONF")
    if stated and shutil.which("sinfo") and _answers(Path(stated)):
        return Path(stated)
    missing = [name for name in DAEMONS if _program(name) is None]
    if missing:
        pytest.skip(f"needs SLURM: {', '.join(missing)} not installed, and no SLURM_CONF that runs")
    if os.geteuid():
        pytest.skip("needs SLURM: only root starts one here, and there is no SLURM_CONF that runs")
    folder = Path(os.environ[FOLDER])
    conf = folder / "slurm.conf"
    if not (conf.exists() and _answers(conf)):
        _start(folder)
    return conf


def _program(name: str) -> str | None:
    """Path of a daemon, which may lie where only root looks for programs."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _answers(conf: Path) -> bool:
    """Whether the controller and at least a node of a SLURM answer."""
    environment = {**os.environ, "SLURM_CONF": str(conf)}
    with suppress(subprocess.TimeoutExpired):
        command = ["sinfo", "-h", "-o", "%T"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=20
        )
        states = {state.rstrip("*") for state in done.stdout.split()}
        return done.returncode == 0 and bool(states & {"idle", "mixed", "allocated", "completing"})
    return False


def _start(folder: Path) -> None:
    """Start a SLURM of one node whose files and sockets are in a folder."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in ("state", "spool"):
        (folder / name).mkdir(exist_ok=True)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    conf = folder / "slurm.conf"
    controller, node = _free_ports(2)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    settings = {"controller": controller, "node": node, "memory": pages * 9 // 10 // 2**20}
    settings |= {"cores": os.cpu_count() or 1, "folder": folder}
    conf.write_text(CONF.format(host=socket.gethostname().partition(".")[0], **settings))
    # Versions that would demand control groups, which a container has none of, read this.
    (folder / "cgroup.conf").write_text("IgnoreSystemd=yes\n")
    options = [f"--{n}-file={folder}/munged.{n}" for n in ("pid", "log", "seed")]
    _daemon("munged", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}", *options)
    _daemon("slurmctld", "-f", str(conf))
    _daemon("slurmd", "-f", str(conf))
    end = time.monotonic() + 60
    while not _answers(conf):
        if time.monotonic() > end:
            log = (folder / "slurmctld.log").read_text(errors="replace")[-2000:]
            pytest.skip(f"needs SLURM: the one that was started does not answer: {log}")
        time.sleep(0.5)


def _daemon(name: str, *options: str) -> None:
    program = _program(name)
    done = subprocess.run([str(program), *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs SLURM: {name} does not start: {done.stderr.strip()[-500:]}")


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


# --- hooks of the session ------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that take the fixture."""
    for item in items:
        if "slurm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slurm)


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the SLURM of this session, which processes of xdist inherit."""
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = str(Path(tempfile.gettempdir()) / f"fwi-tests-slurm-{os.getpid()}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the daemons that tests have started."""
    folder = Path(os.environ.get(FOLDER, "/nonexistent"))
    if hasattr(config, "workerinput") or not folder.is_dir():
        return
    for name in reversed(DAEMONS):
        with suppress(OSError, ValueError):
            os.kill(int((folder / f"{name}.pid").read_text()), 15)
    time.sleep(1.0)
    shutil.rmtree(folder, ignore_errors=True)
