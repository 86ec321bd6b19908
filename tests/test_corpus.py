"""What fuzzing has found worth keeping, handed over once more; see `fuzz_inputs.py`."""

import pytest

from tests.fuzz_inputs import CORPUS, ENTRIES, LONGEST

INPUTS = [(path.parent.name, path) for path in sorted(CORPUS.glob("*/*"))]


@pytest.mark.parametrize(("target", "path"), INPUTS, ids=lambda each: getattr(each, "name", each))
def test_an_input_is_taken_or_refused_as_documented(target, path):
    ENTRIES[target](path.read_bytes())


def test_the_corpus_is_small_and_has_something_for_each():
    sizes = {target: [p.stat().st_size for t, p in INPUTS if t == target] for target in ENTRIES}
    assert {target for target, _ in INPUTS} == set(ENTRIES)
    assert all(10 <= len(each) <= 200 and max(each) <= LONGEST for each in sizes.values())
