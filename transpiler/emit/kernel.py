"""The lowered kernel as a shader: its signature, its body, and what a launcher must know."""

from __future__ import annotations

import textwrap

from ..debug import DebugSite, sites_from_text
from ..dialects import metal, scf, tt
from ..errors import OutOfResourcesError, UnsupportedError
from ..ir.attributes import IntegerAttr, StringAttr
from ..ir.core import Module, Op, Value
from ..ir.types import ArrayType, FloatType, IntegerType, PointerType
from ..passes.debugging import DEBUG
from ..shader import Argument, Shader
from ..target import Target
from .atomics import ATOMIC_HANDLERS
from .bases import is_unknown, origins
from .body import SHARED_BYTES, BodyWriter
from .control import CONTROL_HANDLERS
from .debugging import DEBUG_HANDLERS
from .expressions import Writer
from .helpers import helper_texts
from .inlining import Inlining
from .matrix import MATRIX_HANDLERS
from .names import Scope, safe, source_name
from .ranges import Ranges
from .statements import Gap, Line, Statement, flatten
from .template import render_kernel
from .types import name_of, pointee_name
from .writer import PRIMARY, Expr, msl_type

_POSITIONS = (
    (tt.GetProgramId, "uint3 program [[threadgroup_position_in_grid]]"),
    (tt.GetNumPrograms, "uint3 programs [[threadgroups_per_grid]]"),
    (metal.ThreadIndex, "uint thread_index [[thread_index_in_threadgroup]]"),
)


def emit(module: Module, target: Target) -> Shader:
    """The shader of a lowered module."""
    (kernel,) = module.body.ops
    assert isinstance(kernel, metal.Kernel)
    if len(kernel.body.args) > target.max_buffers:
        count = len(kernel.body.args)
        raise OutOfResourcesError("buffer arguments", count, target.max_buffers, kernel.span)
    threads = kernel.simdgroups * target.simd_width
    written = written_pointers(kernel)
    writer = Writer(Ranges(threads), lambda pointer: pointer not in written)
    scope = Scope()
    for name in ("program", "programs", "thread_index"):
        scope.declare(name)
    name = scope.declare(safe(kernel.sym_name) or "kernel_")
    arguments = [_argument(kernel, index, writer, scope) for index in range(len(kernel.body.args))]
    body = BodyWriter(writer, Inlining(kernel.body), scope)
    body.handlers |= CONTROL_HANDLERS | ATOMIC_HANDLERS | MATRIX_HANDLERS | DEBUG_HANDLERS
    body.block(kernel.body.ops)
    used = {type(op) for op in kernel.walk()}
    parameters = [_parameter(kernel.body.args[a.index], a) for a in arguments]
    parameters += [text for kind, text in _POSITIONS if kind in used]
    shared_arrays = [*_shared_arena(kernel), *body.shared]
    shared_arrays += [Gap()] if shared_arrays else []
    source = render_kernel(
        name=name,
        simdgroups=kernel.simdgroups,
        threads=threads,
        parameters=parameters,
        lines=flatten([*shared_arrays, *body.statements], 1),
        assumptions=assumptions(arguments),
        functions=[*helper_texts(writer.helpers), *body.functions.values()],
    )
    shared = threadgroup_bytes(kernel)
    report: dict[str, object] = {
        "target": target.name,
        "threads per threadgroup": threads,
        "simdgroups": kernel.simdgroups,
        "threadgroup memory (bytes)": shared,
        "barriers": source.count("threadgroup_barrier("),
        "lines": source.count("\n"),
    }
    report |= atomic_notes(kernel)
    sites = debug_sites(kernel)
    return Shader(source, name, tuple(arguments), threads, shared, target.name, report, sites)


def debug_sites(kernel: metal.Kernel) -> tuple[DebugSite, ...]:
    """The prints and assertions of a kernel."""
    for index in range(len(kernel.body.args)):
        found = kernel.attributes.get(f"arg{index}.{DEBUG}")
        if isinstance(found, StringAttr):
            return sites_from_text(found.value)
    return ()


def atomic_notes(kernel: Op) -> dict[str, object]:
    """What a reader must know of atomics on a real chip."""
    notes: dict[str, object] = {}
    ops = list(kernel.walk())
    if any(isinstance(op, metal.Fence) for op in ops):
        notes["memory order"] = "acquire and release need MSL 3.2; below it, relaxed"
    if any(_spins(op) for op in ops):
        notes["progress"] = "a program waits for others, which Metal does not promise to run"
    return notes


