"""chalkgrad: scalar automatic differentiation that can be read, looked through and relied on."""
from .errors import AnomalyError, AutogradError, GradientCheckError
from .modes import detect_anomaly, enable_grad, no_grad, record_source
from .ops import *
from .ops import define
from .value import Value, topological_order
