"""A disk that is full after so many writes below a folder, for all libraries of a process.

A shim between the process and the C library refuses them: the first one is half written, as on a
real disk, and all that follow fail with ENOSPC, those of `fsync` included.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long left = -1, writes = 0;

void fill(const char *path, long after)
{
    snprintf(folder, sizeof folder, "%s/", path);
    left = after;
    writes = 0;
}

long counted(void) { return writes; }

/* 0: it may be written; 1: half of it; 2: nothing. */
static int refused(int fd)
{
    char link[64], path[PATH_MAX];
    if (left < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder))) return 0;
    writes++;
    if (writes <= left) return 0;
    return writes == left + 1 ? 1 : 2;
}

static size_t allowed(int fd, size_t count)
{
    int how = refused(fd);
    return how == 0 ? count : how == 1 ? count / 2 : 0;
}

#define FULL(count) if ((count) > 0 && most == 0) { errno = ENOSPC; return -1; }

ssize_t write(int fd, const void *data, size_t count)
{
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    size_t most = allowed(fd, count);
    FULL(count)
    return real(fd, data, most);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t place)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
    size_t most = allowed(fd, count);
    FULL(count)
    return real(fd, data, most, place);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t place)
{
    return pwrite64(fd, data, count, place);
}

int fsync(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    if (refused(fd)) { errno = ENOSPC; return -1; }
    return real(fd);
}
"""


def shim(folder: Path) -> Path | None:
    """The compiled shim, for LD_PRELOAD; None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not Path("/proc/self/fd").exists():
        return None
    library = folder / "full_disk.so"
    command = [compiler, "-x", "c", "-", "-shared", "-fPIC", "-O1", "-o", str(library), "-ldl"]
    done = subprocess.run(command, input=SOURCE, text=True, capture_output=True, check=False)
    return library if done.returncode == 0 else None


class Disk:
    """The shim of this process, which was started with it."""

    def __init__(self, library: str) -> None:
        self._library = ctypes.CDLL(library)
        self._library.counted.restype = ctypes.c_long
        self._library.fill.argtypes = [ctypes.c_char_p, ctypes.c_long]

    def fill(self, folder: Path, after: int) -> None:
        """Let the disk be full after so many writes below a folder."""
        self._library.fill(str(folder.resolve()).encode(), after)

    def empty(self) -> None:
        """Let everything be written."""
        self._library.fill(b"/nowhere", -1)

    @property
    def writes(self) -> int:
        """Writes since it was filled."""
        return int(self._library.counted())
