"""Whether the packages of Dask are installed, which are an optional extra."""

from __future__ import annotations

from importlib.util import find_spec

from fwicli.errors import ConfigError


def check(with_jobs: bool = False) -> None:
    """Check that Dask is installed.

    Parameters
    ----------
    with_jobs : bool
        Whether workers are to run in jobs of a batch system, which takes one package more.

    Raises
    ------
    ConfigError
        If a package is missing.
    """
    present = {
        "distributed": find_spec("distributed") is not None,
        "dask-jobqueue": not with_jobs or find_spec("dask_jobqueue") is not None,
    }
    missing = [name for name, installed in present.items() if not installed]
    if missing:
        raise ConfigError(
            f"`engine: dask` needs {' and '.join(missing)}, which this Python does not have; type "
            f"`pip install 'fwicli[cluster]'`, or set `engine: processes`"
        )
