"""JAX: a jitted fori_loop over the training step, in double precision."""

import jax
import jax.numpy as jnp

from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS

jax.config.update("jax_enable_x64", True)


def prepare():
    x, t = jnp.array(INPUTS), jnp.array(TARGETS)

    def loss(p):
        hidden, output = p
        y = jax.nn.sigmoid(output @ jax.nn.sigmoid(hidden @ x + HIDDEN_BIAS) + OUTPUT_BIAS)
        return 0.5 * jnp.sum((t - y) ** 2)

    def update(_, p):
        return jax.tree.map(lambda w, g: w - RATE * g, p, jax.grad(loss)(p))

    @jax.jit
    def train(p):
        return loss(jax.lax.fori_loop(0, max(LOSSES_AT), update, p))

    begin = (jnp.array(HIDDEN), jnp.array(OUTPUT))
    return lambda: train(begin).block_until_ready()
