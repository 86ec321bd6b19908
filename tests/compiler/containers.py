"""Containers of numbers for the tests of what goes in and out."""

import dataclasses
from typing import NamedTuple


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Pair:
    a: float
    b: list
