"""The experiments of an iteration: all shots, a batch of them, or several that fire together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Code, Encoding
from fwicli.inversion.shots.experiments import Experiment
from fwicli.survey import proximity
from fwicli.survey.proximity import Near

Array = NDArray[Any]


@dataclass(frozen=True)
class ShotSelection:
    """Rule for the experiments of each iteration.

    Parameters
    ----------
    shots : sequence of Experiment
        All of the survey.
    batches : Batches, optional
        Which of them an iteration sees; all if there are none.
    encoding : Encoding, optional
        How they fire together; each by itself if there is none.

    Raises
    ------
    ConfigError
        If shots cannot be encoded, because the misfit of a sum says nothing of its terms.
    """

    shots: Sequence[Experiment]
    batches: Batches | None = None
    encoding: Encoding | None = None

    def __post_init__(self) -> None:
        if self.encoding is None:
            return
        for shot in self.shots:
            compared = shot.comparison
            if type(compared.misfit) is not LeastSquares or compared.prepared:
                raise ConfigError(
                    "shots can be encoded only for `misfit: least_squares` without `conditioning` "
                    "and with a known source: "
                    "no other misfit of a sum of shots is on average that of the shots; leave out "
                    "`shots: {encode: ...}`, or use batches"
                )

    @property
    def changing(self) -> bool:
        """Whether iterations have different experiments."""
        return self.encoding is not None or (
            self.batches is not None and self.batches.size < len(self.shots)
        )

    def select(self, stage: int, iteration: int) -> tuple[Sequence[Experiment], float]:
        """Experiments of an iteration, and what each of them counts."""
        count, weight = len(self.shots), 1.0
        drawn = np.arange(count)
        if self.batches is not None:
            drawn = self.batches.shots(count, stage, iteration)
            weight = self.batches.weight(count)
        if self.encoding is None:
            return [self.shots[int(shot)] for shot in drawn], weight
        interval = self.shots[0].comparison.interval
        codes = self.encoding.codes(drawn, interval, stage, iteration)
        together = [self._encoded(code) for code in codes]
        return together, weight / self.encoding.realisations

    def _encoded(self, code: Code) -> Experiment:
        shots = [self.shots[int(shot)] for shot in code.shots]
        observed = np.stack([shot.comparison.observed for shot in shots])
        return Experiment(
            np.concatenate([shot.source for shot in shots]),
            code.wavelets(np.concatenate([shot.wavelet for shot in shots])),
            shots[0].receivers,
            replace(shots[0].comparison, observed=code.records(observed), near=_near(code, shots)),
        )


def _near(code: Code, shots: Sequence[Experiment]) -> Near | None:
    """What is compared of the sum: next to each of the sources, all but its wavelet as it fires."""
    factors = np.ones((len(shots[0].receivers), 1))
    columns: dict[int, list[Array]] = {}
    for number, shot in enumerate(shots):
        near = shot.comparison.near
        if near is None:
            continue
        factors = factors * near.factors
        functions = code.coded(number, near.basis[0].T).T
        for row in near.rows:
            columns.setdefault(int(row), []).append(functions)
    if not columns and (factors == 1).all():
        return None
    return proximity.joined(factors, columns)
