"""AMD's buffer accesses become Triton's: a tensor of pointers is the scalar base plus the offsets.

%x = amdg.buffer_load %p[%o], %m, %y      ->      %s = tt.splat %p
                                                  %q = tt.addptr %s, %o
                                                  %x = tt.load %q, %m, %y
"""

from __future__ import annotations

from ..dialects import amdg, tt, ttg
from ..ir.attributes import Attribute
from ..ir.core import Module, Op, Value
from ..ir.traits import with_element
from ..ir.types import TensorType, element_of
from .insertion import Before

_BUFFER_OPS = (
    amdg.BufferLoad,
    amdg.BufferStore,
    amdg.BufferAtomicRmw,
    amdg.BufferAtomicCas,
    amdg.BufferLoadToLocal,
)


def lower_buffers(module: Module) -> None:
    """See the module's text."""
    for op in list(module.walk()):
        if isinstance(op, _BUFFER_OPS):
            _rewrite(op)
        elif isinstance(op, amdg.InstructionSchedHint):
            op.erase()


def _pointers(before: Before, base: Value, offsets: Value) -> Value:
    assert isinstance(offsets.type, TensorType)
    bases = before.splat(base, offsets.type)
    return before.value(tt.Addptr((bases, offsets), (bases.type,)))


def _rewrite(op: Op) -> None:
    before = Before(op)
    match op:
        case amdg.BufferLoad():
            pointers = _pointers(before, op.ptr, op.offsets)
            operands = _given(before, pointers, op.mask, op.other)
            made = before.insert(tt.Load(operands, (op.result.type,)))
        case amdg.BufferStore():
            pointers = _pointers(before, op.ptr, op.offsets)
            mask = [] if op.mask is None else [op.mask]
            made = before.insert(tt.Store([pointers, op.value, *mask]))
        case amdg.BufferAtomicRmw():
            pointers = _pointers(before, op.ptr, op.offsets)
            mask = [] if op.mask is None else [op.mask]
            attributes = _kept(op)
            operands = [pointers, op.value, *mask]
            made = before.insert(tt.AtomicRmw(operands, (op.result.type,), attributes))
        case amdg.BufferAtomicCas():
            pointers = _pointers(before, op.ptr, op.offsets)
            attributes = _kept(op)
            operands = [pointers, op.compare, op.value]
            made = before.insert(tt.AtomicCas(operands, (op.result.type,), attributes))
        case _:
            assert isinstance(op, amdg.BufferLoadToLocal)
            made = _copy(before, op)
    for old, new in zip(op.results, made.results, strict=True):
        new.name, new.location = old.name, old.location
    op.replace_with(made.results)


def _kept(op: Op) -> dict[str, Attribute]:
    """What the two dialects say of an atomic in the same words."""
    keys = ("atomic_rmw_op", "sem", "scope")
    return {key: op.attributes[key] for key in keys if key in op.attributes}


def _copy(before: Before, op: amdg.BufferLoadToLocal) -> Op:
    """As an asynchronous copy, whose token it gives."""
    pointers = _pointers(before, op.ptr, op.offsets)
    given = _given(before, pointers, op.mask, op.other)[1:]
    segments = (1, 1, int(len(given) > 0), int(len(given) > 1))
    operands = [pointers, op.target, *given]
    types = [op.result.type]
    return before.insert(ttg.AsyncCopyGlobalToLocal(operands, types, segments=segments))


def _given(before: Before, pointers: Value, mask: Value | None, other: Value | None) -> list[Value]:
    """Operands of a load; `other` has a meaning with a mask only."""
    if mask is None:
        return [pointers]
    if other is None:
        type_ = element_of(pointers.type)
        pointee = getattr(type_, "pointee", None)
        assert pointee is not None
        # Out of bounds AMD's buffers read as zero.
        other = before.bits(0, with_element(pointers.type, pointee))
    return [pointers, mask, other]
