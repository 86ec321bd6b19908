"""Two hidden layers of sigmoids: why it does not learn (see Diagnose)."""

import nn

X = [[5, 1, 10], [8, 3, 4], [9, 7, 1], [5, 2, 8], [8, 4, 3]]
targets = [50, 96, 63, 80, 96]  # and a sigmoid gives 0 to 1

sigmoids = ["sigmoid"] * 3
model = nn.MLP(3, [5, 5, 1], activation=sigmoids, bias=False, init="normal", seed=1)
optimizer = nn.SGD(model.parameters(), lr=0.5)
for epoch in range(1, 101):
    outputs = [model(x) for x in X]
    loss = nn.half_squared_error(outputs, targets)
    loss.name = "loss"
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch in (1, 10, 100):
        numbers = [round(o.data, 4) for o in outputs]
        print(f"epoch {epoch}: loss {loss.data:.1f}, outputs {numbers}")

loss
