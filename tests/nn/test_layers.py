import copy
import dataclasses
import gc
import itertools
import math
import pickle
import random
import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import autograd
import nn
from autograd import Value, check_grad

floats = st.floats(-3.0, 3.0)


def by_hand(model, x):
    """The network's output from its definition, one neuron at a time, with plain floats."""
    for layer in model.layers:
        outs = []
        for neuron in layer.neurons:
            z = 0.0 if neuron.b is None else neuron.b.data
            for w, xi in zip(neuron.w, x, strict=True):
                z = z + w.data * xi
            act = neuron.activation
            outs.append(z if act == "linear" else getattr(autograd, act)(z))
        x = outs
    return x


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    st.sampled_from(["relu", "tanh", "sigmoid", "gelu", "softplus"]),
    st.sampled_from([True, False, "shared"]),
    st.integers(0, 5),
)
def test_mlp_computes_its_definition_to_the_bit(widths, activation, bias, seed):
    model = nn.MLP(widths[0], widths[1:], activation=activation, bias=bias, seed=seed)
    rng = random.Random(seed)
    x = [rng.uniform(-2.0, 2.0) for _ in range(widths[0])]
    out = model(x)
    got = [v.data for v in out] if widths[-1] > 1 else [out.data]
    assert got == by_hand(model, x)
    biases = {True: sum(widths[1:]), False: 0, "shared": len(widths) - 1}[bias]
    assert len(model.parameters()) == biases + sum(a * b for a, b in itertools.pairwise(widths))


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from([True, False, "shared"]), st.integers(0, 3))
def test_gradient_of_every_parameter_is_the_numerical_one(nin, hidden, bias, seed):
    model = nn.MLP(nin, [hidden, 1], activation="tanh", bias=bias, seed=seed)
    x = [0.3 * (i + 1) for i in range(nin)]
    model(x).backward()
    for p in model.parameters():
        before, h = p.data, 1e-6
        p.data = before + h
        up = model(x).data
        p.data = before - h
        down = model(x).data
        p.data = before
        assert p.grad == pytest.approx((up - down) / (2 * h), abs=1e-8)  # central differences: h² and ε/h, both 1e-10


@pytest.mark.parametrize("activation", nn.activation_names())
def test_every_activation_by_name_as_function_and_differentiated(activation):
    x, rate = [0.3, 0.2], 0.5
    neuron = nn.Neuron(2, activation=activation, init=lambda i, o, rng: rate)
    if activation == "linear" or activation in ("leaky_relu", "elu"):
        expected = 0.25
    else:
        generic = autograd.OPERATIONS[activation].evaluate
        expected = generic(0.25)
        assert nn.Neuron(2, activation=generic, init=lambda i, o, rng: rate)(x).data == pytest.approx(
            expected, nan_ok=True
        )
    assert neuron(x).data == pytest.approx(expected, nan_ok=True)
    if math.isfinite(expected):
        check_grad(lambda a, b: neuron([a, b]), *x)


def test_the_names_of_activations_are_those_of_the_table():
    assert set(nn.activation_names()) == {"linear"} | {
        row.name for row in autograd.OPERATIONS.values() if row.activation and row.name != "identity"
    }
    assert {"linear", "relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid", "erf", "sin", "abs"} < set(
        nn.activation_names()
    )
    assert {"identity", "neg", "polygamma", "clip", "maximum", "sum"}.isdisjoint(nn.activation_names())
    assert nn.Layer(1, 1, activation=autograd.leaky_relu).activation == "leaky_relu"


@pytest.mark.parametrize("activation", nn.activation_names())
def test_a_layer_with_any_activation_can_be_copied_and_pickled(activation):
    layer = nn.Layer(2, 2, activation=activation, seed=0)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer)
        assert [out.data for out in other([0.25, 0.5])] == pytest.approx(
            [out.data for out in layer([0.25, 0.5])], nan_ok=True, abs=0.0, rel=0.0
        )


def test_micrograd_signatures_and_idioms():
    model = nn.MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    assert isinstance(model.parameters(), list)
    inputs = [[Value(1.0), Value(-2.0)], [Value(0.5), Value(0.25)]]
    scores = list(map(model, inputs))
    assert all(isinstance(score, Value) for score in scores)
    losses = [(1 + -label * score).relu() for label, score in zip([-1, 1], scores, strict=True)]
    loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    loss.backward()
    before = [p.data for p in model.parameters()]
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    assert [p.data for p in model.parameters()] != before
    assert nn.Neuron(2, nonlin=False, init="ones")([-1.0, -1.0]).data == -2.0
    assert nn.Neuron(2, init="ones")([-1.0, -1.0]).data == 0.0
    assert [len(layer.neurons) for layer in model.layers] == [16, 16, 1]
    assert len(model.layers[0].neurons[0].w) == 2
    assert nn.MLP(2, [1]).layers[0].neurons[0].b.data == 0.0


