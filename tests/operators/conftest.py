"""Surveys that the tests of operators share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.operators.surveys import Survey


@pytest.fixture(scope="session")
def survey(make_setting: Callable[..., Any]) -> Callable[..., Survey]:
    return cache(lambda *how: Survey(make_setting, *how))
