import collections
import copy
import dataclasses
import functools
import math
import operator
import pickle
import types

import numpy as np
import pytest

import nn
from autograd import Value


class Nested(nn.Module):
    """Parameters wherever Python lets one put them."""

    def __init__(self):
        super().__init__()
        self.scale = Value(2.0)
        self.table = {"a": Value(3.0), "b": [Value(4.0), Value(5.0)]}
        self.pair = (nn.Neuron(1, init="ones"), nn.Neuron(1, init="ones"))
        self.grid = [[Value(6.0)], [Value(7.0)]]
        self.again = self.scale  # shared: one parameter
        self.text, self.number, self.nothing = "no parameter", 3.0, None

    def forward(self, x):
        return self.scale * x


NAMES = [
    "scale",
    "table.a",
    "table.b.0",
    "table.b.1",
    "pair.0.w.0",
    "pair.0.b",
    "pair.1.w.0",
    "pair.1.b",
    "grid.0.0",
    "grid.1.0",
]


def test_registers_what_attributes_lists_tuples_and_dicts_hold():
    model = Nested()
    assert [name for name, _ in model.named_parameters()] == NAMES
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]
    assert [name for name, _ in model.named_modules()] == ["", "pair.0", "pair.1"]


def test_interior_nodes_are_no_parameters():
    model = Nested()
    model.kept = model.scale * 2.0
    assert len(model.parameters()) == len(NAMES)


def test_a_module_that_knows_its_parent_is_walked_once():
    outer = Nested()
    outer.pair[0].parent = outer
    assert len(outer.parameters()) == len(NAMES)
    assert len(list(outer.modules())) == 3
    assert len(outer.state_dict()) == 8


def test_state_dict_goes_through_and_back():
    model = Nested()
    state = model.state_dict()
    assert state["grid"] == [[6.0], [7.0]]
    assert state["table.b"] == [4.0, 5.0]
    assert "again" not in state
    other = Nested()
    for p in other.parameters():
        p.data = -1.0
    other.load_state_dict(state)
    assert other.state_dict() == state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("scale"), "missing: scale"),
        (lambda s: s.update(extra=1.0), "unexpected: extra"),
        (lambda s: s.update(scale=[1.0]), "scale is one number, and the state has a list of 1"),
        (lambda s: s.update(grid=[[6.0], [7.0], [8.0]]), "grid is a list of 2, and the state has a list of 3"),
        (lambda s: s.update(grid=[[6.0], 7.0]), "grid.1 is a list of 1"),
        (lambda s: s.update(scale=math.nan), "scale is nan"),
        (lambda s: s.update(scale=-math.inf), "scale is -inf"),
        (lambda s: s.update(scale=True), "scale is one number"),
        (lambda s: s.update(scale="1.0"), "scale is one number"),
        (lambda s: s.update(scale=10**400), "scale is too large"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    model = Nested()
    before, state = model.state_dict(), {name: copy.deepcopy(x) for name, x in model.state_dict().items()}
    for name in state:
        state[name] = -9.0 if isinstance(state[name], float) else state[name]
    change(state)
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state)
    assert model.state_dict() == before


def test_load_that_is_not_strict_leaves_the_rest():
    model = Nested()
    model.load_state_dict({"scale": -1.0, "unknown": 3.0}, strict=False)
    assert model.scale.data == -1.0
    assert model.table["a"].data == 3.0


def test_two_parameters_of_one_name_are_refused():
    model = nn.Module()
    model.a = {"b": Value(1.0)}
    setattr(model, "a.b", Value(2.0))
    with pytest.raises(ValueError, match=r"both called 'a\.b'"):
        model.state_dict()


def test_zero_grad_train_eval_and_freeze():
    model = nn.Sequential(nn.Layer(1, 2, seed=0), nn.Dropout(0.5, seed=0), nn.Layer(2, 1, seed=1))
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train().steps[1].training
    model.steps[0].requires_grad_(False)
    model.eval()([3.0]).backward()
    assert not any(p.has_grad for p in model.steps[0].parameters())
    assert all(p.has_grad for p in model.steps[2].parameters())
    assert "4 parameters, 4 frozen" in repr(model)
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())
    model.requires_grad_()
    assert all(p.requires_grad for p in model.parameters())


def test_unknown_attribute_and_missing_forward_are_clear_errors():
    with pytest.raises(AttributeError, match="wieghts"):
        nn.MLP(1, [1]).wieghts
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()([1.0])


