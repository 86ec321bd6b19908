"""Two moons: a network learns a curved boundary, as a film."""

import nn

X, y = nn.data.moons(60, noise=0.1, seed=3, labels=(-1, 1))
model = nn.MLP(2, [8, 1], activation="tanh", seed=1)
optimizer = nn.SGD(model.parameters(), lr=0.2, momentum=0.9)
history = nn.fit(
    model,
    X,
    y,
    loss="hinge",
    optimizer=optimizer,
    epochs=40,
    batch_size=None,
    metrics=["accuracy"],
    progress=False,
    record=2,  # a frame of the film after every second epoch
)
print(f"accuracy after {len(history)} epochs: {history['accuracy'][-1]:.0%}")

history.player()
