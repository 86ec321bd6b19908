"""The mutation tool: which changes it makes, and that its list of equivalent ones is in order. No mutant runs here."""

import pytest

from tests import mutants
from tests.mutants import ROOT, TESTS

SOURCE = '''
"""A docstring."""
from __future__ import annotations
LIMIT: int = 3

def f(x: int | None = 2, *, strict=True):
    """Another."""
    assert x > 0
    if x is None or not x:
        raise ValueError(f"{x + 1} of {LIMIT}")
    total = 0.5
    for y in [z for z in g(x) if z]:
        total += y ** 2
        continue
    zip(x, y, strict=True)
    return total if x < 1 <= 2 else -total

ROW = lambda a, b: a * b
'''

CHANGES = [
    "3 → 4",
    "2 → 3",
    "True → False",
    "x is None or not x → True",
    "x is None or not x → False",
    "x is None or not x → (x is None and (not x))",
    "x is None → (x is not None)",
    "not x → (x)",
    'raise ValueError(f"{x + 1} of {LIMIT}") → pass',
    "total = 0.5 → pass",
    "0.5 → 1.0",
    "z → True",
    "total += y ** 2 → pass",
    "y ** 2 → (y * 2)",
    "2 → 3",
    "continue → pass",
    "zip(x, y, strict=True) → pass",
    "return total if x < 1 <= 2 else -total → return None",
    "x < 1 <= 2 → True",
    "x < 1 <= 2 → False",
    "x < 1 <= 2 → (x <= 1 <= 2)",
    "x < 1 <= 2 → (x < 1 < 2)",
    "1 → 2",
    "2 → 3",
    "-total → (total)",
    "a * b → (a / b)",
]


def test_the_changes_of_a_file():
    found = list(mutants.mutants("a.py", SOURCE))
    assert sorted(m.change for m in found) == sorted(CHANGES)
    for mutant in found:
        changed = mutant.applied(SOURCE.encode()).decode()
        compile(changed, "a.py", "exec")
        assert changed != SOURCE
        assert mutant.source in SOURCE
    by_change = {m.change: m for m in found}
    assert by_change["a * b → (a / b)"].applied(SOURCE.encode()).decode().endswith("ROW = lambda a, b: (a / b)\n")
    # a default is computed where the function is defined; what stands in the body, when it is called
    assert by_change["True → False"].function is None
    assert (by_change["0.5 → 1.0"].name, by_change["0.5 → 1.0"].function) == ("f", 6)
    assert by_change["a * b → (a / b)"].function == 18


@pytest.mark.parametrize("path", TESTS)
def test_a_changed_file_can_be_compiled(path):
    source = (ROOT / path).read_text(encoding="utf-8")
    found = list(mutants.mutants(path, source))
    assert len(found) > 100
    for mutant in found[::40]:
        compile(mutant.applied(source.encode()), path, "exec")
    assert all((ROOT / test).exists() for test in TESTS[path])


def test_equivalent_mutants_have_a_reason():
    known = mutants.known_equivalents()
    assert {path for path, *_ in known} <= set(TESTS)
    assert all(len(why) > 10 for why in known.values())
