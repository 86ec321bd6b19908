"""Neurons, layers and networks. A neuron is one ``dot`` node and one node for its activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd import OPERATIONS, Value, dot, matvec

from .checks import choice, look_up, number_where, whole
from .initializers import Initializer, initializer, source
from .module import Module

Activation = Callable[[Any], Any]
_LINEAR = ("linear", "identity", "none")


def activation_names() -> list[str]:
    """Return the names that ``activation=`` takes: linear, and the activations in the table of operations.

    >>> [name for name in activation_names() if "elu" in name]
    ['elu', 'gelu', 'leaky_relu', 'relu', 'selu']
    """
    return sorted(["linear", *(row.name for row in OPERATIONS.values() if row.activation and row.name not in _LINEAR)])


def _activation(activation: str | Activation | None) -> tuple[str | None, Activation | None]:
    """Return the name (None for a function of the user's own) and the function (None for linear)."""
    if activation is None or activation in _LINEAR:
        return "linear", None
    name = getattr(activation, "__name__", activation)
    row = OPERATIONS.get(name) if isinstance(name, str) and name not in _LINEAR else None
    if row is not None and row.activation and activation in (name, row.evaluate):
        return row.name, row.evaluate
    if callable(activation):
        return None, activation
    names = dict.fromkeys(activation_names())  # it is none of them, and the error lists them
    return None, look_up("activation", activation, names, ", and a function of one number will do as well")


class Neuron(Module):
    """activation(b + w₁x₁ + … + wₙxₙ), for a list of ``nin`` numbers or Values.

    ``nonlin=False`` makes it linear, as in micrograd; ``activation`` is a name or a function of one number. ``bias`` is
    True, False, or a Value to share. ``init`` names the weights' initialiser (``nn.INITIALIZERS``) or is a function
    ``(fan_in, fan_out, rng) -> float``; a bias begins at 0. ``fan_out`` is the width of the neuron's layer, which some
    initialisers need. The weights are drawn from ``rng``, a random.Random or a numpy Generator, or from a new one with
    that ``seed``; without either, each run differs.

    Raises ValueError for an input of another length.

    >>> neuron = Neuron(2, activation="tanh", init="ones")
    >>> neuron([0.25, 0.25]).data
    0.46211715726000974
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        activation: str | Activation | None = "relu",
        bias: bool | Value = True,
        init: str | Initializer = "he_normal",
        fan_out: int = 1,
        rng: Any = None,
        seed: int | str | None = None,
    ) -> None:
        super().__init__()
        nin = whole("nin", nin, 0)
        rng = source(rng, seed)
        draw = initializer(init)
        self.w = [Value(draw(nin, fan_out, rng)) for _ in range(nin)]
        self.b = bias if isinstance(bias, Value) else Value(0.0) if bias else None
        self.activate: Activation | None  # None for linear
        self.activation = activation if nonlin else None

    @property
    def activation(self) -> str | None:
        """The name of the activation, None for a function of one's own; set it to another name or function."""
        return _activation(self.activate)[0]

    @activation.setter
    def activation(self, activation: str | Activation | None) -> None:
        self.activate = _activation(activation)[1]

    def forward(self, x: Sequence[Any]) -> Any:
        """Return the output, one Value."""
        try:
            z = dot(self.w, x, self.b)
        except (TypeError, ValueError):
            _check_input(self, x, len(self.w))
            raise
        return z if self.activate is None else self.activate(z)

    def extra_repr(self) -> str:
        """Say the number of inputs and the activation."""
        return f"{len(self.w)}, {_kind(self)}"


class Layer(Module):
    """``nout`` neurons that see the same ``nin`` inputs; ``bias="shared"`` gives them one bias between them.

    The other arguments are those of ``Neuron``. A layer of width 1 gives one Value, a wider one a list.

    >>> layer = Layer(3, 2, activation="sigmoid", init="zeros")
    >>> [out.data for out in layer([1.0, 2.0, 3.0])]
    [0.5, 0.5]
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        nonlin: bool = True,
        *,
        activation: str | Activation | None = "relu",
        bias: bool | str = True,
        init: str | Initializer = "he_normal",
        rng: Any = None,
        seed: int | str | None = None,
    ) -> None:
        super().__init__()
        nin, nout = whole("nin", nin), whole("nout", nout)
        choice("bias", bias, (True, False, "shared"))
        rng = source(rng, seed)
        self.nin, self.nout = nin, nout
        self.b = Value(0.0) if bias == "shared" else None
        own = self.b if self.b is not None else bool(bias)
        options: dict[str, Any] = {"activation": activation, "bias": own, "init": init, "fan_out": nout, "rng": rng}
        self.neurons = [Neuron(nin, nonlin, **options) for _ in range(nout)]

    @property
    def activation(self) -> str | None:
        """The name of the neurons' activation, None for a function of one's own; set it to another for all of them.

        Raises AttributeError where the neurons differ.
        """
        return _activation(self.activate)[0]

    @activation.setter
    def activation(self, activation: str | Activation | None) -> None:
        _activation(activation)
        for i, neuron in enumerate(self.neurons):
            if not isinstance(neuron, Neuron):
                raise TypeError(f"neuron {i} of this layer is a {type(neuron).__name__}, whose activation is its own")
        for neuron in self.neurons:
            neuron.activation = activation

    @property
    def activate(self) -> Activation | None:
        """The neurons' activation as a function, None for linear; it is set as ``activation`` is."""
        first, *others = [getattr(neuron, "activate", neuron) for neuron in self.neurons]
        if any(other is not first for other in others):
            raise AttributeError("the neurons of this layer have several activations; look at each of layer.neurons")
        return first

    @activate.setter
    def activate(self, activate: Activation | None) -> None:
        self.activation = activate

    def outputs(self, x: Sequence[Any]) -> list[Any]:
        """Return the outputs as a list, of width 1 too."""
        try:
            width = len(x)
        except TypeError:  # one number is what a layer of width 1 gives
            if self.nin != 1:
                _check_input(self, x, self.nin)
            x, width = [x], 1
        if width != self.nin:
            _check_input(self, x, self.nin)
        neurons = self.neurons
        activate = getattr(neurons[0], "activate", None)
        rows = [neuron.w for neuron in neurons if type(neuron) is Neuron and neuron.activate is activate]
        if len(rows) < self.nout:  # someone put neurons of their own in, or gave one another activation
            return [neuron(x) for neuron in neurons]
        zs = matvec(rows, x, [neuron.b for neuron in neurons])
        return zs if activate is None else list(map(activate, zs))

    def forward(self, x: Sequence[Any]) -> Any:
        """Return the list of outputs, or the only one."""
        out = self.outputs(x)
        return out if len(out) > 1 else out[0]

    @property
    def bias(self) -> bool | str:
        """How the layer's biases were asked for: True, False or 'shared'."""
        return (
            "shared" if self.b is not None else any(getattr(neuron, "b", None) is not None for neuron in self.neurons)
        )

    def extra_repr(self) -> str:
        """Say the widths, the activation, and the bias where it is not the usual one."""
        bias = "" if self.bias is True else f", bias={self.bias!r}"
        kinds = dict.fromkeys(_kind(neuron) for neuron in self.neurons)
        return f"{self.nin}, {self.nout}, {'/'.join(kinds)}{bias}"

    def __repr__(self) -> str:
        return super().__repr__().partition("\n")[0]  # one line: its neurons are all alike


class MLP(Module):
    """A multilayer perceptron: ``nin`` inputs and layers of the widths ``nouts``, with micrograd's signature.

    ``activation`` is that of the hidden layers, and the output is linear unless ``output_activation`` says otherwise; a
    list has one for each layer, the output included. ``bias`` is True, False, "shared", or a list of those. A last
    layer of width 1 gives one Value.

    Raises ValueError for an input of another length than ``nin``.

    >>> model = MLP(2, [16, 16, 1], seed=0)
    >>> model
    MLP(2 → 16 → 16 → 1)  # 337 parameters
      (layers.0): Layer(2, 16, relu)  # 48 parameters
      (layers.1): Layer(16, 16, relu)  # 272 parameters
      (layers.2): Layer(16, 1, linear)  # 17 parameters
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation | None] | None = "relu",
        output_activation: str | Activation | None = None,
        bias: bool | str | Sequence[bool | str] = True,
        init: str | Initializer = "he_normal",
        rng: Any = None,
        seed: int | str | None = None,
    ) -> None:
        super().__init__()
        if isinstance(nouts, int) or len(nouts) == 0:
            raise ValueError(f"nouts is the list of the layers' widths, such as [16, 16, 1], and {nouts!r} was given")
        widths = [nin, *nouts]
        rng = source(rng, seed)
        depth = len(nouts)
        if isinstance(activation, str) or activation is None or callable(activation):
            _activation(activation)  # a wrong name is an error without a hidden layer too
            activations = [activation] * (depth - 1) + [output_activation]
        else:
            activations = _one_each("activation", activation, depth)
            if output_activation is not None:
                raise ValueError("a list of activations has the output's as its last; leave output_activation out")
        biases = [bias] * depth if isinstance(bias, (bool, str)) else _one_each("bias", bias, depth)
        self.layers = [
            Layer(widths[i], widths[i + 1], activation=activations[i], bias=biases[i], init=init, rng=rng)
            for i in range(depth)
        ]

    @property
    def activation(self) -> list[str | None]:
        """The activation of each layer; set the one of all hidden layers, or a list with the output's as its last."""
        return [layer.activation for layer in self.layers]

    @activation.setter
    def activation(self, activation: str | Activation | Sequence[str | Activation | None] | None) -> None:
        if isinstance(activation, str) or activation is None or callable(activation):
            wanted = [activation] * (len(self.layers) - 1)
        else:
            wanted = _one_each("activation", activation, len(self.layers))
        for one in wanted:
            _activation(one)  # before any is set
        for layer, one in zip(self.layers, wanted, strict=False):
            layer.activation = one

    def forward(self, x: Sequence[Any]) -> Any:
        """Return the output: a list, or one Value where the last layer has width 1."""
        for layer in self.layers:
            x = layer.outputs(x)
        return x if len(x) > 1 else x[0]

    def extra_repr(self) -> str:
        """Say the widths."""
        return " → ".join(map(str, [self.layers[0].nin, *(layer.nout for layer in self.layers)]))


class Sequential(Module):
    """Modules (or functions) one after the other, each fed what the one before it gave.

    >>> model = Sequential(Layer(2, 4, seed=0), Dropout(0.5, seed=1), Layer(4, 1, activation=None, seed=2))
    >>> len(model), len(model.parameters())
    (3, 17)
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        for module in modules:
            if not callable(module):
                raise TypeError(f"Sequential takes modules and functions, and {module!r} is neither")
        self.steps = list(modules)

    def forward(self, x: Any) -> Any:
        """Return what the last module makes of it."""
        for step in self.steps:
            x = step(x)
        return x

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> Any:
        return self.steps[i]


class Dropout(Module):
    """In training mode, sets each number to 0 with probability ``p`` and multiplies the others by 1 / (1 − p).

    In evaluation mode it changes nothing. ``p`` lies in [0, 1); Srivastava et al., *Dropout*, JMLR 2014. ``fit`` seeds
    it anew in each epoch, so that a run that is resumed draws the same.

    >>> drop = Dropout(0.5, seed=3)
    >>> drop([1.0, 1.0, 1.0, 1.0])
    [0.0, 2.0, 0.0, 2.0]
    >>> drop.eval()([1.0, 1.0])
    [1.0, 1.0]
    """

    given: Iterator[Any] | None = None  # factors to take in place of drawing them

    def __init__(self, p: float = 0.5, *, rng: Any = None, seed: int | str | None = None) -> None:
        super().__init__()
        self.p = p
        self.rng = source(rng, seed)

    @property
    def p(self) -> float:
        """The probability, in [0, 1)."""
        p: float = vars(self)["p"]
        return p

    @p.setter
    def p(self, p: float) -> None:
        vars(self)["p"] = float(number_where("a dropout probability lies in [0, 1)", p, lambda p: 0.0 <= p < 1.0))

    def reseed(self, seed: int | str) -> None:
        """Begin a new sequence of random numbers."""
        self.rng = source(None, seed)

    def forward(self, x: Any) -> Any:
        """Return the list (or the one number) with some of its numbers dropped."""
        if not self.training or self.p == 0.0:
            return x
        if not isinstance(x, (list, tuple)):
            return self._drop(x)
        return [self._drop(item) for item in x]

    def _drop(self, x: Any) -> Any:
        return x * (self.draw() if self.given is None else next(self.given))

    def draw(self) -> float:
        """Return what the next number is to be multiplied with."""
        return 1.0 / (1.0 - self.p) if self.rng.uniform(0.0, 1.0) >= self.p else 0.0

    def extra_repr(self) -> str:
        """Say the probability."""
        return f"p={self.p}"


def _kind(neuron: Any) -> str:
    """Return the name of a neuron's activation, or its function, or its class where it is one of the user's own."""
    if not isinstance(neuron, Neuron):
        return type(neuron).__name__
    return neuron.activation or repr(neuron.activate)


def _one_each(what: str, entries: Sequence[Any], layers: int) -> list[Any]:
    if not isinstance(entries, (list, tuple)):
        raise ValueError(f"{what} is one for all layers or a list with one for each, and {entries!r} was given")
    if len(entries) != layers:
        raise ValueError(f"a list for {what} has one entry for each layer: {layers}, and {len(entries)} were given")
    return list(entries)


def _check_input(module: Module, x: Any, nin: int) -> None:
    size = f"{len(x)} were" if hasattr(x, "__len__") else f"one {type(x).__name__} was"
    if size != f"{nin} were":
        raise ValueError(f"this {type(module).__name__} takes a list of {nin} inputs, and {size} given")
