"""The step on our Values."""

from autograd import Value
from written_gpt import step_of


def prepare():
    return step_of(Value)
