"""A small GPT trained in NumPy with its backward pass derived by hand: what `test_gpt.py` holds this library to.

It shares no formula with `benchmarks/gpt.py`, which works number by number: here all places of a name are one matrix,
and each derivative is written out. `python tests/gpt_oracle.py` prints the losses that the test stores. Data, symbols
and the first parameters are our own; the layout, and the optimiser's settings, are those of Karpathy's microgpt.
"""

import math
import random

import numpy as np

WIDTH, HEADS, PLACES, SYMBOLS = 16, 4, 8, 27
EDGE = 26  # the symbol before the first letter, and behind the last
SHAPES = {
    "wte": (SYMBOLS, WIDTH), "wpe": (PLACES, WIDTH), "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH),
    "o": (WIDTH, WIDTH), "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH), "head": (SYMBOLS, WIDTH),
}  # fmt: skip
NAMES = ["orva", "belim", "tessaro", "quin", "ludek", "amarit", "jo", "fenwixy", "crodal", "hespi", "zugan", "vilmora"]
RATE, BETAS, EPS, STEPS = 0.01, (0.85, 0.99), 1e-8, 12


def symbols(name):
    return [EDGE, *(ord(letter) - ord("a") for letter in name), EDGE][: PLACES + 1]


def first_parameters():
    """The numbers of all matrices in a row, by a seed."""
    rng = random.Random(20)
    return [rng.gauss(0.0, 0.08) for rows, columns in SHAPES.values() for _ in range(rows * columns)]


def matrices(flat):
    found, at = {}, 0
    for name, (rows, columns) in SHAPES.items():
        found[name] = np.array(flat[at : at + rows * columns]).reshape(rows, columns)
        at += rows * columns
    return found


def normed(x):
    scale = ((x * x).mean(axis=1, keepdims=True) + 1e-5) ** -0.5
    return x * scale, scale


def normed_back(x, scale, dy):
    """∂/∂x of y = x·s with s = (mean x² + ε)^−½: s·dy − x·s³·mean(x·dy)."""
    return scale * dy - x * scale**3 * (x * dy).mean(axis=1, keepdims=True)


def loss_and_gradient(w, name):
    """The mean cross entropy of each next symbol, and its derivative by every matrix."""
    s = symbols(name)
    inputs, targets, n = s[:-1], s[1:], len(s) - 1
    size = WIDTH // HEADS
    rows = np.arange(n)

    embedded = w["wte"][inputs] + w["wpe"][:n]
    x0, scale0 = normed(embedded)
    x1, scale1 = normed(x0)
    q, k, v = (x1 @ w[m].T for m in "qkv")
    future = np.triu(np.full((n, n), -math.inf), 1)
    attention, mixed = [], np.zeros((n, WIDTH))
    for h in range(0, WIDTH, size):
        part = slice(h, h + size)
        scores = q[:, part] @ k[:, part].T / math.sqrt(size) + future
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        attention.append(powers / powers.sum(axis=1, keepdims=True))
        mixed[:, part] = attention[-1] @ v[:, part]
    x2 = mixed @ w["o"].T + x0
    x3, scale3 = normed(x2)
    up = x3 @ w["up"].T
    bent = np.maximum(up, 0.0) ** 2
    x4 = bent @ w["down"].T + x2
    logits = x4 @ w["head"].T
    top = logits.max(axis=1, keepdims=True)
    powers = np.exp(logits - top)
    chances = powers / powers.sum(axis=1, keepdims=True)
    loss = -np.log(chances[rows, targets]).mean()

    g = {}
    d_logits = chances.copy()
    d_logits[rows, targets] -= 1.0
    d_logits /= n
    g["head"] = d_logits.T @ x4
    d4 = d_logits @ w["head"]
    g["down"] = d4.T @ bent
    d_up = (d4 @ w["down"]) * 2.0 * np.maximum(up, 0.0)
    g["up"] = d_up.T @ x3
    d2 = d4 + normed_back(x2, scale3, d_up @ w["up"])
    g["o"] = d2.T @ mixed
    d_mixed = d2 @ w["o"]
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for i, h in enumerate(range(0, WIDTH, size)):
        part, a = slice(h, h + size), attention[i]
        dv[:, part] = a.T @ d_mixed[:, part]
        da = d_mixed[:, part] @ v[:, part].T
        d_scores = a * (da - (a * da).sum(axis=1, keepdims=True)) / math.sqrt(size)
        dq[:, part] = d_scores @ k[:, part]
        dk[:, part] = d_scores.T @ q[:, part]
    d1 = np.zeros_like(x1)
    for m, d in zip("qkv", (dq, dk, dv), strict=True):
        g[m] = d.T @ x1
        d1 += d @ w[m]
    d0 = normed_back(embedded, scale0, d2 + normed_back(x0, scale1, d1))
    g["wte"], g["wpe"] = np.zeros(SHAPES["wte"]), np.zeros(SHAPES["wpe"])
    np.add.at(g["wte"], inputs, d0)
    g["wpe"][:n] = d0
    return float(loss), g


def losses(steps=STEPS):
    """The loss before each step of Adam, one name a step, at a rate that falls to 0."""
    w = matrices(first_parameters())
    mean = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    square = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    found = []
    for step in range(steps):
        loss, g = loss_and_gradient(w, NAMES[step % len(NAMES)])
        found.append(loss)
        for name in SHAPES:
            mean[name] = BETAS[0] * mean[name] + (1 - BETAS[0]) * g[name]
            square[name] = BETAS[1] * square[name] + (1 - BETAS[1]) * g[name] ** 2
            right_mean = mean[name] / (1 - BETAS[0] ** (step + 1))
            right_square = square[name] / (1 - BETAS[1] ** (step + 1))
            w[name] = w[name] - RATE * (1 - step / steps) * right_mean / (np.sqrt(right_square) + EPS)
    return found


if __name__ == "__main__":
    for number in losses():
        print(f"    {number!r},")
