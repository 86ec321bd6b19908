"""XOR: what no single neuron can do, two hidden ones can."""

import nn

X, y = nn.data.xor()
model = nn.MLP(2, [2, 1], activation="tanh", output_activation="sigmoid", seed=6)
optimizer = nn.Adam(model.parameters(), lr=0.1)
for step in range(1, 151):
    loss = nn.bce([model(x) for x in X], y)
    loss.name = "loss"
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.data:.4f}")

for x, target in zip(X, y):
    print(x, "→", f"{model(x).data:.3f}", "target", target)
nn.draw(model, loss=loss)
