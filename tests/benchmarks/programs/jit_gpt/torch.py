"""PyTorch, eager, with all tokens in one matrix and a mask."""

import torch

from gpt import HEADS, TOKENS, WIDTH, matrices, start
from rosenbrock import measured


def prepare():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    flat, symbols = start()
    w = {name: torch.tensor(rows, requires_grad=True) for name, rows in matrices(flat).items()}
    given, wanted = torch.tensor(symbols[:-1]), torch.tensor(symbols[1:])
    mask = torch.triu(torch.full((TOKENS, TOKENS), float("-inf")), 1)

    def normed(x):
        return x * (x.square().mean(-1, keepdim=True) + 1e-5) ** -0.5

    def heads(x):
        return x.view(TOKENS, HEADS, WIDTH // HEADS).transpose(0, 1)

    def step():
        x = normed(w["wte"][given] + w["wpe"])
        y = normed(x)
        query, key, value = (heads(y @ w[name].T) for name in "qkv")
        weights = torch.softmax(query @ key.transpose(1, 2) / (WIDTH // HEADS) ** 0.5 + mask, -1)
        x = (weights @ value).transpose(0, 1).reshape(TOKENS, WIDTH) @ w["o"].T + x
        x = torch.relu(normed(x) @ w["up"].T).square() @ w["down"].T + x
        loss = torch.nn.functional.cross_entropy(x @ w["head"].T, wanted)
        return loss, torch.autograd.grad(loss, list(w.values()))

    return step


measure = measured(prepare, lambda result: [result[0].item(), *[x for g in result[1] for x in g.ravel().tolist()]])
