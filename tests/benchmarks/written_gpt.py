"""A training step of a GPT of one layer, written out number by number as Karpathy's microgpt has it (February 2026).

It takes any class of scalars with arithmetic, `exp`, `log`, `relu`, `data`, `grad` and `backward`. The layout follows
microgpt (embedding 16, 4 heads, RMS norms without parameters, ReLU, no biases); symbols and weights are our own.
"""

from gpt import HEADS, SYMBOLS, TOKENS, WIDTH, matrices, start


def loss_of(parameters, symbols, exp, log, relu, value):
    """The loss of the symbols; `exp`, `log` and `relu` are functions of a scalar, and `value` gives its number."""
    w = matrices(parameters)
    size = WIDTH // HEADS

    def linear(x, rows):
        return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in rows]

    def softmax(scores):
        largest = max(value(score) for score in scores)
        powers = [exp(score - largest) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def normed(x):
        scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    def attention(query, keys, values):
        mixed = []
        for h in range(0, WIDTH, size):
            scores = [sum(query[h + j] * key[h + j] for j in range(size)) / size**0.5 for key in keys]
            weights = softmax(scores)
            mixed += [sum(a * value[h + j] for a, value in zip(weights, values, strict=True)) for j in range(size)]
        return mixed

    def logits(symbol, place, keys, values):
        x = normed([a + b for a, b in zip(w["wte"][symbol], w["wpe"][place], strict=True)])
        kept, x = x, normed(x)
        keys.append(linear(x, w["k"]))
        values.append(linear(x, w["v"]))
        x = linear(attention(linear(x, w["q"]), keys, values), w["o"])
        x = [a + b for a, b in zip(x, kept, strict=True)]
        kept, x = x, normed(x)
        x = linear([relu(xi) for xi in linear(x, w["up"])], w["down"])
        return linear([a + b for a, b in zip(x, kept, strict=True)], w["head"])

    assert len(w["head"]) == SYMBOLS
    keys, values, losses = [], [], []
    for place in range(TOKENS):
        chances = softmax(logits(symbols[place], place, keys, values))
        losses.append(-log(chances[symbols[place + 1]]))
    return (1 / TOKENS) * sum(losses)


def step_of(number):
    """A function that takes one step of gradient descent on Values of the class `number` and returns the loss."""
    initial, symbols = start()
    parameters = [number(x) for x in initial]
    functions = (number.exp, number.log, number.relu, lambda x: x.data)

    def step():
        loss = loss_of(parameters, symbols, *functions)
        loss.backward()
        for p in parameters:
            p.data -= 0.01 * p.grad
            p.grad = 0
        return loss.data

    return step
