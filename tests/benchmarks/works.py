"""What is measured: a row a work, a folder of programs a row, a program a library that takes part."""

from pathlib import Path
from typing import NamedTuple

PROGRAMS = Path(__file__).parent / "programs"


class Target(NamedTuple):
    """What one of our programs is to reach: a figure of at most so much, or so many times better than another's.

    `collector` is the mode of Python's cyclic garbage collector in which it is to be reached, or None for both.
    """

    figure: str = "time"
    at_most: float | None = None
    times: float | None = None
    than: str = "micrograd"
    collector: str | None = None
    program: str = "chalkgrad"


class Work(NamedTuple):
    """One row of the report.

    `timed` says what lies between the two readings of the clock. Programs must agree on the numbers they return to
    `tolerance`, relative to the largest of them. `repeats` is how often each process takes its time, in each round.
    """

    name: str
    title: str
    timed: str
    targets: tuple[Target, ...] = ()
    tolerance: float = 1e-12
    repeats: int = 3
    collectors: tuple[str, ...] = ("on", "off")

    def programs(self) -> dict[str, Path]:
        """The work's programs by name, ours first."""
        files = {path.stem: path for path in sorted((PROGRAMS / self.name).glob("*.py"))}
        return dict(sorted(files.items(), key=lambda item: not item[0].startswith("chalkgrad")))


# The targets of the eager works are those of the native engine.
WORKS = [
    Work(
        "binary_node",
        "a * b, a node made and freed",
        "200,000 products in a loop, without what the loop takes by itself",
        (Target(at_most=40e-9),),
        repeats=1,
        collectors=("on",),
    ),
    Work(
        "demo_net",
        "a training step of micrograd's demo (MLP 2-16-16-1, 100 samples, hinge, L2) through nn",
        "forward, zero_grad, backward and update; the graph is freed in the next step",
        (Target(at_most=1.5e-3),),
    ),
    Work(
        "written_out",
        "the same step with neurons written out by the user as sum(w*x) + b",
        "forward, zero_grad, backward and update; the graph is freed in the next step",
        (Target(times=1, than="fastdual"), Target(times=1, than="xad")),
    ),
    Work(
        "gpt_step",
        "a training step of microgpt's network (4,064 parameters, 8 tokens, 62,000 nodes), written out",
        "forward, backward and update; the graph is freed in the next step",
        (Target(at_most=8e-3), Target(times=15, than="microgpt", collector="on"), Target(times=1, than="xad")),
        tolerance=1e-9,
    ),
    Work(
        "chain",
        "a chain of 1e6 x = x*a + b (micrograd recurses and cannot)",
        "forward, backward and the release of the graph; the peak of the whole process",
        (Target(at_most=0.4), Target("peak memory", at_most=200e6), Target(times=1, than="xad")),
        repeats=1,
    ),
    Work(
        "node_memory",
        "memory of one binary node",
        "bytes that tracemalloc counts for each of 100,000 sums x + y, and products x * y, that are kept",
        (Target("memory", at_most=100), Target("product memory", at_most=100)),
        repeats=1,
        collectors=("on",),
    ),
    Work(
        "two_two_two",
        "the 2-2-2 sigmoid network, 10,000 training steps",
        "10,000 times forward, zero_grad, backward and update",
        (Target(at_most=55e-3), Target(times=1, than="fastdual")),
        repeats=1,
    ),
    Work(
        "import_time",
        "import of the engine in a new interpreter",
        "the import statement, bytecode already compiled",
        (Target(at_most=0.025),),
        repeats=1,
        collectors=("on",),
    ),
    Work(
        "jit_demo_net",
        "compiled: the demo net (2-16-16-1, 100 samples, hinge, L2) from parameters to parameters",
        "one call: loss, gradient and SGD update in double precision; compiled before",
        (Target(times=5, than="jax"), Target(times=3, than="c"), Target(at_most=8e-6)),
        collectors=("on",),
    ),
    Work(
        "jit_tanh_net",
        "compiled: the same net with tanh",
        "one call: loss, gradient and SGD update in double precision; compiled before",
        (Target(times=1 / 3, than="jax"), Target(times=1, than="jax", program="chalkgrad-fastmath")),
        collectors=("on",),
    ),
    Work(
        "jit_sigmoid_net",
        "compiled: the same net with sigmoid",
        "one call: loss, gradient and SGD update in double precision; compiled before",
        (Target(times=1 / 3, than="jax"), Target(times=1, than="jax", program="chalkgrad-fastmath")),
        collectors=("on",),
    ),
    Work(
        "jit_two_two_two",
        "compiled: the 2-2-2 sigmoid network, 10,000 training steps in one call",
        "the loop and the loss after it; compiled before",
        (Target(times=1, than="jax"),),
        tolerance=1e-10,
        collectors=("on",),
    ),
    Work(
        "jit_rosenbrock_100",
        "compiled: the gradient of Rosenbrock's function of 100 numbers",
        "first call time: trace and compile; time: one call of many",
        (Target(times=1, than="jax"), Target(times=1, than="ddx"), Target("first call time", at_most=2.0)),
        collectors=("on",),
    ),
    Work(
        "jit_rosenbrock_1000",
        "compiled: the gradient of Rosenbrock's function of 1,000 numbers",
        "first call time: trace and compile; time: one call of many",
        (Target(times=1, than="jax"), Target(times=1, than="ddx"), Target("first call time", at_most=2.0)),
        collectors=("on",),
    ),
    Work(
        "jit_wide_net",
        "compiled: a training step of a classifier 16-64-64-10, 100 samples, cross entropy and SGD",
        "first call time: trace and compile; time: one call of many, parameters in and parameters out",
        (Target(times=1, than="jax"), Target("first call time", at_most=1.0)),
        tolerance=1e-10,  # sums over samples, in any order
        collectors=("on",),
    ),
    Work(
        "jit_runge_kutta",
        "compiled: 10,000 Runge-Kutta steps of two numbers, and the gradient by start and four rates",
        "first call time: trace and compile; time: one call of many",
        (Target(times=0.5, than="c"), Target("first call time", at_most=0.3)),
        tolerance=1e-9,  # of ten thousand steps, in which C fuses products and sums
        collectors=("on",),
    ),
    Work(
        "fit_epoch",
        "fit(jit=True) of the demo's network: one epoch more, of one batch of 100",
        "first and second fit: of 5 epochs; time: (20,005 epochs − 5 epochs) ÷ 20,000, without callbacks and metrics",
        (Target(at_most=20e-6), Target("second fit time", at_most=0.02)),
        repeats=1,
        collectors=("on",),
    ),
    Work(
        "jit_hessian",
        "compiled: the Hessian of Rosenbrock's function of 20 numbers",
        "first call time: trace and compile; time: one call of many",
        (Target(times=1, than="ddx"),),
        collectors=("on",),
    ),
    Work(
        "jit_call",
        "compiled: 1,000 calls of a function of two floats, in a Python loop",
        "the loop with its calls",
        (Target(at_most=300e-6),),
        collectors=("on",),
    ),
    Work(
        "jit_compile",
        "compiled: from the demo net as a Python function to the first step's result",
        "trace, compile and one call; the second time in a process",
        (Target(at_most=0.3),),
        repeats=1,
        collectors=("on",),
    ),
    Work(
        "jit_gpt",
        "compiled: a GPT of one layer (4,064 parameters, 8 tokens), loss and gradient",
        "first call time: trace and compile; time: one call of many",
        (Target("first call time", at_most=5.0), Target(at_most=0.12e-3)),
        tolerance=1e-9,
        repeats=1,
        collectors=("on",),
    ),
]
