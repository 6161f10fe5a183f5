"""Calls in plain Python from compiled code; only compiled code imports this module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


_disable: Any = torch.compiler.disable
call: Callable[..., Any] = _disable(_call)