def test_repr_counts_and_nests():
    assert repr(nn.Neuron(3, activation="tanh")) == "Neuron(3, tanh)  # 4 parameters"
    lines = repr(nn.Sequential(nn.MLP(2, [3, 1], bias=False), nn.Dropout(0.25))).splitlines()
    assert lines == [
        "Sequential()  # 9 parameters",
        "  (steps.0): MLP(2 → 3 → 1)  # 9 parameters",
        "    (layers.0): Layer(2, 3, relu, bias=False)  # 6 parameters",
        "    (layers.1): Layer(3, 1, linear, bias=False)  # 3 parameters",
        "  (steps.1): Dropout(p=0.25)  # 0 parameters",
    ]


def test_copy_and_pickle():
    model = nn.MLP(2, [3, 1], activation="tanh", bias="shared", seed=1)
    x = [0.5, -0.25]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other(x).data == model(x).data
        assert not {id(p) for p in other.parameters()} & {id(p) for p in model.parameters()}
        assert len(other.parameters()) == len(model.parameters())


def test_a_module_may_hold_itself_and_its_parent():
    outer, inner = nn.Module(), nn.Module()
    outer.child, inner.parent, inner.w = inner, outer, Value(1.0)
    assert len(outer.parameters()) == 1
    assert repr(outer).splitlines() == [
        "Module()  # 1 parameter", "  (child): Module()  # 1 parameter", "    (parent): ...",
    ]  # fmt: skip


def test_a_state_may_hold_numbers_of_numpy():
    neuron = nn.Neuron(1, seed=0)
    neuron.load_state_dict({"w": [np.float32(0.5)], "b": np.int64(2)})
    assert neuron.state_dict() == {"w": [0.5], "b": 2.0}


def test_modules_are_those_that_have_names_in_the_same_order():
    inner = nn.MLP(2, [3, 1])
    model = nn.Sequential(inner, nn.Dropout(0.5))
    model.more = {"again": inner, "list": [nn.Dropout(0.1), (nn.MLP(1, [1]),)], "number": 3.0}
    model.itself = model
    assert list(map(id, model.modules())) == [id(module) for _, module in model.named_modules()]


def test_a_module_that_is_a_list_too_has_what_is_in_it():
    class Many(nn.Module, list):
        pass

    many = Many()
    many.append(Value(1.0))
    many.append(nn.Neuron(2, seed=0))
    assert len(many.parameters()) == 4
    assert len(list(many.modules())) == 2


# ------------------------------------------------------------- wherever else Python lets one put parameters

Pair = collections.namedtuple("Pair", "left right")


@dataclasses.dataclass
class Ends:
    low: Value
    high: Value
    inner: list = dataclasses.field(default_factory=lambda: [Value(3.0)])


@dataclasses.dataclass(slots=True)
class Slim:
    low: Value
    high: Value


class Slotted(nn.Module):
    __slots__ = ("__hidden", "never_set", "w")

    def __init__(self):
        super().__init__()
        self.b = Value(3.0)
        self.w = [Value(1.0), Value(2.0)]
        self.__hidden = Value(0.0)


@dataclasses.dataclass(eq=False)
class Line(nn.Module):
    slope: Value
    offset: Value = Value(1.0)  # noqa: RUF009  # stands on the class, too


HOLDERS = {
    "array": (lambda: np.array([Value(1.0), Value(2.0)]), {"x": [1.0, 2.0]}),
    "grid": (lambda: np.array([[Value(1.0)], [Value(2.0)]]), {"x": [[1.0], [2.0]]}),
    "array without axes": (lambda: np.array(Value(1.0)), {"x": [1.0]}),
    "array of mixed things": (
        lambda: np.array([Value(1.0), None, "text", nn.Neuron(1, init="ones")], dtype=object),
        {"x.0": 1.0, "x.3.w": [1.0], "x.3.b": 0.0},
    ),
    "deque": (lambda: collections.deque([Value(1.0), Value(2.0)], maxlen=2), {"x": [1.0, 2.0]}),
    "deque of modules": (lambda: collections.deque([nn.Neuron(1, init="ones")]), {"x.0.w": [1.0], "x.0.b": 0.0}),
    "arrays in a list": (lambda: [np.array([Value(1.0)]), np.array([Value(2.0)])], {"x": [[1.0], [2.0]]}),
    "UserList": (lambda: collections.UserList([Value(1.0)]), {"x": [1.0]}),
    "UserDict": (lambda: collections.UserDict(a=Value(1.0)), {"x.a": 1.0}),
    "OrderedDict": (lambda: collections.OrderedDict(a=Value(1.0)), {"x.a": 1.0}),
    "mapping proxy": (lambda: types.MappingProxyType({"a": Value(1.0)}), {"x.a": 1.0}),
    "namedtuple": (lambda: Pair(Value(1.0), Value(2.0)), {"x": [1.0, 2.0]}),
    "namespace": (lambda: types.SimpleNamespace(a=Value(1.0), n=3), {"x.a": 1.0}),
    "dataclass": (lambda: Ends(Value(1.0), Value(2.0)), {"x.low": 1.0, "x.high": 2.0, "x.inner": [3.0]}),
    "dataclass with slots": (lambda: Slim(high=Value(1.0), low=Value(2.0)), {"x.high": 1.0, "x.low": 2.0}),
    "slots": (lambda: Slotted(), {"x._Slotted__hidden": 0.0, "x.w": [1.0, 2.0], "x.b": 3.0}),
    "module that is a dataclass": (lambda: Line(Value(2.0)), {"x.slope": 2.0, "x.offset": 1.0}),
}


