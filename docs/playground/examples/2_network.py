"""The same network as textbooks draw it, after a step of training."""

import nn

model = nn.MLP(2, [2, 2], activation=["sigmoid", "sigmoid"], bias="shared", seed=0)
optimizer = nn.SGD(model.parameters(), lr=0.5)
weights = [[0.15, 0.20], [0.25, 0.30], [0.40, 0.45], [0.50, 0.55]]  # of h1, h2, o1, o2
neurons = [neuron for layer in model.layers for neuron in layer.neurons]
for neuron, numbers in zip(neurons, weights):
    for w, number in zip(neuron.w, numbers):
        w.data = number
model.layers[0].b.data, model.layers[1].b.data = 0.35, 0.60


def loss():
    return nn.half_squared_error(model([0.05, 0.10]), [0.01, 0.99])


for step in range(1, 1001):
    error = loss()
    optimizer.zero_grad()
    error.backward()
    optimizer.step()
    if step in (1, 10, 100, 1000):
        print(f"before step {step}: E = {error.data:.6f}")

error = loss()
optimizer.zero_grad()
error.backward()
nn.draw(model, loss=error, target=[0.01, 0.99])
