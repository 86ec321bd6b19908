"""The same with fastmath: fused multiply-add, and exp and tanh as polynomials."""

from autograd import sigmoid
from nets import prepare_ours

prepare = prepare_ours(sigmoid, fastmath=True)
