"""Small neural networks on ``autograd``: PyTorch's names and habits, at micrograd's size.

``layers`` are ``module``s whose weights come from ``initializers``; ``losses`` compare what they give with targets,
``optim`` changes the weights by their gradients, and ``schedule`` the learning rate. ``fit`` puts it together:
``table`` reads the data, ``step`` (or ``compiled_step``) learns from one batch, ``run`` is what a ``checkpoint`` holds,
``history`` what is left behind, and ``recorder`` notes frames for its ``player``.
"""

from . import data, plot
from .checkpoint import CheckpointError, load, read_notes, save
from .draw import draw
from .fit import evaluate, fit, predict
from .flow import gradient_flow, record_gradients
from .history import History
from .initializers import INITIALIZERS, initializer
from .interop import from_torch, to_torch
from .layers import MLP, Dropout, Layer, Neuron, Sequential, activation_names
from .live import LivePlot
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
from .metrics import METRICS, accuracy, r2, rmse
from .module import Module
from .optim import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm_, clip_grad_value_
from .player import TrainingPlayer
from .recorder import Recorder
from .run import EarlyStopping, Training
from .schedule import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    ReduceLROnPlateau,
    Schedule,
    SequentialLR,
    StepLR,
)

__all__ = [
    "INITIALIZERS", "LOSSES", "METRICS", "MLP", "OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "CheckpointError",
    "CosineAnnealingLR", "Dropout", "EarlyStopping", "ExponentialLR", "History", "LambdaLR", "Layer", "LinearLR",
    "LivePlot", "Module", "Neuron", "Optimizer", "RMSprop", "Recorder", "ReduceLROnPlateau", "Schedule", "Sequential",
    "SequentialLR", "StepLR", "Training", "TrainingPlayer", "accuracy", "activation_names", "bce", "bce_with_logits",
    "clip_grad_norm_", "clip_grad_value_", "cross_entropy", "data", "draw", "evaluate", "fit", "from_torch",
    "gradient_flow", "half_squared_error", "hinge", "huber", "initializer", "load", "loss_function", "mae", "mse",
    "plot", "predict", "r2", "read_notes", "record_gradients", "rmse", "save", "to_torch",
]  # fmt: skip
