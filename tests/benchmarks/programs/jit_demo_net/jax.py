"""JAX: the batch as matrices, one jitted function for loss, gradient and update."""

from nets import prepare_jax

prepare = prepare_jax("relu")
