"""Every mistake a user can make, with the exit code that the command line returns for it."""

from __future__ import annotations


class FwiError(Exception):
    """A failure that is explained to the user; `exit_code` is what the command returns.

    `key` says where below the section that is being read, if it is known.
    """

    exit_code = 1
    key: tuple[str | int, ...] = ()


class CalculusError(FwiError):
    """An equation from which no adjoint or linearisation can be derived."""


class PhysicsError(FwiError):
    """A valid request that physics, numerics or the data make impossible."""

    exit_code = 3


class StabilityError(PhysicsError):
    """A time step beyond the stability limit, or a field that is no longer finite.

    `substeps` is how many time steps in a sampling interval are enough, if that is known.
    """

    substeps: int = 0


class GeometryError(PhysicsError):
    """Grid, source or receiver positions that do not fit together."""


class ModelError(PhysicsError):
    """An earth model with impossible values or the wrong size."""


class SizeError(PhysicsError):
    """Something larger than the memory there is."""


class DataError(PhysicsError):
    """Records that are missing, damaged, or do not fit their geometry."""


class ConfigError(FwiError):
    """A wrong command line or configuration."""

    exit_code = 2


class TrustError(ConfigError):
    """A file, folder or link that another user could have put there."""


class CompilerError(FwiError):
    """No compiler, or one that fails: nothing is the matter with the run or its config."""

    exit_code = 4


class ExecutionError(FwiError):
    """A worker or disk failed; what was computed until then is kept."""

    exit_code = 4


class UnitWarning(UserWarning):
    """Values that are possible, but those of no rock; most likely they have another unit."""
