"""The lowered kernel as a shader: its signature, its body, and what a launcher must know."""

from __future__ import annotations

from ..analysis.origins import written_pointers
from ..debug import DebugSite, sites_from_text
from ..dialects import metal, scf, tt
from ..ir.attributes import StringAttr
from ..ir.core import Module, Op
from ..ir.types import ArrayType
from ..passes.debugging import DEBUG
from ..report import Report, facts_of
from ..shader import Shader
from ..target import Target
from .arguments import assumptions, signature
from .atomics import ATOMIC_HANDLERS
from .body import SHARED_BYTES, BodyWriter
from .control import CONTROL_HANDLERS
from .debugging import DEBUG_HANDLERS
from .expressions import Writer
from .helpers import helper_texts
from .inlining import Inlining
from .matrix import MATRIX_HANDLERS
from .names import Scope, safe
from .ranges import Ranges
from .statements import Gap, Line, Statement, flatten
from .template import render_kernel

_POSITIONS = (
    (tt.GetProgramId, "uint3 program [[threadgroup_position_in_grid]]"),
    (tt.GetNumPrograms, "uint3 programs [[threadgroups_per_grid]]"),
    (metal.ThreadIndex, "uint thread_index [[thread_index_in_threadgroup]]"),
)


def emit(module: Module, target: Target) -> Shader:
    """The shader of a lowered module."""
    (kernel,) = module.body.ops
    assert isinstance(kernel, metal.Kernel)
    threads = kernel.simdgroups * target.simd_width
    written = written_pointers(kernel)
    writer = Writer(Ranges(threads), lambda pointer: pointer not in written)
    scope = Scope()
    for name in ("program", "programs", "thread_index"):
        scope.declare(name)
    name = scope.declare(safe(kernel.sym_name) or "kernel_")
    signed = signature(kernel, writer, scope, target.max_buffers)
    body = BodyWriter(writer, Inlining(kernel.body), scope, target.registers)
    body.handlers |= CONTROL_HANDLERS | ATOMIC_HANDLERS | MATRIX_HANDLERS | DEBUG_HANDLERS
    body.block(kernel.body.ops)
    used = {type(op) for op in kernel.walk()}
    positions = [text for kind, text in _POSITIONS if kind in used]
    shared_arrays = [*_shared_arena(kernel), *body.shared]
    shared_arrays += [Gap()] if shared_arrays else []
    source = render_kernel(
        name=name,
        simdgroups=kernel.simdgroups,
        threads=threads,
        struct=signed.struct,
        parameters=[*signed.parameters, *positions],
        lines=flatten([*shared_arrays, *body.statements], 1),
        assumptions=assumptions(signed.arguments),
        functions=[*helper_texts(writer.helpers), *body.functions.values()],
    )
    shared = threadgroup_bytes(kernel)
    report = Report(lambda: facts_of(kernel, source, target, shared) | atomic_notes(kernel))
    sites = debug_sites(kernel)
    return Shader(source, name, signed.arguments, threads, shared, target.name, report, sites)


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
