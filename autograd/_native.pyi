from collections.abc import Sequence
from typing import Any

from .value import Value as Value

def matvec(rows: Sequence[Any], xs: Sequence[Any], biases: Sequence[Any], /) -> list[Any] | None: ...
def set_active(count: int, /) -> None: ...
