"""The exceptions of this package. Each message says what was given, what was wanted and what to do."""

from __future__ import annotations


class AutogradError(Exception):
    """Base class of the errors that are this package's own."""


class AnomalyError(AutogradError, ArithmeticError):
    """An operation made a nan or an infinity out of finite numbers, inside ``detect_anomaly()``."""


class GradientCheckError(AutogradError, AssertionError):
    """A gradient disagrees with its numerical estimate; the message names the input and the first suspect."""


class DiagramError(AutogradError, ValueError):
    """A picture, derivation or diagnosis cannot be made as asked; the message says what to change."""
