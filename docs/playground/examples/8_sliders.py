"""A neuron with sliders: drag a weight, and every number follows."""

from autograd import draw


def neuron(w, x, b):
    return (w * x + b).tanh()


draw(neuron, w=(-2, 2), x=(-2, 2), b=(-1, 1))
