"""PyTorch, eager: the batch as matrices, backward() and an in-place update."""

import torch

from nets import DECAY, RATE, matrices, start


def prepare():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    points, labels, flat = start()
    X, T = torch.tensor(points), torch.tensor(labels)
    parameters = [torch.tensor(x, requires_grad=True) for pair in matrices(flat) for x in pair]

    def step():
        hidden = X
        for i in range(0, len(parameters) - 2, 2):
            hidden = torch.relu(torch.addmm(parameters[i + 1], hidden, parameters[i].T))
        score = torch.addmm(parameters[-1], hidden, parameters[-2].T)[:, 0]
        loss = torch.relu(1.0 - T * score).mean() + DECAY * sum((p * p).sum() for p in parameters)
        slopes = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, slopes, strict=True):
                p -= RATE * g
        return loss.item()

    return step
