"""Each thing that cannot be compiled has its own message, which names the line and the remedy."""

import collections
import datetime
import decimal
import math
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import autograd
from autograd import OPERATIONS, TracedBranchError, TraceError, Value, grad, jacobian, jit, jvp, vjp, where


def message(f, *args, error=TraceError, **options):
    with pytest.raises(error) as caught:
        jit(f, **options)(*args)
    return str(caught.value)


def test_branches_name_where_and_the_line():
    def f(x):
        if x > 0:  # the line that is at fault
            return x
        return -x

    for given in (f, grad(f)):
        text = message(given, 1.0, error=TracedBranchError)
        assert "autograd.where" in text
        assert "the line that is at fault" in text
        assert __file__ in text
    for g in (lambda x: x and 1.0, lambda x: not x, lambda x: max(x, 1.0), lambda x: 1.0 if x == 2 else x):
        assert "where" in message(g, 1.0, error=TracedBranchError)


def test_conversions():
    assert "autograd.sin" in message(lambda x: math.sin(x), 1.0)
    assert "do not convert" in message(lambda x: float(x), 1.0)
    assert "do not convert" in message(lambda x: int(x), 1.0)
    assert "index" in message(lambda x: [1.0, 2.0][x], 1)
    for index in (lambda x: np.ones(3)[x], lambda x: np.eye(3)[0, x], lambda x: np.ones(3)[[0, x]]):
        with pytest.raises(
            IndexError, match=r"only integers.*; a traced number is none.* take\(list, index\).*errors.py:"
        ):
            jit(index)(1.0)
    with pytest.raises(IndexError, match="out of bounds"):
        jit(lambda x: np.ones(3)[5] * x)(1.0)
    assert "index" in message(lambda n: sum(1.0 for _ in range(n)), 3)
    assert "digits" in message(lambda x: f"{x:.3f}", 1.0)
    assert "autograd.round" in message(lambda x: round(x, 2), 1.0)
    assert "in_axes" in message(lambda p: p[0] + p[1], np.array([1.0, 2.0]))
    assert "autograd.sin" in message(grad(lambda x: math.sin(x)), 1.0, error=TypeError)


def test_conditions_are_not_numbers():
    assert "where(condition, 1.0, 0.0)" in message(lambda x: (x > 1) * 2.0, 1.0)
    assert "where(condition, 1.0, 0.0)" in message(lambda x: 1.0 + (x > 1), 1.0)
    assert "where(condition, 1.0, 0.0)" in message(lambda x: x * (x > 1), 1.0)
    assert "where(condition, 1.0, 0.0)" in message(lambda x: autograd.exp(x > 1), 1.0)


def test_numbers_that_escape_their_trace():
    kept = []
    f = jit(lambda x: kept.append(x) or x * 2.0)
    assert f(3.0) == 6.0
    with pytest.raises(TraceError, match="after its trace had ended"):
        kept[0] + 1.0
    with pytest.raises(TraceError, match="another trace"):
        jit(lambda y: y * kept[0])(1.0)


def test_values_from_outside_must_be_declared():
    w = Value(0.5, name="w")
    compares = vars(Value).get("__gt__")
    for f in (lambda x: w * x, lambda x: x + w * w, lambda x: w, lambda x: autograd.dot([w, w], [x, x])):
        text = message(f, 1.0)
        assert "name='w'" in text
        assert "parameters=" in text
    assert "from outside" in message(grad(lambda x: w * x), 1.0)
    later = w * 2.0  # not a leaf, and as frozen
    assert "from outside" in message(lambda x: later * x, 1.0)
    for f in (
        lambda x: where(x > w, x, 0.0), lambda x: where(w <= x, x, 0.0), lambda x: where(w > 1.0, x, 0.0),
        lambda x: x if w > 1.0 else -x, lambda x: x if w else -x, lambda x: x if w == 0.5 else -x,
        lambda x: x * max(w, 1.0), lambda x: x * round(w, 1),
    ):  # fmt: skip
        text = message(f, 1.0)
        assert "name='w'" in text
        assert __file__ in text
    assert jit(lambda x: where(x > w, x, 0.0), parameters=[w])(1.0) == 1.0
    assert jit(lambda x: x if Value(2.0) > 1.0 else -x)(3.0) == 3.0
    inside = lambda x: x * jit(lambda y: 2.0 * y)(3.0)  # a trace within a trace
    assert jit(inside)(1.0) == 6.0
    assert "name='w'" in message(lambda x: where(x > w, inside(x), 0.0) if inside(x) is not None else x, 1.0)
    assert "name='w'" in message(lambda x: inside(x) * max(w, 1.0), 1.0)
    assert w > 0.25
    assert vars(Value).get("__gt__") is compares
    assert jit(lambda x: Value(2.0) * x + Value(1.0))(3.0) == 7.0  # made inside: a constant
    assert w.grad == 0.0
    assert type(w.data) is float