def test_gradients_through_sequential_and_dropout():
    model = nn.Sequential(
        nn.Layer(2, 6, activation="gelu", seed=0), nn.Dropout(0.5), nn.MLP(6, [3, 1], activation="tanh", seed=1)
    )
    for mode in (True, False):
        model.train(mode)

        def output(a, b):
            model.steps[1].reseed(4)  # the same numbers are dropped in every evaluation
            return model([a, b])

        check_grad(output, 0.4, -0.7)


def test_order_of_parameters_is_micrograds():
    """Per neuron its weights, then its bias: saved weights of micrograd can be written in with zip."""
    model = nn.MLP(2, [2, 1])
    expected = [p for layer in model.layers for neuron in layer.neurons for p in [*neuron.w, neuron.b]]
    assert [id(p) for p in model.parameters()] == [id(p) for p in expected]


def test_width_one_hidden_layer_and_inputs_that_are_no_lists():
    assert nn.MLP(2, [1, 3, 1], init="ones")([1.0, 2.0]).data == 9.0
    model = nn.Sequential(nn.Layer(2, 1, init="ones"), nn.Layer(1, 2, init="ones"))
    assert [out.data for out in model([1.0, 2.0])] == [3.0, 3.0]
    assert nn.Layer(1, 1, init="ones")(2.0).data == 2.0
    assert nn.MLP(2, [1], init="ones")(np.array([1.0, 2.0])).data == 3.0
    assert nn.MLP(2, [1], init="ones")((1, 2)).data == 3.0


@pytest.mark.parametrize("model", [nn.Neuron(3), nn.Layer(3, 2), nn.MLP(3, [2, 1]), nn.MLP(3, [1], bias=False)])
@pytest.mark.parametrize(("x", "given"), [([1.0, 2.0], "2 were"), ([1.0] * 4, "4 were"), (1.0, "1 were|one float was")])
def test_wrong_input_length_names_both(model, x, given):
    with pytest.raises(ValueError, match=f"takes a list of 3 inputs, and ({given}) given"):
        model(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MLP(2, []), "nouts is the list"),
        (lambda: nn.MLP(2, 3), "nouts is the list"),
        (lambda: nn.MLP(2, [0]), "nout is a whole number of at least 1"),
        (lambda: nn.MLP(2.0, [1]), "nin is a whole number"),
        (lambda: nn.MLP(2, [1], activation="rleu"), "no activation is called 'rleu'; the names are relu, "),
        (lambda: nn.MLP(2, [2, 1], activation="maximum"), "no activation is called 'maximum'"),
        (lambda: nn.MLP(2, [3, 1], activation=["relu"]), "one entry for each layer: 2, and 1"),
        (lambda: nn.MLP(2, [1], activation=["relu"], output_activation="relu"), "leave output_activation out"),
        (lambda: nn.MLP(2, [1], bias="both"), "bias is True, False or 'shared'"),
        (lambda: nn.MLP(2, [1], init="he"), "no initialiser is called 'he'; the names are"),
        (lambda: nn.MLP(2, [1], rng=random.Random(0), seed=1), "rng or seed, not both"),
        (lambda: nn.Dropout(1.0), r"lies in \[0, 1\)"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="an int goes to seed="):
        nn.MLP(2, [1], rng=3)
    with pytest.raises(TypeError, match="is neither"):
        nn.Sequential(nn.Layer(1, 1), 3)


def test_activations_and_biases_per_layer():
    model = nn.MLP(2, [3, 2, 1], activation=["tanh", autograd.sigmoid, None], bias=[True, "shared", False], seed=0)
    assert [layer.activation for layer in model.layers] == ["tanh", "sigmoid", "linear"]
    assert [layer.bias for layer in model.layers] == [True, "shared", False]
    assert len(model.parameters()) == (6 + 3) + (6 + 1) + 2
    x = [0.5, -1.0]
    assert model(x).data == by_hand(model, x)[0]
    assert "layers.1.b" in dict(model.named_parameters())


def test_an_own_function_and_an_own_neuron():
    model = nn.MLP(1, [2, 1], activation=lambda z: z * z, init="ones")
    assert model([3.0]).data == 18.0

    class Constant(nn.Neuron):
        def forward(self, x):
            return Value(7.0)

    layer = nn.Layer(1, 2, init="ones")
    layer.neurons[1] = Constant(1)
    assert [out.data for out in layer([2.0])] == [2.0, 7.0]


