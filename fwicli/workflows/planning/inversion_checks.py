"""Rules of an inversion: variables, fixed points, regularization, misfits, shots."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.digits import apart, round_down, round_up
from fwicli.inversion.shots import encoding
from fwicli.propagators.equations import registry
from fwicli.survey import components
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import COMBINATIONS, OF_SOLIDS, PLAUSIBLE, PROPERTIES, UNITS
from fwicli.workflows.assembly import components as assembly
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.inversion import InversionObjects, StageObjects
from fwicli.workflows.assembly.variables import outermost
from fwicli.workflows.planning import limit_checks
from fwicli.workflows.planning.problems import Problems

DEGREE = math.pi / 180


def variables(problems: Problems, inversion: InversionObjects) -> bool:
    """Variables must be properties of the equation, and the starting model within their bounds.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects

    Returns
    -------
    readable : bool
        Whether the bounds can be read.
    """
    config, model = inversion.config, inversion.model
    settings, equation = config.inversion, wave_equation(config.physics)
    fixed = problems.get(("inversion", "fixed"), lambda: inversion.fixed)
    if fixed is None:
        # Velocities within the bounds of combinations depend on it.
        return COMBINATIONS.keys().isdisjoint(settings.inverted())
    if fixed.all():
        problems.add(("inversion", "fixed"), _all_fixed(config, model))
        return True
    properties = registry.load(equation).properties_in(model.grid.ndim)
    readable = _followers(problems, settings.follow.names, properties, equation)
    for name in settings.inverted():
        key: Key = ("inversion", "bounds")
        if settings.invert_for is not None:
            key = ("inversion", "invert_for", name)
        possible = [*properties, *(n for n in COMBINATIONS if _needs(n) <= set(properties))]
        if name not in possible:
            problems.add(
                key,
                f"the equation `{equation}` has no {name}; it may be inverted for "
                f"{', '.join(possible)}: choose among these, or another `physics.equation`",
            )
            readable &= name not in COMBINATIONS
            continue
        start = model.quantity(name)
        if start is None:
            problems.add(
                key, f"the model has no {name} to start from; give it in the section `model`"
            )
            readable &= name not in COMBINATIONS
            continue
        readable &= _start_within(problems, key, inversion, name)
    if not problems.errors:
        _regularization(problems, inversion)
        limit_checks.check(problems, inversion)
    return readable


def _followers(
    problems: Problems, names: Collection[str], properties: Collection[str], equation: str
) -> bool:
    """Whether the equation has the properties that follow vp."""
    missing = [name for name in names if name not in properties]
    for name in missing:
        problems.add(
            ("inversion", "follow", name),
            f"the equation `{equation}` has no {name} that could follow vp; leave it out, or "
            f"choose another `physics.equation`",
        )
    return not missing


def _all_fixed(config: schema.InvertConfig, model: EarthModel) -> str:
    """Why nothing is left to invert for."""
    if model.water().all() and config.inversion.fixed == "water":
        top = model.velocity.flat[0]
        return (
            f"`fixed: water` keeps what has the velocity of the top, {top:g} m/s, and that is the "
            f"whole starting model: nothing is left to invert for; set `inversion.fixed: nothing`, "
            f"or a depth [m], or start from a model with a sea floor"
        )
    depth = model.grid.end[-1]
    return (
        f"all of the model is fixed, down to {depth:g} m: nothing is left to invert for; fix less "
        f"of it, or set `inversion.fixed: nothing`"
    )


def _start_within(problems: Problems, key: Key, inversion: InversionObjects, name: str) -> bool:
    """The starting model must be within the bounds of a variable, where it may change."""
    ends = problems.get(key, lambda: inversion.bounds(name))
    start, fixed = inversion.model.quantity(name), inversion.fixed
    if ends is None or start is None:
        return False
    _plausible(problems, key, name, outermost(ends))
    if name in OF_SOLIDS:
        fixed = fixed | (inversion.model.properties["vs"] == 0)
        if fixed.all():
            problems.add(
                key,
                f"all points that may change are fluid, where vs is 0 and there is no {name}; fix "
                f"less (`inversion.fixed`), or leave out {name}",
            )
            return True
    outside = ~fixed & ((start < ends[0]) | (start > ends[1]))
    if outside.any():
        unit, free = UNITS.get(name, ""), start[~fixed]
        low, high = outermost(ends)
        first, last = float(free.min()), float(free.max())
        slowest, lower = apart(first, low)
        fastest, upper = apart(last, high)
        place = ".".join(map(str, key))
        wide = round_down(min(first, low), 4), round_up(max(last, high), 4)
        remedy = f"widen them, as to `{place}: [{wide[0]:.9g}, {wide[1]:.9g}]`, or fix those points"
        for other, scale in _other_units(name).items():
            if _fits(name, low, high, scale) or (low * scale <= first and last <= high * scale):
                remedy = (
                    f"are they in {other}? Then write `{place}: [{scale * low:.9g}, "
                    f"{scale * high:.9g}]`: bounds are in {unit}"
                )
        problems.add(
            key,
            f"the starting model has {name} from {slowest} to {fastest} {unit} where it may "
            f"change, and at {int(outside.sum())} points it is outside the bounds {lower} to "
            f"{upper} {unit}; {remedy}",
        )
    return True


def _needs(name: str) -> set[str]:
    """Properties that a variable is a function of."""
    return set(COMBINATIONS[name].needs) if name in COMBINATIONS else {name}


def _other_units(name: str) -> Mapping[str, float]:
    """Larger units in which bounds may have been meant, in the SI unit."""
    quantity = COMBINATIONS.get(name) or PROPERTIES[name]
    return {unit: scale for unit, scale in quantity.unit.others.items() if scale >= 1000}


def _fits(name: str, low: float, high: float, scale: float) -> bool:
    """Whether bounds are below those of rocks, and not in a larger unit."""
    return high < PLAUSIBLE[name][0] <= scale * low


def _plausible(problems: Problems, key: Key, name: str, ends: tuple[float, float]) -> None:
    """Warn of bounds that let a property be that of no rock."""
    (low, high), (least, most), unit = ends, PLAUSIBLE[name], UNITS.get(name, "")
    if least <= low and high <= most:
        return
    place = ".".join(map(str, key))
    inner = max(low, least), min(high, most)
    remedy = f"set `{place}: [{inner[0]:.9g}, {inner[1]:.9g}]`, or check the unit"
    if unit == "rad":
        radians = round_down(low * DEGREE, 4), round_up(high * DEGREE, 4)
        remedy = f"are they in degrees? Then set `{place}: [{radians[0]:.9g}, {radians[1]:.9g}]`"
    elif inner[0] >= inner[1]:
        remedy = f"bounds are in {unit}: check them" if unit else "check them"
    waste = ", and the time step is that of the largest" if name == "vp" and high > most else ""
    problems.warn(
        f"`{place}` lets {name} be from {low:g} to {high:g} {unit}".rstrip()
        + f", but rocks have {least:g} to {most:g}{waste}; {remedy}"
    )


def _regularization(problems: Problems, inversion: InversionObjects) -> None:
    """Penalties and constraints must be possible with the model, and their files readable."""
    for stage in inversion.stages:
        own = stage.section.regularization is not None or stage.section.constraints is not None
        if own or not stage.number:
            key: Key = stage.key if own else ("inversion",)
            problems.get(key, stage.regularization.check)


def misfits(problems: Problems, inversion: InversionObjects, records: Gathers) -> None:
    """Every misfit must be there, and finite where nothing is modelled: tried on one shot.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
    records : Gathers
    """
    shot = next((n for n, row in enumerate(records.live) if row.any()), 0)
    gather, interval = records.data[shot][records.live[shot]], records.interval
    recorded = np.array(records.acquisition.recorded_by(shot), dtype=object)[records.live[shot]]
    # As in the config, the misfit of all stages comes first.
    stages = sorted(inversion.stages, key=lambda stage: stage.section.misfit is not None)
    named = {stage.key_of("misfit"): stage.misfit for stage in stages}
    for key, misfit in named.items():
        for rows in components.rows(tuple(recorded)).values():
            problems.get(key, partial(misfit.scale, gather[rows], interval))


def component_weights(problems: Problems, inversion: InversionObjects, records: Gathers) -> None:
    """Weights must belong to recorded components, and leave something to compare.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
    records : Gathers
    """
    recorded = records.acquisition.components[0]
    there = ", ".join(f"`{c.measured.code}`" for c in components.ordered(recorded))
    for stage in inversion.stages:
        weights = assembly.component_weights(stage.settings)
        key = stage.key_of("component_weights")
        named, measured = ({c.measured for c in each} for each in (weights, recorded))
        others = components.ordered(named - measured)
        if others:
            problems.add_once(
                key,
                f"there are weights of {', '.join(f'`{c.code}`' for c in others)}, and the "
                f"records are of {there}; leave out the others",
            )
        elif not any(weights.get(c, 1.0) for c in recorded):
            problems.add_once(
                key,
                f"the weights of all components of the records are 0, and nothing is left to "
                f"compare; give one of {there} a weight above 0, as 1",
            )


def components_in_words(inversion: InversionObjects, records: Gathers) -> str:
    """Components of the records with their units, and weights where there are several.

    Parameters
    ----------
    inversion : InversionObjects
    records : Gathers

    Returns
    -------
    words : str
        Empty where all receivers and sources are of pressure.
    """
    recorded, emitted = records.acquisition.components
    if recorded == emitted == {PRESSURE}:
        return ""
    ndim, words = records.acquisition.ndim, []
    for component in components.ordered(recorded):
        each = [
            assembly.component_weights(s.settings).get(component, 1.0) for s in inversion.stages
        ]
        weights = "" if len(recorded) == 1 else f" with weight {', then '.join(_distinct(each))}"
        words.append(f"{component.name} [{component.unit}]{weights}")
    text = f"records of {', '.join(words)}"
    if len(recorded) > 1:
        text += ", each relative to its misfit against nothing"
    sources = [f"{c.name} [{c.source_unit(ndim)}]" for c in components.ordered(emitted)]
    return text if emitted == {PRESSURE} else f"{text}; sources of {', '.join(sources)}"


def _distinct(values: Sequence[float]) -> list[str]:
    """Weights of stages, once where all are equal."""
    texts = [f"{value:g}" for value in values]
    return texts[:1] if len(set(texts)) == 1 else texts


def shots(problems: Problems, inversion: InversionObjects, records: Gathers) -> None:
    """Shots that fire together must be comparable as a sum.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
    records : Gathers
    """
    keys: set[Key] = set()
    for stage in inversion.stages:
        key = stage.key_of("shots")
        if stage.encoding is not None and key not in keys:
            keys.add(key)
            _encoded(problems, key, stage, records)


def _encoded(problems: Problems, key: Key, stage: StageObjects, records: Gathers) -> None:
    """Shots that fire together need all receivers and the whole model, and least squares."""
    settings, aperture = stage.settings, stage.physics.aperture
    problems.get(key, lambda: encoding.check_spread(records.acquisition))
    if not records.live.all():
        problems.add(
            key,
            f"{int((~records.live).sum())} traces are silent, and shots that fire together "
            f"need the records of all receivers; leave out `encode`, use batches "
            f"(`shots: {{batch: 8}}`), or pick shots without them (`data.shots`)",
        )
    if aperture != "whole":
        problems.add(
            key,
            f"shots that fire together need the whole model; leave out `encode`, or set "
            f"`physics.aperture: whole` in place of {aperture}",
        )
    if settings.conditioning or settings.source:
        problems.add(
            key,
            "shots that fire together cannot be conditioned one by one, nor their sources "
            "estimated; leave out `encode`, or `conditioning` and `source`",
        )
    if settings.misfit.kind != "least_squares":
        problems.add(
            key,
            f"shots that fire together can be compared by `least_squares` alone, not by "
            f"`{settings.misfit.kind}`: no other misfit of a sum is on average that "
            f"of the shots; leave out `encode`, or use batches, as in "
            f"`inversion.shots: {{batch: 8}}`",
        )


def bands(problems: Problems, inversion: InversionObjects) -> None:
    """Warn of a stage that ends at a lower frequency than the one before it.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
    """
    highest = [stage.section.band[1] for stage in inversion.stages]
    for number, (before, after) in enumerate(pairwise(highest), start=2):
        if after < before:
            until = "has no upper end" if math.isinf(before) else f"ends at {before:g} Hz"
            problems.warn(
                f"the band of stage {number} ends at {after:g} Hz, and that of stage {number - 1} "
                f"{until}: an inversion that begins with high frequencies may match the wrong "
                f"cycle, and lower ones then come too late; put `inversion.stages` into the order "
                f"of rising frequencies"
            )


def in_words(inversion: InversionObjects) -> list[str]:
    """Variables with their bounds, in words; beside combinations, what they leave as it is."""
    settings, words = inversion.config.inversion, []
    for name, inverted in settings.inverted().items():
        low, high = (f"{e:g}" if isinstance(e, float) else e.file.name for e in inverted.bounds)
        text = f"{name} from {low} to {high} {UNITS.get(name, '')}".rstrip()
        other = inverted.parameter not in (None, name)
        text = f"{text} as {inverted.parameter}" if other else text
        if name in COMBINATIONS:
            place = COMBINATIONS[name].place_among(settings.inverted())
            text += f", which is {COMBINATIONS[name].formula}, in place of {place}"
        words.append(text)
    words += [f"{n} by the law {getattr(settings.follow, n).law}" for n in settings.follow.names]
    changing = inversion.variables.properties
    equation = registry.load(wave_equation(inversion.config.physics))
    stay = [n for n in ("vp", "vs", "rho") if n in equation.properties and n not in changing]
    if stay and not COMBINATIONS.keys().isdisjoint(settings.inverted()):
        words.append(f"at {' and '.join(stay)} of the starting model")
    return words
