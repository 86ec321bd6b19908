"""Structures: plain data that says what goes in and out, and chooses the program."""

import pickle
from array import array
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

import nn
from autograd import grad, jit
from autograd.compiler import structure
from autograd.compiler.structure import Arguments, Reader, Source, build, describe, places
from tests.compiler.containers import Pair, Point

EXAMPLES = [
    (1.5, [""]),
    ([1.0, 2.0], ["[0]", "[1]"]),
    ([1, 2.0], ["[0]", "[1]"]),
    ([], []),
    ((1.0, "up", [None, True]), ["[0]"]),
    (Point(1.0, 2.0), ["[0]", "[1]"]),
    ({"w": [1.0], 2: 3.0}, ["['w'][0]", "[2]"]),
    (Pair(1.0, [(2.0,)]), [".a", ".b[0][0]"]),
]


@pytest.mark.parametrize(("x", "where"), EXAMPLES, ids=str)
def test_what_is_taken_apart_is_put_together_again(x, where):
    into = Arguments()
    described = describe(x, into, "x")
    assert places(described) == where
    assert len(into.numbers) == len(where)
    for source in (Source(into.numbers), Reader(array("d", into.numbers))):
        assert build(described, source) == x
    copy = pickle.loads(pickle.dumps(described))
    assert copy == described
    assert hash(copy) == hash(described)


def test_structures_tell_apart_what_programs_tell_apart():
    described = [describe(x, Arguments(), "x") for x, _ in EXAMPLES]
    described += [describe(x, Arguments(), "x") for x in ([True], ["1"], {True: 1.0}, {1: 1.0}, {1.0: 1.0}, (1.0, 2.0))]
    assert len(set(described)) == len(described) - 1  # a list of numbers is one, of whichever type they are
    f = jit(lambda p: p[0] * p[1])
    assert (f([2, 3.0]), f([2.0, 3.0]), f([np.float32(2.0), 3])) == (6.0, 6.0, 6.0)
    assert repr(f).endswith("1 structure(s) of arguments>")


def test_kinds_are_pickled_by_the_names_that_the_module_gives_them():
    kinds = [x for x in vars(structure).values() if isinstance(x, structure.Kind)]
    assert len(kinds) == 11
    for kind in kinds:
        assert pickle.loads(pickle.dumps(kind)) is kind


def test_words_for_a_message():
    into = Arguments()
    into.arrays = structure.WHOLE
    x = {"p": (1.0, [2.0, 3.0]), "q": np.ones((2, 3)), "m": nn.MLP(1, [1]), "s": "up"}
    assert structure.show(describe(x, into, "x")) == (
        "a dict of (a tuple of (a number, a list of 2 numbers), an array of shape (2, 3), a module, 'up')"
    )
    with pytest.raises(TypeError, match=r"argument 0\['a'\]\.b\[1\] is a set"):
        jit(lambda x: 1.0)({"a": Pair(1.0, [2.0, {3}])})


def test_a_batch_of_rows_without_numbers_is_a_batch():
    f = jit(lambda row, y: y * 2.0 + len(row))
    assert [f.mean(np.ones((4, 0)), 3.0) for _ in range(2)] == [6.0, 6.0]
    assert f.sum(np.ones((4, 0)), np.arange(4.0)) == 12.0


def test_dicts_of_another_type_stay_what_they_are():
    compiled = jit(grad(lambda c: c["a"] * c["b"]))
    for kind in (Counter, OrderedDict, dict):
        result = compiled(kind(b=3.0, a=2.0))
        assert (type(result), list(result.items())) == (kind, [("b", 2.0), ("a", 3.0)])
    default = jit(grad(lambda c: c["a"] * c["b"] + sum(c["none"])))(defaultdict(list, a=2.0, b=3.0))
    assert (type(default), default.default_factory, dict(default)) == (defaultdict, list, {"a": 3.0, "b": 2.0})
    assert jit(lambda c: c["a"] + c["none"])(Counter(a=2)) == 2.0  # a Counter has 0 there
