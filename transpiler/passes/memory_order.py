"""A program's accesses to one argument's memory happen in the order of the text.

    %z = tt.load %column          (every row's first element, for all threads of the row)
    ...
    tt.store %rows, %y      ->    ttg.barrier global_read|global_write
                                  tt.store %rows, %y

The threads of a program run ahead of each other: one may store to what another has not loaded yet,
or load what another has not stored. A barrier stands between a load and a store, or an atomic,
through one kernel argument, whichever comes first, unless they go through one pointer value whose
elements have one thread each: then every thread meets its own elements only, in order. Likewise
where all threads load one element and one stores it, and the number goes nowhere but there.

Different arguments are taken to be apart, as is what one turn of a loop stores and the next one
loads through the same pointer value.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.origins import CONTROL, copied
from ..dialects import gpu, metal_matrix, scf, tt, ttg
from ..ir.attributes import Attribute, OpaqueAttr
from ..ir.core import Block, Module, Op, Value
from ..ir.types import PointerType, TensorType, element_of
from ..lower.distribution import distribution_of
from .rewrite import located

_STORES = (tt.Store, tt.AtomicRmw, tt.AtomicCas, tt.AtomicStore)
_ACCESSES = (tt.Load, metal_matrix.Direct, *_STORES)
_LOOPS = (scf.For, scf.While)


def order_memory(module: Module) -> None:
    """See the module's text."""
    for function in module.functions:
        accesses: list[Op] = [op for op in function.walk() if isinstance(op, _ACCESSES)]
        bases = {op: _bases(op.operands[0]) for op in accesses}
        stored = _union(found for op, found in bases.items() if isinstance(op, _STORES))
        loaded = _union(found for op, found in bases.items() if not isinstance(op, _STORES))
        if stored & loaded:
            _Order(bases).block(function.regions[0].block, [])


class _Order:
    """Places the barriers of one function; `bases` has the arguments behind every access."""

    def __init__(self, bases: dict[Op, set[Value]]) -> None:
        self._bases = bases

    def block(self, block: Block, since: list[Op]) -> list[Op]:
        """Place barriers in a block; gives what was accessed since the last one, at its end."""
        for op in list(block.ops):
            if isinstance(op, ttg.Barrier | gpu.Barrier):
                since = []
            elif op in self._bases:
                if any(self._meet(earlier, op) for earlier in since):
                    _insert_barrier(op)
                    since = []
                since = [*since, op]
            elif isinstance(op, _LOOPS):
                since = self._loop(op, since)
            elif isinstance(op, scf.If):
                ends = [self.block(region.block, since) for region in op.regions if region.blocks]
                since = _joined(ends if len(ends) == 2 else [since, *ends])
        return since

    def _loop(self, loop: Op, since: list[Op]) -> list[Op]:
        """Twice: what one turn leaves, the next one finds."""
        ends = [since]
        for _ in range(2):
            for region in loop.regions:
                since = self.block(region.block, since)
                ends.append(since)
        return _joined(ends)

    def _meet(self, earlier: Op, later: Op) -> bool:
        if isinstance(earlier, _STORES) == isinstance(later, _STORES):
            return False
        if not self._bases[earlier] & self._bases[later]:
            return False
        store, load = (earlier, later) if isinstance(earlier, _STORES) else (later, earlier)
        return not _is_of_one_thread(load, store)


def _insert_barrier(op: Op) -> None:
    spaces: dict[str, Attribute] = {"addrSpace": OpaqueAttr("global_read|global_write")}
    assert op.parent is not None
    op.parent.insert_before(op, located(ttg.Barrier((), (), spaces), op))


def _is_of_one_thread(load: Op, store: Op) -> bool:
    pointer = load.operands[0]
    if store.operands[0] is not pointer or not isinstance(load, tt.Load):
        return False
    if (
        isinstance(pointer.type, TensorType)
        and not distribution_of(pointer.type).replicated_threads
    ):
        return True
    return _goes_only_to(load.result, store)


def _goes_only_to(value: Value, store: Op) -> bool:
    """Whether all that is computed of a value, element by element, ends in one store."""
    stack, seen = [value], {value}
    while stack:
        for user in stack.pop().users:
            if user is store:
                continue
            if not (user.pure and user.elementwise) or user.regions:
                return False
            new = set(user.results) - seen
            seen |= new
            stack += new
    return True


def _bases(pointer: Value) -> set[Value]:
    """The kernel arguments that a pointer, or tensor of pointers, may be offsets of."""
    found: set[Value] = set()
    stack, seen = [pointer], {pointer}
    while stack:
        value = stack.pop()
        if isinstance(value.owner, Block) and isinstance(value.owner.parent_op, tt.Func):
            found.add(value)
        new = set(_sources(value)) - seen
        seen |= new
        stack += new
    return found


def _sources(value: Value) -> list[Value]:
    """What a pointer is computed from, or may be a copy of."""
    op = value.defining_op
    if op is None or isinstance(op, CONTROL):
        return copied(value)
    return [v for v in op.operands if isinstance(element_of(v.type), PointerType)]


def _union(sets: Iterable[set[Value]]) -> set[Value]:
    return {value for each in sets for value in each}


def _joined(lists: list[list[Op]]) -> list[Op]:
    return list(dict.fromkeys(op for each in lists for op in each))