def test_a_failed_trace_leaves_parameters_as_they_were():
    w = Value(0.5)
    w.grad = 3.0

    def f(x):
        w.zero_grad()
        (w * x).backward()
        raise KeyError("no")

    with pytest.raises(KeyError):
        jit(f, parameters=[w])(1.0)
    assert (w.data, w.grad) == (0.5, 3.0)


def test_gradients_from_before_the_call():
    w = Value(0.5)

    def f(x):
        y = w * x
        y.backward()
        return y

    assert "zero_grad()" in message(f, 1.0, parameters=[w])


def test_arguments_that_are_no_numbers():
    for bad, kind in [(object(), "object"), ({1, 2}, "set"), (1j, "complex"), (b"x", "bytes")]:
        with pytest.raises(TypeError, match=kind):
            jit(lambda x: x)(bad)
    with pytest.raises(TypeError, match=r"argument 0\['a'\]\[1\]"):
        jit(lambda x: 1.0)({"a": [1.0, object()]})
    assert "array that holds a bool" in message(lambda x: np.array([x, True], dtype=object), 1.0)
    with pytest.raises(TypeError, match="array of"):
        jit(lambda x: x)(np.array(["a"]))
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    for axes in ("arrays", (0,), (None,)):
        f = jit(lambda x: x, in_axes=axes)
        for call in (f, f.mean):
            with pytest.raises(TypeError, match="argument 0 is a masked array"):
                call(masked)
    with pytest.raises(TypeError, match="compiles a function"):
        jit(3.0)
    with pytest.raises(TypeError, match="leaf Values"):
        jit(lambda x: x, parameters=[3.0])


def test_results_that_are_no_numbers():
    assert "the result[1]" in message(lambda x: [x, object()], 1.0)


def test_shapes_that_do_not_fit():
    f = jit(lambda x, y: x + y)
    with pytest.raises(ValueError, match=r"\(3,\), \(4,\)"):
        f(np.zeros(3), np.zeros(4))
    step = jit(lambda w, x, t: w * x - t)
    with pytest.raises(ValueError, match="3, 4 samples"):
        step.mean(1.0, np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="empty batch"):
        step.mean(1.0, np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="in_axes"):
        step.mean(1.0, 2.0, 3.0)
    with pytest.raises(ValueError, match="no axis"):
        step.mean(1.0, np.array(2.0), np.zeros(3))
    with pytest.raises(ValueError, match="in_axes"):
        jit(lambda x, y: x, in_axes=(0,))(1.0, 2.0)


def test_repeat_wants_the_same_structure_back():
    with pytest.raises(TypeError, match="a list of 2 numbers and returns a number"):
        jit(lambda s: s[0]).repeat(3, [1.0, 2.0])
    for count in (-1, 2.5, True):
        with pytest.raises(ValueError, match="repeat"):
            jit(lambda s: s).repeat(count, 1.0)


def test_nothing_traced_yet():
    with pytest.raises(ValueError, match="nothing is traced"):
        jit(lambda x: x).program()
    with pytest.raises(ValueError, match="2 numbers"):
        jit(lambda x, y: x + y).program(1.0, 1.0).run([1.0])


def test_a_rule_that_raises_does_so_from_the_machine_code():
    failing = autograd.define("jit_failing", lambda x: 1.0 / x, (lambda y, x: -y / x,), primitive=True)
    try:
        f = jit(failing)
        assert f(2.0) == 0.5
        with pytest.raises(ZeroDivisionError):
            f(0.0)
        with pytest.raises(ZeroDivisionError):
            f(np.array([1.0, 0.0, 2.0]))
        assert f(4.0) == 0.25
    finally:
        del OPERATIONS["jit_failing"]


