"""Ports of a kernel: scattered points of a field at which it injects, or records."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fwicli.propagators.equations import registry
from fwicli.propagators.kernels.signature import Signature

# Names of dimensions across the layer begin with this (see `edges`).
RIM = "rim_"


@dataclass(frozen=True)
class Port:
    """Scattered points of one field: names of the arguments of a kernel for them.

    Parameters
    ----------
    field : str
        Name of the field in the equation.
    series : str
        Name of the values injected or recorded: `q`, `d`, or one that ends with the field's.
    prefix : str
        Names of points and weights begin with this: `inj`, `rec`, or one that ends likewise.
    """

    field: str
    series: str
    prefix: str

    def values(self, component: int) -> str:
        """Name of the values for a component of a lifted equation."""
        return f"{self.series}_{component}" if component else self.series


def entering(signature: Signature) -> tuple[Port, ...]:
    """Points at which a kernel injects: at the sources, or backwards in time at the receivers."""
    forwards = signature.kind in ("forward", "reverse")
    return _ports(signature, "q", "inj", "emit" if forwards else "record")


def leaving(signature: Signature) -> tuple[Port, ...]:
    """Points at which a kernel records, if it does."""
    if signature.kind == "reverse" or (signature.kind == "gradient" and not signature.recorded):
        return ()
    return _ports(signature, "d", "rec", "record" if signature.kind == "forward" else "emit")


def for_fields(signature: Signature, driven: tuple[str, ...], sensed: tuple[str, ...]) -> Signature:
    """A signature for sources that drive some fields, and receivers that record some.

    Parameters
    ----------
    signature : Signature
    driven, sensed : tuple of str
        Names of the fields.

    Returns
    -------
    Signature
        Equal for all ways to name those of the usual component.
    """
    driven = () if driven == _usual(signature, "emit") else driven
    return replace(
        signature, driven=driven, sensed=() if sensed == _usual(signature, "record") else sensed
    )


def _usual(signature: Signature, verb: str) -> tuple[str, ...]:
    """Fields of the usual component."""
    equation, ndim = registry.load(signature.equation), len(signature.spacing)
    return tuple(equation.usual(verb, ndim)[1].fields)


def _ports(signature: Signature, series: str, prefix: str, verb: str) -> tuple[Port, ...]:
    usual = _usual(signature, verb)
    fields = (signature.driven if verb == "emit" else signature.sensed) or usual
    names = ["" if field == usual[0] else f"_{field}" for field in fields]
    return tuple(
        Port(field, f"{series}{name}", f"{prefix}{name}")
        for field, name in zip(fields, names, strict=True)
    )


def is_rim(name: str) -> bool:
    """Whether an argument of a kernel is a bound of a loop over the layer on one side.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool
    """
    return name.startswith(RIM) and name.endswith(("_m", "_M"))
