"""Kinds that are alike are one object, in every process."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest

from dsl.types.kinds import LEVEL, RATIO, Kind, scalar


@pytest.mark.parametrize("kind", [LEVEL, RATIO, scalar(2.5), Kind("other", 1, -1, -0.0, 3.0)])
def test_the_same_kind_is_one_object(kind: Kind) -> None:
    assert copy.deepcopy(kind) is kind  # made again as another process does
    assert replace(replace(kind, low=-7.0), low=kind.low) is kind
    assert replace(kind, low=-7.0) is not kind


def test_there_is_one_zero() -> None:
    kind = Kind("change", low=-0.0, high=0.0, typical=(-0.0, 0.0))
    assert kind is Kind("change", low=0.0, high=-0.0, typical=(0.0, -0.0))
    assert kind.typical is not None
    assert [math.copysign(1, end) for end in (kind.low, kind.high, *kind.typical)] == [1.0] * 4