def test_seeds_decide_and_the_global_state_is_untouched():
    random.seed(7)
    state, np_state = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002 - the one not to touch
    a, b = nn.MLP(3, [4, 1], seed=5), nn.MLP(3, [4, 1], seed=5)
    assert a.state_dict() == b.state_dict() != nn.MLP(3, [4, 1], seed=6).state_dict()
    assert nn.MLP(3, [4, 1]).state_dict() != nn.MLP(3, [4, 1]).state_dict()
    nn.Dropout(0.5)([1.0] * 10)
    nn.data.blobs()
    assert random.getstate() == state
    assert np.random.get_state()[1].tolist() == np_state  # noqa: NPY002
    numpy_rng = nn.MLP(3, [4, 1], rng=np.random.default_rng(0))
    assert numpy_rng.state_dict() == nn.MLP(3, [4, 1], rng=np.random.default_rng(0)).state_dict()


@pytest.mark.parametrize(
    ("init", "variance"),
    [  # of a layer from 200 to 50, by the published formulas
        ("xavier_uniform", 2 / 250),
        ("xavier_normal", 2 / 250),
        ("he_uniform", 2 / 200),
        ("he_normal", 2 / 200),
        ("lecun_uniform", 1 / 200),
        ("lecun_normal", 1 / 200),
        ("torch", 1 / 600),
        ("micrograd", 1 / 3),
        ("normal", 1.0),
        ("zeros", 0.0),
        ("ones", 0.0),
    ],
)
def test_initialisers_have_their_variance(init, variance):
    assert init in nn.INITIALIZERS
    ws = [w.data for neuron in nn.Layer(200, 50, init=init, seed=1).neurons for w in neuron.w]
    mean = sum(ws) / len(ws)
    measured = sum((w - mean) ** 2 for w in ws) / len(ws)
    # 10,000 draws: the variance of a normal sample is known to √(2/n) = 1.4 %, so 8 % is more than five deviations
    assert measured == pytest.approx(variance, rel=0.08)
    assert mean == pytest.approx(float(init == "ones"), abs=0.05 * math.sqrt(variance) + 1e-15)


def test_dropout():
    drop = nn.Dropout(0.25, seed=0)
    xs = [Value(1.0) for _ in range(4000)]
    out = drop(xs)
    kept = sum(x.data != 0.0 for x in out)
    assert kept / 4000 == pytest.approx(0.75, abs=0.035)  # five standard deviations of a share of 4,000
    assert {x.data for x in out} == {0.0, 1.0 / 0.75}
    autograd.mean(out).backward()
    assert {x.grad for x in xs} == {0.0, 1.0 / 0.75 / 4000}
    drop.reseed(0)
    assert [x.data for x in drop(xs)] == [x.data for x in out]
    assert drop.eval()(xs) is xs
    assert nn.Dropout(0.0)(xs) is xs
    assert nn.Dropout(0.5, seed=1)(2.0) in (0.0, 4.0)


def test_memory_is_flat_over_2000_steps_without_the_collector():
    model = nn.MLP(2, [4, 1], activation="tanh", seed=0)
    optimizer = nn.Adam(model.parameters())
    X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]

    def step():
        loss = nn.mse([model(x) for x in X], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            step()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2000):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert gc.collect() < 100  # cycles that training left: none of its thousands of nodes
    finally:
        gc.enable()
    assert grown < 40_000  # one step's graph is about 10,000 bytes; a leak of one node a step would be 300,000


def test_widths_may_be_whole_numbers_of_numpy():
    assert repr(nn.MLP(np.int64(2), [np.int32(3), 1])) == repr(nn.MLP(2, [3, 1]))


def test_one_number_for_several_inputs_is_named():
    with pytest.raises(ValueError, match="takes a list of 2 inputs, and one float was given"):
        nn.MLP(2, [1], seed=0)(3.0)
    with pytest.raises(ValueError, match="activation is one for all layers or a list with one for each, and 3"):
        nn.MLP(2, [2, 1], activation=3)
    with pytest.raises(ValueError, match="a dropout probability lies in"):
        nn.Dropout("much")


# -------------------------------------------------------------------------- an activation that is set anew

NET = [0.5, -0.75]


def numbers(out):
    return [v.data for v in out] if isinstance(out, list) else [out.data]


def square(z):
    return z * z