def holding(x):
    module = nn.Module()
    module.x = x
    return module


@pytest.mark.parametrize("kind", HOLDERS)
def test_parameters_are_found_in_whatever_has_an_order(kind):
    make, state = HOLDERS[kind]
    module = holding(make())
    assert module.state_dict() == state
    named = dict(module.named_parameters())
    assert list(map(id, named.values())) == list(map(id, module.parameters()))
    for path, p in named.items():  # a path leads through the state to the parameter's number
        entry = next(name for name in state if path == name or path.startswith(name + "."))
        places = [int(i) for i in path.removeprefix(entry).split(".")[1:]]
        assert functools.reduce(operator.getitem, places, state[entry]) == p.data
    assert [id(m) for m in module.modules()] == [id(m) for _, m in module.named_modules()]
    assert repr(module).startswith(f"Module()  # {len(named)} parameter")


@pytest.mark.parametrize("kind", [kind for kind in HOLDERS if kind != "mapping proxy"])  # which Python does not copy
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_what_is_found_can_be_loaded_copied_and_trained(kind, clone):
    module = holding(HOLDERS[kind][0]())
    other = clone(module)
    assert other.state_dict() == module.state_dict()
    before = [p.data for p in other.parameters()]
    other.zero_grad()
    sum((p * p for p in other.parameters()), 0.0).backward()
    nn.Adam(other.parameters(), lr=0.25).step()
    moved = [p.data != x for p, x in zip(other.parameters(), before, strict=True)]
    assert moved == [x != 0.0 for x in before]  # the gradient 2p is 0 there
    module.load_state_dict(other.state_dict())
    assert module.state_dict() == other.state_dict()


@pytest.mark.parametrize("jit", [False, True])
def test_fit_trains_parameters_in_an_array_a_deque_and_slots(jit):
    class Net(nn.Module):
        __slots__ = ("offset",)

        def __init__(self):
            super().__init__()
            self.w = np.array([Value(0.5), Value(-0.5)])
            self.powers = collections.deque([Value(0.25)])
            self.offset = Value(0.0)

        def forward(self, x):
            return self.w[0] * x[0] + self.w[1] * x[1] + self.powers[0] * x[0] * x[1] + self.offset

    model = Net()
    before = model.state_dict()
    nn.fit(model, [[1.0, 2.0], [0.5, 3.0]], [1.0, 2.0], epochs=2, batch_size=1, progress=False, jit=jit)
    after = model.state_dict()
    assert list(after) == ["offset", "w", "powers"]
    assert all(after[name] != before[name] for name in after)


def test_an_array_of_numbers_and_other_objects_hold_no_parameters():
    class Box:
        def __init__(self):
            self.w = Value(1.0)

    module = holding([np.zeros((1000, 1000)), np.array(["a", None], dtype=object), Box(), range(10**12), b"", {1, "a"}])
    assert module.parameters() == []


UNORDERED = {
    "set": lambda w: {w},
    "frozenset": lambda w: frozenset([w]),
    "set in a list": lambda w: [1.0, {w}],
    "tuple in a set": lambda w: {("name", w)},
    "set in a set": lambda w: {frozenset([w])},
    "module in a set": lambda w: {nn.Dropout(0.5)},
}
ASKING = {
    "parameters": lambda m: m.parameters(),
    "named_parameters": lambda m: list(m.named_parameters()),
    "modules": lambda m: list(m.modules()),
    "named_modules": lambda m: list(m.named_modules()),
    "state_dict": lambda m: m.state_dict(),
    "load_state_dict": lambda m: m.load_state_dict({}, strict=False),
    "zero_grad": lambda m: m.zero_grad(),
    "eval": lambda m: m.eval(),
    "fit": lambda m: nn.fit(m, [[1.0]], [1.0], progress=False),
}


