"""JAX: the gradient of a scan, jitted, in double precision."""

import jax
import jax.numpy as jnp
from predators import RATES, START, STEPS, advanced

from rosenbrock import measured

jax.config.update("jax_enable_x64", True)


def total(start, rates):
    step = lambda state, _: (tuple(advanced(state, rates)), None)
    prey, hunters = jax.lax.scan(step, tuple(start), None, length=STEPS)[0]
    return prey + hunters


def prepare():
    slope = jax.jit(jax.grad(total, (0, 1)))
    start, rates = [[jnp.array(x) for x in numbers] for numbers in (START, RATES)]
    return lambda: jax.block_until_ready(slope(start, rates))


measure = measured(prepare, lambda slopes: [float(x) for group in slopes for x in group])