def _spins(op: Op) -> bool:
    """Whether a loop may wait for what other programs do."""
    if isinstance(op, metal.AtomicPoll):
        return op.polls is None
    return isinstance(op, scf.While) and any(isinstance(o, metal.Atomic) for o in op.walk())


def assumptions(arguments: list[Argument]) -> list[str]:
    """What the launcher checks of the arguments, in words."""
    texts: list[str] = []
    for divisor in sorted({a.divisibility for a in arguments if a.divisibility > 1}):
        found = [a for a in arguments if a.divisibility == divisor]
        buffers = [f"&{a.name}[0]" for a in found if a.kind == "buffer"]
        names = [*buffers, *(a.name for a in found if a.kind == "scalar")]
        texts += textwrap.wrap(f"Multiples of {divisor}: {', '.join(names)}.", 97)
    return texts


def threadgroup_bytes(kernel: Op) -> int:
    """Static threadgroup memory, each array aligned to 16 bytes."""
    ops = [op for op in kernel.walk() if isinstance(op, metal.Threadgroup)]
    if any("offset" in op.attributes for op in ops):
        return max(op.offset + _aligned_size(op) for op in ops)
    return sum(_aligned_size(op) for op in ops)


def _aligned_size(op: metal.Threadgroup) -> int:
    assert isinstance(op.result.type, ArrayType)
    return (op.result.type.size_in_bytes + 15) // 16 * 16


def _shared_arena(kernel: Op) -> list[Statement]:
    """The array that holds all others, where they share memory: 16-byte aligned, so of uint4."""
    ops = [op for op in kernel.walk() if isinstance(op, metal.Threadgroup)]
    if not any("offset" in op.attributes for op in ops):
        return []
    return [
        Line(f"threadgroup uint4 {SHARED_BYTES}_words[{threadgroup_bytes(kernel) // 16}];"),
        Line(f"threadgroup uchar* {SHARED_BYTES} = (threadgroup uchar*){SHARED_BYTES}_words;"),
    ]


def _argument(kernel: metal.Kernel, index: int, writer: Writer, scope: Scope) -> Argument:
    value = kernel.body.args[index]
    name = scope.declare(source_name(value) or f"arg{index}")
    hint = kernel.attributes.get(f"arg{index}.tt.divisibility")
    divisibility = hint.value if isinstance(hint, IntegerAttr) else 1
    found = kernel.attributes.get(f"arg{index}.tt.descriptor")
    descriptor = found.value if isinstance(found, StringAttr) else ""
    type_ = value.type
    if f"arg{index}.{DEBUG}" in kernel.attributes:
        writer.expressions[value] = Expr(name, PRIMARY, name_of(type_))
        return Argument(name, "debug", "i32", index, written=True)
    if isinstance(type_, PointerType):
        const = writer.is_const(value)
        writer.expressions[value] = Expr(name, PRIMARY, name_of(type_, const=const))
        # Pointers in memory are addresses.
        element = "i64" if isinstance(type_.pointee, PointerType) else str(type_.pointee)
        return Argument(name, "buffer", element, index, divisibility, not const, descriptor)
    if not isinstance(type_, IntegerType | FloatType):
        raise UnsupportedError(f"a kernel argument of type {type_}", kernel.span)
    writer.expressions[value] = Expr(name, PRIMARY, msl_type(value))
    return Argument(name, "scalar", str(type_), index, divisibility, descriptor=descriptor)


def _parameter(value: Value, argument: Argument) -> str:
    slot = f"[[buffer({argument.index})]]"
    if argument.kind == "scalar":
        return f"constant {msl_type(value)}& {argument.name} {slot}"
    assert isinstance(value.type, PointerType)
    const = "" if argument.written else "const "
    return f"device {const}{pointee_name(value.type)}* {argument.name} {slot}"


def written_pointers(kernel: metal.Kernel) -> set[Value]:
    """What the kernel writes through, and all that it is computed from: these are not `const`."""
    places = [op.ptr for op in kernel.walk() if isinstance(op, metal.Store)]
    atomics = (metal.Atomic, metal.AtomicPoll, metal.Record)
    places += [op.operands[0] for op in kernel.walk() if isinstance(op, atomics)]
    pointers = [place for place in places if isinstance(place.type, PointerType)]
    found = origins(pointers)
    if any(is_unknown(value) for value in found):  # it might point into any buffer
        found |= set(kernel.body.args)
    return found
