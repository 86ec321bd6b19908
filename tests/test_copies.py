"""Everything public can be copied and pickled, alone or with what it belongs to, and then does the same as before.

A class that becomes public without an example here fails the tests.
"""

import copy
import functools
import inspect
import pickle
from types import ModuleType

import pytest

import autograd as ag
import nn
from autograd import Value

DATA = {name: f for name, f in vars(nn.data).items() if inspect.getmodule(f) is nn.data and name[0] != "_"}
LAZY = {name: getattr(ag, name) for name in ["abs", "max", "min", "round", "sum"]}  # not in __all__: builtins have them
PUBLIC = {
    **{f"autograd.{name}": getattr(ag, name) for name in [*ag.__all__, *LAZY]},
    **{f"nn.{name}": getattr(nn, name) for name in nn.__all__},
    **{f"nn.data.{name}": each for name, each in DATA.items()},
}
MODULES = {name for name, each in PUBLIC.items() if isinstance(each, ModuleType)}  # Python copies and pickles none
NAMELESS = {"nn.INITIALIZERS"}  # a table of functions that have no name of their own to be pickled by


def by_pickle(x):
    return pickle.loads(pickle.dumps(x))


DUPLICATES = pytest.mark.parametrize("duplicate", [copy.deepcopy, by_pickle])


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in MODULES])
@DUPLICATES
def test_what_is_public_is_copied_by_its_name(duplicate, name):
    """A function or class is itself again, and so is a row of a table; a table is equal."""
    if name in NAMELESS and duplicate is by_pickle:
        pytest.skip("its functions have no names to be pickled by; they are found in the table")
    twin = duplicate(PUBLIC[name])
    if isinstance(PUBLIC[name], (dict, str)):
        assert twin == PUBLIC[name]
        assert name == "autograd.engine" or all(twin[key] is row for key, row in PUBLIC[name].items())
    else:
        assert twin is PUBLIC[name]


# ----------------------------------------------------------- an example of each


def graph():
    w, x = Value(0.5, name="w"), Value(-2.0, name="x")
    loss = (w * x).tanh() + w
    loss.name = "loss"
    loss.backward()
    return loss


def derivation():
    loss = graph()
    return ag.explain(loss, wrt=loss.operands[1])


def findings():
    w = Value(-1.0, name="w")
    y = (w * 2.0).relu()
    y.backward()
    return ag.diagnose(y)


def model():
    return nn.MLP(2, [3, 1], activation="tanh", seed=3)


def quadratic(x):
    return x * x * 3.0


X, Y = nn.data.xor()


def train(model, optimizer):
    """Two more steps; returns the parameters."""
    for _ in range(2):
        optimizer.zero_grad()
        nn.mse([model(x) for x in X], Y).backward()
        optimizer.step()
    return model.state_dict(), optimizer.state_dict()


def trained(kind, **options):
    net = model()
    optimizer = kind(net.parameters(), lr=0.1, **options)
    train(net, optimizer)
    return net, optimizer


class Halving(nn.Optimizer):
    """An optimiser of a user's own, whose rule remembers the last gradient."""

    slots = ("last",)

    def __init__(self, parameters, lr=0.1):
        super().__init__(parameters, lr=lr)

    @staticmethod
    def rule(p, g, state, t, lr):
        return p - lr * (0.5 * (g + state[0])), (g,)


class Line(nn.Module):
    """A module of a user's own, with a list, a dict, a module and a plain attribute."""

    def __init__(self):
        super().__init__()
        self.a = Value(2.0)
        self.more = [Value(1.0), {"b": Value(-1.0)}]
        self.neuron = nn.Neuron(1, seed=2)
        self.note = "mine"

    def forward(self, x):
        return self.a * x + self.more[0] * self.more[1]["b"] + self.neuron([x])


def scheduled(kind, *args, **options):
    optimizer = nn.SGD(model().parameters(), lr=0.1)
    schedule = kind(optimizer, *args, **options)
    schedule.step(1.0)
    return schedule


def rates(schedule):
    """The learning rates of the next epochs, and those that its optimiser has then."""
    found = [schedule.get_last_lr(), schedule.state_dict()]
    for monitored in (1.0, 2.0, 2.0, 2.0):
        schedule.step(monitored)
        found.append((schedule.get_last_lr(), [group["lr"] for group in schedule.optimizer.param_groups]))
    return found


def half_of(epoch):
    return 0.5**epoch


def sequence(optimizer):
    return nn.SequentialLR(optimizer, [nn.StepLR(optimizer, 1), nn.ExponentialLR(optimizer, 0.5)], [2])


def outputs(net):
    net.eval()
    return [_number(net(x)) for x in X], repr(net), net.state_dict()


def _number(out):
    return [_number(o) for o in out] if isinstance(out, list) else out.data


def values(output):
    return [(v.data, v.grad, v.has_grad, v.name, v.op, v.partials) for v in ag.topological_order(output)]


def training():
    net, optimizer = trained(nn.Adam)
    history = nn.History()
    history.append({"epoch": 1, "loss": 0.5})
    return nn.Training(net, optimizer, history, 1, {"loss": 0.5})


def history():
    return nn.fit(model(), X, Y, epochs=3, progress=False, callbacks=nn.record_gradients)


def columns(h):
    return h.columns, h.stopped, h.gradient_flow, len(h), h.best()


def pictures(diagram):
    return diagram.text, diagram.json, diagram.dot, diagram.mermaid


def film():
    return nn.fit(model(), X, Y, epochs=2, record=1, progress=False).player()


