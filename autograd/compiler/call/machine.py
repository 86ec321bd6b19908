"""Machine code: compile the text of a module, and call what is in it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import pickle
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

from autograd.compiler.llvm.module import Module
from autograd.compiler.llvm.procedures import write_procedures
from autograd.compiler.program.program import Program
from autograd.errors import require

from . import cache, library

PATIENCE = 2.0  # seconds after which a person is told what takes so long
FULL = 2  # the effort that code of a usual length is compiled with
LONG = 20_000  # instructions from which on the text of a program is kept, too
WORTH_KEEPING = 0.05  # seconds of compiling from which on machine code is kept on disk
_lock = threading.Lock()  # one compilation at a time: LLVM's start is not safe for threads

RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)  # (in, out); the GIL is free meanwhile
REPEAT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
MAP = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
WHOLE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_void_p)
MEMORY = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)  # how many numbers a reduction in so many pieces has there
PIECE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 3)
FINISH = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2, ctypes.c_void_p)


def llvm() -> Any:
    """Return llvmlite's binding, or raise MissingExtraError; numpy must be there too."""
    require("numpy", "jit", "jit")
    return require("llvmlite.binding", "jit", "jit")


@functools.cache
def _started() -> Any:
    binding = llvm()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


@functools.cache
def _version() -> str:
    """Return what compiles, with the options that are set here."""
    return f"llvmlite {llvm().llvm_version_info} {metadata.version('llvmlite')} without lsr, vectorized loops"


@functools.cache
def _features() -> Any:
    return _started().get_host_cpu_features()


def lanes() -> int:
    """Return how many doubles a vector of this machine holds."""
    features = _features()
    return 8 if features.get("avx512f") else 4 if features.get("avx") else 2


@contextlib.contextmanager
def _without_strength_reduction(binding: Any) -> Iterator[None]:
    """Let LLVM leave out a pass that takes half its time on many small loops, and makes them no faster."""
    known = binding.llvm_version_info[0] <= 22  # an option that LLVM does not know ends the process
    if known:
        binding.set_option("chalkgrad", "-disable-lsr=true")
    try:
        yield
    finally:
        if known:
            binding.set_option("chalkgrad", "-disable-lsr=false")


class Code:
    """The machine code of one module, which lives as long as this object."""

    def __init__(self, module: Module, rules: library.Rules, effort: int) -> None:
        self.rules = rules
        self.kept: list[Any] = []  # Python objects that the code names by address
        with _lock:
            binding = _started()
            # A context of its own: the one that LLVM has for all modules keeps every constant for ever.
            context = binding.create_context()
            text = module.text()
            parsed = binding.parse_assembly(text, context)
            target = binding.Target.from_default_triple()
            machine = target.create_target_machine(
                cpu=binding.get_host_cpu_name(), features=_features().flatten(), opt=effort, codemodel="jitdefault"
            )
            cpu = f"{binding.get_host_cpu_name()} {_features().flatten()}"
            kept = cache.load(key := cache.key_of(text, cpu, f"{effort} {_version()}"))
            begin = time.perf_counter()
            if kept is None and module.procedures and effort == FULL:
                _optimize(binding, parsed, machine)
            self._engine = binding.create_mcjit_compiler(parsed, machine)
            outside = {name[1:]: address for address, name in module.externals.items()}
            for variable in parsed.global_variables:
                if variable.name in outside:  # those that are left
                    self._engine.add_global_mapping(variable, outside[variable.name])
            made: list[bytes] = []
            self._engine.set_object_cache(lambda _, code: made.append(bytes(code)), lambda _: kept)
            with _without_strength_reduction(binding):
                self._engine.finalize_object()
        if made and time.perf_counter() - begin > WORTH_KEEPING:
            cache.store(key, made[0])
        spares = [self._engine.get_global_value_address(name[1:]) for name in module.spares]
        # No __del__: the garbage collector, in a circle, might call those of engine and context before it.
        weakref.finalize(self, _release, self._engine, context, spares).atexit = False

    def check(self) -> None:
        """Raise what a rule raised that the machine code called back in this thread."""
        failure = self.rules.failures.take()
        if failure is not None:
            raise failure

    def address(self, name: str) -> int:
        """Return where a function begins."""
        address: int = self._engine.get_function_address(name)
        return address


def _optimize(binding: Any, parsed: Any, machine: Any) -> None:
    """Let LLVM put the body of a loop that the program says into the loop, and its state into registers.

    It is two to three times as fast then. Our own loops are written that way, and gain nothing but where a body has
    loops whose first or last turn reads from elsewhere: those are peeled here, and stand in the lanes then.
    """
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.slp_vectorization = False  # which makes loops of a few numbers slower by half
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)


def _release(engine: Any, context: Any, spares: list[int]) -> None:
    for spare in spares:
        kept = ctypes.c_void_p.from_address(spare).value
        if kept is not None:
            library.free(ctypes.c_void_p.from_address(kept - 8).value)
    engine.close()
    context.close()


class Compiler:
    """Collects the functions of one module, and the Python rules that its code calls back."""

    def __init__(self, wide: bool, fast: bool) -> None:
        self.rules = library.Rules()
        self.module = Module(self.rules.address, lanes() if wide else 1, fast, lanes())

    def write(self, programs: list[Program], facts: str, functions: Callable[[Module], None]) -> None:
        """Write functions of programs and ``facts`` into the module; those of long ones may be kept on disk."""
        if sum(len(program.instructions) for program in programs) < LONG:
            functions(self.module)
            return
        contents = [part if isinstance(part, bytes) else repr(part) for p in programs for part in p.content]
        module = f"{self.module.lanes} {self.module.width} {self.module.flags} {facts}"
        entry = cache.load(key := cache.key_of(cache.sources(), module, *contents))
        if entry is not None:
            try:
                self.module.take_over(pickle.loads(entry))
                return
            except Exception:  # of another time, whatever is wrong with it; the module is as empty as before
                pass
        functions(self.module)
        if (written := self.module.written()) is not None:
            cache.store(key, pickle.dumps(written, pickle.HIGHEST_PROTOCOL))

    def compile(self) -> Code:
        """Compile, with the effort that the length of the text allows: the time grows with both."""
        write_procedures(self.module)
        length = self.module.length()
        return Code(self.module, self.rules, FULL if length <= 40_000 else 1 if length <= 100_000 else 0)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking a growing heap, again and again, to find nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def patience(stage: str) -> Iterator[None]:
    """Say on the terminal what is going on, when it has gone on for two seconds, and how long it took."""
    begin = time.perf_counter()
    said = threading.Event()

    def say() -> None:
        said.set()
        print(f"jit: {stage} …", file=sys.stderr, flush=True)

    timer = threading.Timer(PATIENCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if said.is_set():
            print(f"jit: done after {time.perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)
