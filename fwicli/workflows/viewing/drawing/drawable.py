"""Contents that can be drawn, with the options that each of them has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fwicli.errors import ConfigError
from fwicli.plotting.style import Figure, Look

# Options of each kind of picture.
COLOURED = frozenset({"cmap", "clip", "range"})
PLANE = COLOURED | {"x", "y", "z"}
ITERATE = PLANE | {"iterate"}
GATHER = COLOURED | {"shot", "wiggle"}
SHOTS = frozenset({"shot"})
PLAIN: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PictureOptions:
    """Options of a picture.

    Attributes
    ----------
    look : Look
    iterate : int or None
        Of an inversion; 0 is the start.
    shots : tuple of int
        Numbers of shots, from 0.
    wiggles : bool
    places : mapping of str to float
        Axis that a plane of a 3D array is normal to, and its coordinate [m].
    stated : tuple of str
        Options that the user has typed, by their names there.
    """

    look: Look = field(default_factory=Look)
    iterate: int | None = None
    shots: tuple[int, ...] = ()
    wiggles: bool = False
    places: Mapping[str, float] = field(default_factory=dict)
    stated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawable:
    """Content that can be drawn.

    Attributes
    ----------
    about : str
        Its description.
    figure : callable
        From options to the picture.
    options : frozenset of str
        Options that it has, beside those of every picture.
    """

    about: str
    figure: Callable[[PictureOptions], Figure]
    options: frozenset[str] = PLAIN

    def draw(self, name: str, options: PictureOptions) -> Figure:
        """Draw it.

        Parameters
        ----------
        name : str
            Of the content.
        options : PictureOptions

        Returns
        -------
        figure : Figure

        Raises
        ------
        ConfigError
            If it has no such option.
        """
        foreign = [n for n in options.stated if n not in self.options]
        if foreign:
            there = ", ".join(f"--{n}" for n in sorted(self.options)) or "none of its own"
            raise ConfigError(
                f"a picture of `{name}` has no --{foreign[0]}; leave it out (its options: {there})"
            )
        return self.figure(options)