SETTINGS = {
    "name": ("tanh", "tanh"),
    "function of the table": (autograd.gelu, "gelu"),
    "function of ones own": (square, None),
    "linear": ("linear", "linear"),
    "none": (None, "linear"),
}


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("attribute", ["activation", "activate"])
def test_an_activation_that_is_set_takes_effect(kind, attribute):
    given, name = SETTINGS[kind]
    if attribute == "activate" and isinstance(given, str):  # of a neuron it is the function itself
        given = getattr(autograd, given, None)
    wanted = nn.Layer(2, 3, activation=given, seed=0)
    layer = nn.Layer(2, 3, activation="relu", seed=0)
    for one in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        setattr(one, attribute, given)
        assert numbers(one(NET)) == numbers(wanted(NET))
        assert numbers(one(NET)) == [neuron(NET).data for neuron in one.neurons]
        assert one.activation == name
        assert {neuron.activation for neuron in one.neurons} == {name}
        assert repr(one) == repr(wanted)
        with pytest.raises(ValueError, match="no activation is called 'tanhh'; the names are"):
            one.activation = "tanhh"
        assert one.activation == name
    neuron = nn.Neuron(2, activation="relu", seed=0)
    setattr(neuron, attribute, given)
    assert neuron(NET).data == nn.Neuron(2, activation=given, seed=0)(NET).data
    assert neuron.activation == name


def test_a_neuron_of_a_layer_may_have_an_activation_of_its_own():
    layer = nn.Layer(2, 3, activation="relu", seed=0)
    layer.neurons[1].activation = "tanh"
    layer.neurons[2] = nn.Neuron(2, activation="sin", seed=1)
    assert numbers(layer(NET)) == [neuron(NET).data for neuron in layer.neurons]
    assert layer.extra_repr() == "2, 3, relu/tanh/sin"
    with pytest.raises(AttributeError, match="the neurons of this layer have several activations; look at each"):
        _ = layer.activation
    layer.activation = "sigmoid"
    assert layer.activation == "sigmoid"
    assert numbers(layer(NET)) == [neuron(NET).data for neuron in layer.neurons]

    class Own(nn.Module):
        def forward(self, x):
            return x[0] * 2.0

    layer.neurons[0] = Own()
    assert layer.extra_repr() == "2, 3, Own/sigmoid"
    with pytest.raises(TypeError, match="neuron 0 of this layer is a Own, whose activation is its own"):
        layer.activation = "tanh"
    assert layer.neurons[1].activation == "sigmoid"


def test_an_mlp_takes_the_activations_of_its_layers_anew():
    model = nn.MLP(2, [3, 3, 1], seed=0)
    assert model.activation == ["relu", "relu", "linear"]
    model.activation = "tanh"
    assert model.activation == ["tanh", "tanh", "linear"]
    assert numbers(model(NET)) == by_hand(model, NET)
    model.activation = ["sin", "tanh", "sigmoid"]
    assert model.activation == ["sin", "tanh", "sigmoid"]
    assert (
        numbers(model(NET))
        == by_hand(model, NET)
        == numbers(nn.MLP(2, [3, 3, 1], activation=["sin", "tanh", "sigmoid"], seed=0)(NET))
    )
    for bad in ("tanhh", ["sin", "tanh"], ["sin", "tanh", "tanhh"], 3):
        with pytest.raises(ValueError, match=r"no activation is called|activation has one|activation is one"):
            model.activation = bad
    assert model.activation == ["sin", "tanh", "sigmoid"]


def test_a_compiled_call_sees_an_activation_that_is_set():
    @dataclasses.dataclass
    class Scaled:  # which has no hash
        scale: float

        def __call__(self, z):
            return z * self.scale

    model = nn.MLP(2, [2, 1], seed=0)
    given, declared = autograd.jit(lambda m, x: m(x)), autograd.jit(lambda x: model(x), parameters=model)
    for activation in ("relu", "tanh", Scaled(2.0), Scaled(3.0), "relu", square):
        model.layers[0].activation = activation
        for _ in range(3):
            assert given(model, NET) == declared(NET) == model(NET).data


def test_an_activation_with_parameters_keeps_its_name_and_is_trained():
    class Slope(nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = Value(0.25)

        def forward(self, z):
            return self.slope * z

    layer = nn.Layer(2, 2, activation=Slope(), seed=0)
    assert list(layer.state_dict()) == [
        "neurons.0.w", "neurons.0.b", "neurons.0.activate.slope", "neurons.1.w", "neurons.1.b",
    ]  # fmt: skip
    twin = copy.deepcopy(layer)
    twin.neurons[1].activate.slope.data = 0.5
    assert numbers(twin(NET)) == [2.0 * y for y in numbers(layer(NET))]


def test_the_probability_of_a_dropout_is_checked_when_it_is_set():
    drop = nn.Dropout(np.float32(0.25), seed=0)
    assert type(drop.p) is float
    drop.p = 0.5
    assert (drop.p, repr(drop)) == (0.5, "Dropout(p=0.5)  # 0 parameters")
    for bad in (1.0, -0.1, "0.5", True, Value(0.5), math.nan):
        with pytest.raises(ValueError, match=r"a dropout probability lies in \[0, 1\)"):
            drop.p = bad
    assert drop.p == copy.deepcopy(drop).p == pickle.loads(pickle.dumps(drop)).p == 0.5
