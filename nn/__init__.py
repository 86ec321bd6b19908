"""Small neural networks on ``autograd``: PyTorch's names and habits, at micrograd's size."""

from .init import INITIALIZERS, initializer
from .layers import MLP, Dropout, Layer, Neuron, Sequential, activation_names
from .losses import (
    LOSSES,
    bce,
    bce_with_logits,
    cross_entropy,
    half_squared_error,
    hinge,
    huber,
    loss_function,
    mae,
    mse,
)
from .module import Module
from .optim import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    clip_grad_norm_,
    clip_grad_value_,
)

__all__ = [
    "INITIALIZERS", "LOSSES", "MLP", "OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Dropout", "Layer", "Module",
    "Neuron", "Optimizer", "RMSprop", "Sequential", "activation_names", "bce", "bce_with_logits", "clip_grad_norm_",
    "clip_grad_value_", "cross_entropy", "half_squared_error", "hinge", "huber", "initializer", "loss_function", "mae",
    "mse",
]  # fmt: skip