@pytest.mark.parametrize("kind", UNORDERED)
@pytest.mark.parametrize("ask", ASKING)
def test_a_parameter_that_only_a_set_holds_is_an_error_that_says_where(kind, ask):
    module = holding(nn.Neuron(1, seed=0))
    module.x.extra = UNORDERED[kind](Value(1.0))
    with pytest.raises(TypeError, match=r"x\.extra(\.1)? of Module is a (frozen)?set .* no order .* in a list"):
        ASKING[ask](module)
    assert repr(module).startswith("Module()  # 2 parameters")


def test_a_set_of_parameters_that_stand_elsewhere_too_is_no_error():
    module = holding([Value(1.0), Value(2.0), nn.Dropout(0.5)])
    module.no_decay = {module.x[1], module.x[2], module.x[0] * 2.0, "name"}
    assert module.state_dict() == {"x.0": 1.0, "x.1": 2.0}
    model = nn.MLP(2, [1], seed=0)
    with pytest.raises(TypeError, match=r"a set has no order.* a list"):
        nn.SGD(set(model.parameters()))
    with pytest.raises(TypeError, match=r"a set has no order.* a list"):
        nn.SGD([{"params": frozenset(model.parameters())}])


def test_a_parameter_on_the_class_is_an_error_that_says_where():
    class Base(nn.Module):
        w = Value(2.0)
        limits = (0.0, 1.0)
        names = {"a", "b"}  # noqa: RUF012

        def forward(self, x):
            return self.w * x

    class Net(Base):
        pass

    for ask in (*ASKING.values(), lambda m: holding([m]).parameters()):
        with pytest.raises(TypeError, match=r"Net\.w has parameters, and stands on the class: .* set self\.w in"):
            ask(Net())
    assert repr(Net()) == "Net()  # 0 parameters"
    own = Net()
    own.w = Value(2.0)
    assert own.state_dict() == {"w": 2.0}
    Base.w.requires_grad = False
    assert Net().parameters() == []

    class Other(Base):
        w = 3.0
        layers = [nn.Neuron(1)]  # noqa: RUF012

    with pytest.raises(TypeError, match=r"Other\.layers has parameters"):
        Other().parameters()

    class Itself(nn.Module):
        pass

    Itself.default = Itself()
    with pytest.raises(TypeError, match=r"Itself\.default has parameters"):
        Itself().parameters()


def test_a_frozen_module_on_the_class_that_no_mode_reaches_is_a_constant():
    class Student(nn.Module):
        teacher = nn.Sequential(nn.Neuron(1, init="ones"), nn.Dropout(0.5)).requires_grad_(False)

    with pytest.raises(TypeError, match=r"Student\.teacher .* a module with requires_grad_\(False\)\.eval\(\)"):
        Student().train()  # which would not reach its Dropout
    Student.teacher.eval()
    assert Student().train().parameters() == []
    assert Student.teacher([2.0]).data == 2.0


def test_an_attribute_that_answers_with_an_error_of_its_own_holds_no_parameters():
    class Proxy:
        def __getattr__(self, name):
            raise RuntimeError("there is nothing behind it here")

    module = holding(Proxy())
    module.w = Value(1.0)
    assert module.state_dict() == {"w": 1.0}
    assert len(module.parameters()) == 1


def test_a_module_that_is_a_list_has_its_attributes_too():
    class Many(nn.Module, list):
        pass

    many = Many()
    many.append(nn.Neuron(1, init="ones"))
    many.scale = Value(2.0)
    assert many.state_dict() == {"scale": 2.0, "0.w": [1.0], "0.b": 0.0}
    assert len(many.parameters()) == 3


def test_a_list_that_holds_itself_is_no_trouble():
    module = holding([Value(1.0)])
    module.x.append(module.x)
    assert len(module.parameters()) == 1
    assert list(dict(module.named_parameters())) == ["x.0"]
    assert repr(module) == "Module()  # 1 parameter"


@pytest.mark.parametrize("kind", [list, dict, set])
def test_a_class_may_list_its_instances(kind):
    class Listed(nn.Module):
        made = kind()

        def __init__(self):
            self.w = Value(1.0)
            if kind is dict:
                self.made[len(self.made)] = self
            else:
                (self.made.append if kind is list else self.made.add)(self)

    models = [Listed() for _ in range(3)]
    assert [m.parameters() for m in models] == [[m.w] for m in models]