def caught(error):
    return type(error), error.args, str(error)


def errors(*kinds):
    return {kind: (functools.partial(kind, "what was wrong, and what to do"), caught) for kind in kinds}


def optimizers():
    rows = {
        nn.SGD: {"momentum": 0.9},
        nn.Adam: {"amsgrad": True},
        nn.AdamW: {},
        nn.RMSprop: {"momentum": 0.5, "centered": True},
        nn.Adagrad: {},
        Halving: {},
    }
    made = {
        kind: (functools.partial(trained, kind, **options), lambda pair: train(*pair)) for kind, options in rows.items()
    }
    return {**made, nn.Optimizer: made[Halving]}


# For each public class: how an instance is made, and what is compared. An optimiser comes with the model it trains.
EXAMPLES = {
    ag.Value: (graph, values),
    ag.Number: (graph, values),  # the base class; a Value is one
    ag.Operation: (lambda: ag.OPERATIONS["tanh"], id),
    ag.Diagram: (lambda: ag.draw(graph()), pictures),
    ag.Derivation: (derivation, str),
    ag.Finding: (lambda: findings()[0], lambda f: (f.kind, f.numbers, f.message, f.advice, str(f))),
    **errors(
        ag.AutogradError, ag.AnomalyError, ag.GradientCheckError, ag.DiagramError, ag.TraceError, ag.TracedBranchError,
        ag.MissingExtraError, nn.CheckpointError,
    ),
    nn.Module: (Line, lambda line: (line(2.0).data, line.state_dict(), line.note, line.training)),
    nn.Neuron: (lambda: nn.Neuron(2, activation="gelu", seed=1), outputs),
    nn.Layer: (lambda: nn.Layer(2, 2, activation="elu", bias="shared", seed=1), outputs),
    nn.MLP: (model, outputs),
    nn.Sequential: (lambda: nn.Sequential(nn.Layer(2, 3, seed=0), nn.Dropout(seed=4), nn.MLP(3, [1], seed=1)), outputs),
    nn.Dropout: (lambda: nn.Dropout(0.5, seed=4), lambda d: [d([Value(1.0)] * 20)[i].data for i in range(20)]),
    **optimizers(),
    nn.Schedule: (lambda: scheduled(nn.StepLR, 2), rates),
    nn.LambdaLR: (lambda: scheduled(nn.LambdaLR, half_of), rates),
    nn.StepLR: (lambda: scheduled(nn.StepLR, 2), rates),
    nn.ExponentialLR: (lambda: scheduled(nn.ExponentialLR, 0.5), rates),
    nn.CosineAnnealingLR: (lambda: scheduled(nn.CosineAnnealingLR, 10), rates),
    nn.LinearLR: (lambda: scheduled(nn.LinearLR), rates),
    nn.SequentialLR: (lambda: scheduled(sequence), rates),
    nn.ReduceLROnPlateau: (lambda: scheduled(nn.ReduceLROnPlateau, patience=1), rates),
    nn.EarlyStopping: (lambda: nn.EarlyStopping(3, monitor="loss", min_delta=0.25), lambda e: e),
    nn.Training: (training, lambda t: (train(t.model, t.optimizer), columns(t.history), t.epoch, t.row)),
    nn.History: (history, columns),
    nn.Recorder: (lambda: nn.Recorder(every=5, samples=3, grid=20), lambda r: r),
    nn.LivePlot: (lambda: nn.LivePlot(X, [1.0] * len(X), every=2.0), lambda live: (live.every, live.data)),
    nn.TrainingPlayer: (film, lambda player: player.html),
    nn.data.Standardizer: (lambda: nn.data.Standardizer(X), lambda s: s(X)),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if inspect.isclass(each)])
@DUPLICATES
def test_an_instance_of_every_public_class(duplicate, name):
    kind = PUBLIC[name]
    assert kind in EXAMPLES, f"{name} needs an example in {__name__}"
    make, seen = EXAMPLES[kind]
    x = make()
    assert any(isinstance(each, kind) for each in (x if isinstance(x, tuple) else [x]))
    one, two = duplicate(x), duplicate(x)
    assert type(one) is type(x)
    want = seen(make())
    # What is looked at may train a model: so each has to have everything of its own.
    assert [seen(one), seen(x), seen(two)] == [want] * 3


def test_classes_that_are_given_back():
    """Those that no one makes by name: a picture of a network, findings, a compiled function."""
    diagram = nn.draw(model())
    assert copy.deepcopy(diagram).dot == by_pickle(diagram).dot == diagram.dot
    found = findings()
    assert str(copy.deepcopy(found)) == str(by_pickle(found)) == str(found)


@DUPLICATES
def test_a_compiled_function(duplicate):
    pytest.importorskip("llvmlite")
    fast = ag.jit(quadratic)
    assert fast(2.0) == duplicate(fast)(2.0) == 12.0


@DUPLICATES
@pytest.mark.parametrize("transform", [ag.grad, ag.value_and_grad, ag.derivative, ag.jacobian])
def test_a_function_that_a_transformation_made_is_copied_as_functions_are(duplicate, transform):
    """By its name, which is the name of what it was made of: so it is not pickled, and says so."""
    slope = transform(quadratic)
    if duplicate is copy.deepcopy:
        assert duplicate(slope) is slope
    else:
        with pytest.raises(pickle.PicklingError, match="not the same object"):
            duplicate(slope)


def test_every_example_is_of_a_public_class():
    public = {each for each in PUBLIC.values() if inspect.isclass(each)}
    assert EXAMPLES.keys() - public == {Halving}
