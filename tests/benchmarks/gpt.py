"""A GPT of one layer on scalars, after Karpathy's microgpt: 27 symbols, embedding 16, 4 heads, 8 tokens."""

import itertools
import random

SYMBOLS, WIDTH, HEADS, TOKENS = 27, 16, 4, 8
SHAPES = {
    "wte": (SYMBOLS, WIDTH), "wpe": (TOKENS, WIDTH), "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH),
    "o": (WIDTH, WIDTH), "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH), "head": (SYMBOLS, WIDTH),
}  # fmt: skip
COUNT = sum(rows * columns for rows, columns in SHAPES.values())


def start():
    """Parameters, and the symbols to predict one from the other."""
    rng = random.Random(1)
    return [rng.gauss(0.0, 0.08) for _ in range(COUNT)], [rng.randrange(SYMBOLS) for _ in range(TOKENS + 1)]


def matrices(parameters):
    """The parameters as matrices by name, each a list of rows."""
    found, at = {}, 0
    for name, (rows, columns) in SHAPES.items():
        found[name] = [parameters[at + i * columns : at + (i + 1) * columns] for i in range(rows)]
        at += rows * columns
    return found


def loss(parameters, symbols):
    """Mean cross entropy of each next symbol, for numbers of any kind that autograd's functions take."""
    from autograd import dot, logsumexp, mean, relu, softmax, square

    w = matrices(parameters)

    def linear(rows, x):
        return [dot(row, x) for row in rows]

    def normed(x):
        scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
        return [a * scale for a in x]

    keys, values, losses = [], [], []
    size = WIDTH // HEADS
    for place, (symbol, following) in enumerate(itertools.pairwise(symbols)):
        x = normed([a + b for a, b in zip(w["wte"][symbol], w["wpe"][place], strict=True)])
        kept, x = x, normed(x)
        query = linear(w["q"], x)
        keys.append(linear(w["k"], x))
        values.append(linear(w["v"], x))
        mixed = []
        for h in range(0, WIDTH, size):
            weights = softmax([dot(query[h : h + size], key[h : h + size]) / size**0.5 for key in keys])
            mixed += [dot(weights, [value[h + j] for value in values]) for j in range(size)]
        x = [a + b for a, b in zip(linear(w["o"], mixed), kept, strict=True)]
        kept, x = x, normed(x)
        x = linear(w["down"], [square(relu(a)) for a in linear(w["up"], x)])
        logits = linear(w["head"], [a + b for a, b in zip(x, kept, strict=True)])
        losses.append(logsumexp(logits) - logits[following])
    return mean(losses)
