"""A neuron with sliders: drag a weight, and every number follows."""

from autograd import draw


def neuron(w, x, b):
    z = w * x + b
    z.name = "z"
    y = z.tanh()
    y.name = "y"
    return y


draw(neuron, w=(-2, 2), x=(-2, 2), b=(-1, 1), direction="TB")
