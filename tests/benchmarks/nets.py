"""The demo's network 2-16-16-1 on flat parameters, for the programs that compile it: hinge loss, L2, and SGD."""

import itertools

from data import moons, weights

SIZES = (2, 16, 16, 1)
RATE, DECAY = 0.1, 1e-4


def start():
    """Points, labels and parameters to begin with, as lists of floats."""
    points, labels = moons()
    return [list(point) for point in points], [float(label) for label in labels], weights(SIZES)


def layers(parameters):
    """The parameters as layers of neurons, each (weights, bias): micrograd's order."""
    rows, at = [], 0
    for inputs, outputs in itertools.pairwise(SIZES):
        neurons = []
        for _ in range(outputs):
            neurons.append((parameters[at : at + inputs], parameters[at + inputs]))
            at += inputs + 1
        rows.append(neurons)
    return rows


def matrices(parameters):
    """The same as NumPy arrays (weights, bias) of each layer."""
    import numpy as np

    return [
        (np.array([list(w) for w, _ in neurons]), np.array([b for _, b in neurons])) for neurons in layers(parameters)
    ]


def sample_loss(activation):
    """Our loss of one sample, hinge(score): a function of the parameters, the point and the label."""
    from autograd import dot, relu

    def loss(parameters, x, t):
        hidden = list(x)
        *inner, last = layers(list(parameters))
        for neurons in inner:
            hidden = [activation(dot(w, hidden, b)) for w, b in neurons]
        ((w, b),) = last
        return relu(1.0 - t * dot(w, hidden, b))

    return loss


def compiled_step(activation, **options):
    """Our step as one call: `step(parameters) -> (loss, parameters)`, of arrays."""
    import numpy as np

    from autograd import dot, jit, value_and_grad

    points, labels, _ = start()
    X, T = np.array(points), np.array(labels)
    step = jit(value_and_grad(sample_loss(activation)), in_axes=(None, 0, 0), **options)
    penalty = value_and_grad(lambda p: DECAY * dot(p, p))

    def update(result, parameters):
        (loss, slopes), (more, shrink) = result, penalty(parameters)
        return loss + more, parameters - RATE * (slopes + shrink)

    return lambda parameters: step.mean(parameters, X, T, then=update)


def prepare_ours(activation, **options):
    """A `prepare()` of one of our programs."""
    import numpy as np

    def prepare():
        compiled = compiled_step(activation, **options)
        parameters = np.array(start()[2])

        def step():
            nonlocal parameters
            loss, parameters = compiled(parameters)
            return loss

        return step

    return prepare


def prepare_jax(activation):
    """A `prepare()` for JAX: the batch as matrices, everything in one jitted function, in double precision."""

    def prepare():
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        points, labels, flat = start()
        X, T = jnp.array(points), jnp.array(labels)
        act = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[activation]

        def loss(parameters):
            hidden = X
            for w, b in parameters[:-1]:
                hidden = act(hidden @ w.T + b)
            w, b = parameters[-1]
            score = (hidden @ w.T + b)[:, 0]
            squares = sum(jnp.sum(w * w) + jnp.sum(b * b) for w, b in parameters)
            return jnp.mean(jax.nn.relu(1.0 - T * score)) + DECAY * squares

        @jax.jit
        def train(parameters):
            value, slopes = jax.value_and_grad(loss)(parameters)
            return value, jax.tree.map(lambda p, g: p - RATE * g, parameters, slopes)

        parameters = [(jnp.array(w), jnp.array(b)) for w, b in matrices(flat)]

        def step():
            nonlocal parameters
            value, parameters = train(parameters)
            return value.block_until_ready()

        return step

    return prepare
