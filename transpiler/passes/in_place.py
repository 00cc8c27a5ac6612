"""A barrier before a store to memory that other threads have loaded from, and may still be at.

%z = tt.load %row                      %z = tt.load %row
%d = tt.dot %a, %b, %z                 %d = metal.dot ...
tt.store %p, %d                 ->     gpu.barrier
                                       tt.store %p, %d

A program loads before it stores, whichever of its threads does so. Where operands of dots are
staged a barrier stands in between as it is; with direct ones none would. Threads that overwrite
what they have loaded themselves (at the very same pointers) need none, nor does the memory of
another argument. What a kernel writes to is never loaded directly (direct.py).
"""

from __future__ import annotations

from ..dialects import gpu, scf, tt, ttg
from ..ir.core import Block, Op, Value
from .insertion import Before

_VIEWS = (tt.Addptr, tt.Splat, tt.Broadcast, tt.ExpandDims, tt.Trans, ttg.ConvertLayout)


def order_stores(function: Op) -> None:
    """See the module's text."""
    _order(function.regions[0].block, set())


def _order(block: Block, loaded: set[Value]) -> None:
    """Go through a block; `loaded` has the pointers loaded from since the last barrier."""
    for op in list(block.ops):
        match op:
            case tt.Load():
                loaded.add(op.ptr)
            case gpu.Barrier() | ttg.Barrier():
                loaded.clear()
            case tt.Store() if _is_loaded_by_others(op.ptr, loaded):
                Before(op).insert(gpu.Barrier())
                loaded.clear()
            case scf.For() | scf.While() | scf.If():
                _nested(op, loaded)
            case _:
                pass


def _nested(op: Op, loaded: set[Value]) -> None:
    """Each block may be the only one that runs, or none may: what one clears others may not."""
    found: set[Value] = set(loaded)
    for region in op.regions:
        for inner in region.blocks:
            inside = set(loaded)
            _order(inner, inside)
            found |= inside
    loaded |= found


def _is_loaded_by_others(pointers: Value, loaded: set[Value]) -> bool:
    root = root_of(pointers)
    return root is not None and any(
        other is not pointers and root_of(other) is root for other in loaded
    )


def written_roots(function: Op) -> set[Value | None]:
    """The arguments that a function stores to, or updates."""
    writers = (tt.Store, tt.AtomicRmw, tt.AtomicCas)
    return {root_of(op.operands[0]) for op in function.walk() if isinstance(op, writers)}


def root_of(pointers: Value) -> Value | None:
    """The argument that pointers are derived from; None where that is not plain."""
    seen: set[Value] = set()
    while pointers not in seen:
        seen.add(pointers)
        op = pointers.defining_op
        if isinstance(op, _VIEWS):
            pointers = op.operands[0]
            continue
        owner = pointers.owner
        holder = owner.parent_op if isinstance(owner, Block) else None
        if isinstance(holder, scf.For) and pointers in holder.iter_args:
            pointers = holder.inits[pointers.index - 1]
        elif isinstance(op, scf.For):
            pointers = op.inits[op.results.index(pointers)]
        else:
            return pointers if isinstance(holder, tt.Func) else None
    return None
