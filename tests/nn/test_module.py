import copy
import math
import pickle

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
