"""The 2-2-2 network through nn: layers with a shared bias that stays as it is, half squared error, SGD."""

import time

import nn
from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS


def measure():
    model = nn.MLP(2, [2, 2], activation="sigmoid", output_activation="sigmoid", bias="shared")
    for layer, rows, bias in zip(model.layers, (HIDDEN, OUTPUT), (HIDDEN_BIAS, OUTPUT_BIAS), strict=True):
        layer.b.data = bias
        layer.b.requires_grad = False
        for neuron, row in zip(layer.neurons, rows, strict=True):
            for weight, number in zip(neuron.w, row, strict=True):
                weight.data = number
    optimizer = nn.SGD(model.parameters(), lr=RATE)

    losses = []
    begun = time.perf_counter()
    for step in range(1, max(LOSSES_AT) + 1):
        loss = nn.half_squared_error(model(INPUTS), TARGETS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in LOSSES_AT:
            losses.append(nn.half_squared_error(model(INPUTS), TARGETS).data)
    return {"time": time.perf_counter() - begun}, losses