def test_an_opaque_rule_names_its_line():
    opaque = autograd.define("jit_math", lambda x: math.exp(x), (lambda y, x: y,))
    try:
        assert "math.exp(x)" in message(opaque, 1.0)
    finally:
        del OPERATIONS["jit_math"]


def test_without_the_extra_the_message_names_it():
    script = """
        import sys
        sys.modules["llvmlite"] = None
        import autograd
        try:
            autograd.jit(lambda x: x)
        except autograd.MissingExtraError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "chalkgrad[jit]" in done.stdout
    assert "llvmlite" in done.stdout


def test_reductions_and_loops_take_their_arguments_by_position():
    f = jit(lambda x, y: x * y)
    for call in (f.mean, f.sum):
        for _ in range(2):
            assert call(np.ones(3), 2.0) in (2.0, 6.0)
            with pytest.raises(TypeError, match="by position, and 'y' was named"):
                call(np.ones(3), y=2.0)
    with pytest.raises(TypeError, match=r"repeat takes .* 'y' was named"):
        f.repeat(3, 1.0, y=2.0)


def test_in_axes_has_no_more_entries_than_the_function_has_arguments():
    with pytest.raises(ValueError, match=r"\(0, None, 0\), and the function takes 2"):
        jit(lambda x, y: x * y, in_axes=(0, None, 0))
    assert jit(lambda x, y=2.0: x * y, in_axes=(0, None))(np.ones(2)).tolist() == [2.0, 2.0]
    assert jit(lambda *xs: xs[0] * xs[1], in_axes=(0, None))(np.ones(2), 2.0).tolist() == [2.0, 2.0]


def test_a_list_where_a_batch_was_meant():
    f = jit(lambda p, x, t: (p * x[0] - t) ** 2)
    X, T = np.ones((4, 2)), np.ones(4)
    for args in [(2.0, X.tolist(), T), (2.0, X, T.tolist())]:
        with pytest.raises(TraceError, match=r"a list of \d stands where a number was wanted.*in_axes"):
            f.mean(*args)
    assert jit(lambda x: 1.0 if x == [1.0] else 2.0)(1.0) == 2.0


DATE = datetime.date(2020, 2, 29)
NO_BATCH = [  # what is given, where it is wrong, what the message calls it
    (1j, "", "complex"), ([1.0, 1j], "[1]", "complex"), ([[1.0, 2.0], [3.0, 4j]], "[1][1]", "complex"),
    ("1.5", "", "str"), ([1.0, "1.5"], "[1]", "str"), (b"1.5", "", "bytes"), ([b"1.5"], "[0]", "bytes"),
    (bytearray(b"12"), "", "bytearray"), (memoryview(b"12"), "", "memoryview"), (True, "", "bool"),
    ([1.0, True], "[1]", "bool"), ([[True], [False]], "[0][0]", "bool"), (None, "", "NoneType"),
    ([1.0, None], "[1]", "NoneType"), (DATE, "", "date"), ([[DATE]], "[0][0]", "date"),
    ([decimal.Decimal("1.5")], "[0]", "Decimal"), ({1.0}, "", "set"), ({"a": [1.0]}, "", "dict"),
    ([{"a": 1.0}], "[0]", "dict"), ([Value(1.0), 2.0], "[0]", "Value"),
]  # fmt: skip
NO_ARRAY = [  # the same for arrays, of which the message names the dtype
    (np.array([1j, 2.0]), "", "complex128"), (np.array(1j), "", "complex128"), (np.complex64(1j), "", "complex64"),
    ([np.array([1.0, 2.0]), np.array([1j, 2.0])], "[1]", "complex128"), (np.array([True]), "", "bool"),
    ([[np.True_, 1.0]], "[0][0]", "bool"), (np.array(["1.5"]), "", "<U3"), (np.array([b"1.5"]), "", "|S3"),
    (np.array(["2020-02-29"], dtype="M8[D]"), "", "datetime64"), (np.array([1], dtype="m8[s]"), "", "timedelta64"),
    (np.zeros(2, dtype="V4"), "", "|V4"), (np.zeros(2, dtype=[("a", "f8")]), "", "'a', '<f8'"),
    (np.array([1.0, None], dtype=object), "", "object"), (np.array([1.0, True], dtype=object), "", "object"),
]  # fmt: skip


@pytest.mark.parametrize("axes", [0, (0,)])
@pytest.mark.parametrize(
    ("given", "place", "name"), [*NO_BATCH, *NO_ARRAY], ids=lambda x: str(x)[:30].partition(" at 0x")[0]
)
def test_what_is_no_batch_of_numbers_is_refused_with_its_place(given, place, name, axes):
    f = jit(lambda x: x * 2.0, in_axes=axes)
    for call in (f, f.mean, f.sum, f.program, f.cost):
        with pytest.raises(TypeError) as caught:
            call(given)
        text = str(caught.value)
        assert text.startswith(f"argument 0{place} is a")
        assert "a compiled function takes" in text
        assert name in text
        if isinstance(given, np.ndarray | np.generic):  # in the words that there are without in_axes
            with pytest.raises(TypeError) as plain:
                jit(lambda x: x * 2.0)(given)
            assert str(plain.value) == text
    if given is not None and name not in ("str", "bool", "NoneType", "dict", "Value"):  # those are no error in a loop
        with pytest.raises(TypeError, match="argument 0"):
            f.repeat(2, given)


def test_arrays_of_other_libraries_are_looked_at_like_those_of_numpy():
    pd = pytest.importorskip("pandas")
    f = jit(lambda x: x * 2.0, in_axes=0)
    assert f(pd.Series([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert f.mean(pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})[["b"]].to_numpy()[:, 0]) == 7.0
    assert f(pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})).tolist() == [[2.0, 6.0], [4.0, 8.0]]
    dates = pd.Series(pd.to_datetime(["2020-02-29"]))
    flags = pd.DataFrame({"a": [1.0, 2.0], "b": [True, False]})
    for bad in (pd.Series([True, False]), pd.Series(["a"]), dates, flags):
        for call in (f, f.mean):
            with pytest.raises(TypeError, match=r"argument 0 is an array of .*; a compiled function takes"):
                call(bad)


def test_batches_that_are_no_arrays():
    f = jit(lambda x: x * 2.0, in_axes=0)
    for given in ([1, 2.0], (1.0, 2), range(1, 3), collections.deque([1.0, 2.0]), [np.float32(1.0), np.int8(2)]):
        assert f(given).tolist() == [2.0, 4.0]
        assert f.sum(given) == 6.0
    assert f([[1, 2.0], np.array([3.0, 4.0])]).tolist() == [[2.0, 4.0], [6.0, 8.0]]
    for bad, text in [
        ([[1.0, 2.0], [3.0]], r"argument 0\[0\] has the shape \(2,\), and argument 0\[1\] has \(1,\)"),
        ([[[1.0], [2.0]], [[1.0], 2.0]], r"argument 0\[1\]\[0\] has the shape \(1,\), and argument 0\[1\]\[1\] has"),
    ]:
        with pytest.raises(TypeError, match=text):
            f.mean(bad)
    with pytest.raises(ValueError, match="argument 0 is a batch by in_axes, and makes no array of floats"):
        f([10**400])


def test_values_where_machine_code_is_asked_for():
    w, x = Value(2.0), np.array([1.0, 3.0])
    f = jit(lambda w, x: w * x)
    g = jit(lambda w: 2.0 * w, in_axes=0)
    many = np.array([Value(1.0), Value(2.0)])
    assert f(w, 3.0).operands  # the call itself builds a graph
    assert g(w).operands
    assert g(many)[1].operands
    assert f.mean(w, x).operands  # and so do the loops
    assert f.repeat(2, w, 1.0).operands
    assert g.mean(many).data == 3.0
    for call, args in [(f.program, (w, 1.0)), (f.cost, (w, 1.0)), (g.program, (w,))]:
        with pytest.raises(TypeError, match=r"argument 0(\[0\])? is a Value, and machine code takes plain numbers"):
            call(*args)
    assert jit(lambda w: f.mean(w, x))(2.0) == 4.0
    with pytest.raises(TypeError, match="a batch by in_axes is an array or a list of samples, and Value"):
        g.mean(w)


def nested(levels, around):
    x = 1.5
    for _ in range(levels):
        x = around(x)
    return x


def innermost(x):
    while isinstance(x, list | tuple | dict):
        (x,) = x.values() if isinstance(x, dict) else x
    return x


def circles():
    a, b = [1.0], {}
    a.append(a)
    b["again"] = ([b],)
    return [a, b, [[a]]]


AROUND = [lambda x: [x], lambda x: (x,), lambda x: {"a": x}]


@pytest.mark.parametrize("around", AROUND)
def test_as_many_levels_as_there_may_be(around):
    x = nested(autograd.pytree.DEEPEST, around)
    f = lambda x: innermost(x) * 2.0
    compiled = jit(f)
    assert [compiled(x), compiled(x)] == [3.0, 3.0]
    assert innermost(grad(f)(x)) == innermost(jit(grad(f))(x)) == 2.0
    assert jvp(f, (x,), (x,)) == (3.0, 3.0)
    assert innermost(vjp(f, x)[1](1.0)[0]) == 2.0
    assert jit(lambda x, y: innermost(x) * y).mean(x, np.array([1.0, 3.0])) == 3.0


@pytest.mark.parametrize("given", [*[nested(2000, around) for around in AROUND], *circles()], ids=range(6))
def test_no_end_and_too_many_levels(given):
    f = lambda x: innermost(x) * 2.0
    deep = r"is nested more than 200 deep|contains itself"
    compiled, batch = jit(f), jit(f, in_axes=0)
    calls = [
        compiled, compiled.mean, compiled.program, batch.mean, lambda x: compiled.repeat(2, x),
        grad(f), jit(grad(f)), lambda x: jvp(f, (x,), (x,)), lambda x: vjp(f, x), lambda x: autograd.check_grad(f, x),
        jacobian(lambda y: given), jit(lambda y: given),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        if call == batch.mean and isinstance(given, dict):
            continue  # no batch, as deep as it may be
        with pytest.raises(TraceError if i == len(calls) - 1 else TypeError, match=deep) as caught:
            call(1.0 if i >= len(calls) - 2 else given)
        assert len(str(caught.value)) < 400


def test_the_message_tells_a_circle_from_many_levels():
    shared = [1.0]
    wide = [shared, shared, nested(300, lambda x: [shared, x])]  # nothing in it holds itself
    for f in (grad(lambda x: 1.0), jit(lambda x: 1.0)):
        with pytest.raises(TypeError, match=r"\[2\]\[1\]\[1\].* is nested more than 200 deep"):
            f(wide)
        with pytest.raises(TypeError, match=r"\['again'\]\[0\]\[0\].* contains itself, so it has no end"):
            f(circles()[1])
    array = np.empty(1, dtype=object)
    array[0] = array
    with pytest.raises(TypeError, match="contains itself"):
        grad(lambda x: 1.0)(array)


def test_repeat_names_what_differs():
    with pytest.raises(TypeError, match=r"takes a list of \(a number, True\) and returns a condition"):
        jit(lambda s: s[0] > 1.0).repeat(2, [1.0, True])


def test_a_batch_of_lists_has_numbers_of_any_kind_and_nothing_else():
    double = jit(lambda x: 2.0 * x, in_axes=0)
    for rows in ([[1, np.float32(2.0)], (3.0, np.int8(4))], [[[1.0], [2.0]], [[3.0], [4.0]]], [np.ones(2), [1.0, 2]]):
        assert double(rows).tolist() == (2.0 * np.array(rows)).tolist()
    assert double([[[[[1.0]]]]]).tolist() == [[[[[2.0]]]]]
    for wrong in (True, np.True_, np.timedelta64(1), "1", 1j, None, Value(1.0)):
        for rows, place in (([wrong], "0[0]"), ([[1.0, 2.0], [3.0, wrong]], "0[1][1]")):
            with pytest.raises(TypeError, match=re.escape(f"argument {place} is a")):
                double(rows)
