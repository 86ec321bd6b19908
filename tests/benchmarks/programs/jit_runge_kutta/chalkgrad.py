"""A loop that stays a loop: `autograd.loop` inside `jit`."""

from predators import RATES, START, STEPS, advanced

from rosenbrock import measured


def prepare():
    from autograd import grad, jit, loop

    def total(start, rates):
        prey, hunters = loop(STEPS, lambda i, state: advanced(state, rates), start)
        return prey + hunters

    slope = jit(grad(total, (0, 1)))
    return lambda: slope(START, RATES)


measure = measured(prepare, lambda slopes: [*slopes[0], *slopes[1]])
