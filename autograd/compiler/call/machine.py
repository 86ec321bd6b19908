"""Machine code: compile the text of a module, and call what is in it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from autograd.compiler.llvm.module import Module
from autograd.errors import MissingExtraError

from . import library as libm

PATIENCE = 2.0  # seconds after which a person is told what takes so long
_lock = threading.Lock()  # one compilation at a time: LLVM's start is not safe for threads


def require() -> tuple[Any, Any]:
    """Return llvmlite's binding and numpy, or raise MissingExtraError."""
    try:
        import llvmlite.binding
        import numpy
    except ImportError as missing:
        raise MissingExtraError(
            f"jit needs the package {missing.name}, which is not installed; get it with: pip install 'chalkgrad[jit]'"
        ) from None
    return llvmlite.binding, numpy


@functools.cache
def _started() -> Any:
    binding, _ = require()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


@functools.cache
def _features() -> Any:
    return _started().get_host_cpu_features()


def lanes() -> int:
    """Return how many doubles a vector of this machine holds."""
    features = _features()
    return 8 if features.get("avx512f") else 4 if features.get("avx") else 2


class Code:
    """The machine code of one module, which lives as long as this object."""

    def __init__(self, module: Module, callbacks: list[Any], failures: libm.Failures, effort: int) -> None:
        self.callbacks = callbacks
        self.failures = failures
        self.kept: list[Any] = []  # Python objects that the code names by address
        with _lock:
            binding = _started()
            parsed = binding.parse_assembly(module.text())
            target = binding.Target.from_default_triple()
            features = _features().flatten()
            machine = target.create_target_machine(
                cpu=binding.get_host_cpu_name(), features=features, opt=effort, codemodel="jitdefault"
            )
            self._engine = binding.create_mcjit_compiler(parsed, machine)
            self._engine.finalize_object()
        self._spare = self._engine.get_global_value_address("spare") if module.spare else 0

    def __del__(self) -> None:
        if getattr(self, "_spare", 0):
            libm.free(ctypes.c_void_p.from_address(self._spare).value)

    def check(self) -> None:
        """Raise what a rule raised that the machine code called back in this thread."""
        failure = self.failures.first
        if failure is not None:
            self.failures.first = None
            raise failure

    def address(self, name: str) -> int:
        found: int = self._engine.get_function_address(name)
        return found


class Compiler:
    """Collects the functions of one module, and the Python rules that its code calls back."""

    def __init__(self, wide: bool, fast: bool) -> None:
        self.callbacks: list[libm.Callback] = []
        self.failures = libm.Failures()
        self.module = Module(self._find, lanes() if wide else 1, fast, lanes())

    def _find(self, name: str, arity: int) -> int:
        address = libm.address(name, arity)
        if address is None:
            callback = libm.Callback(name, arity, self.failures)
            self.callbacks.append(callback)
            return callback.address
        return address

    def compile(self, instructions: int) -> Code:
        """Compile, with the effort that so many instructions allow: the time grows with both."""
        weight = instructions * (2 if self.module.lanes > 1 else 1)
        return Code(self.module, self.callbacks, self.failures, 2 if weight <= 10_000 else 1 if weight <= 30_000 else 0)


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
def patience(stage: list[str]) -> Iterator[None]:
    """Say on the terminal what is going on, when it has gone on for two seconds, and how long it took."""
    begun = time.perf_counter()
    told = threading.Event()

    def tell() -> None:
        told.set()
        print(f"jit: {stage[-1]} …", file=sys.stderr, flush=True)

    timer = threading.Timer(PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if told.is_set():
            print(f"jit: done after {time.perf_counter() - begun:.1f} s", file=sys.stderr, flush=True)


RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)  # (in, out); the GIL is free meanwhile
REPEAT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
MAP = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
REDUCE = ctypes.CFUNCTYPE(
    None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_double
)
REDUCE_WHOLE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_void_p)
