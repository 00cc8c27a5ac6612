"""Barriers where data crosses between threads through threadgroup memory, and nowhere else.

    metal.write %x, %s, %thread            metal.write %x, %s, %thread
    %y = metal.read %s, %other     ->      metal.barrier
                                           %y = metal.read %s, %other

A barrier stands between a write and a later read of an array, and between a read and a later
write, also around the back edge of a loop. Writes of one array in one phase go to different places
and need none, but for numbered stores to a buffer: one may overwrite what another thread wrote in
the one before. Atomics among themselves need none; arrays that share memory count as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ..dialects import metal, metal_matrix, scf
from ..ir.core import Block, Module, Op, Value
from ..ir.types import ArrayType
from .threadgroup_memory import share_memory

_LOOPS = (scf.For, scf.While, metal.RegisterLoop)


@dataclass
class _Accesses:
    """Arrays accessed since the last barrier, or by an op."""

    reads: set[Value] = field(default_factory=set[Value])
    writes: set[Value] = field(default_factory=set[Value])
    atomics: set[Value] = field(default_factory=set[Value])
    # Writes of numbered stores; those of an earlier iteration have negative numbers.
    stores: set[tuple[Value, int]] = field(default_factory=set[tuple[Value, int]])

    def conflicts(self, later: _Accesses) -> bool:
        if _meet(self.writes, later.reads) or _meet(self.reads, later.writes):
            return True
        plain = (self.reads | self.writes, later.reads | later.writes)
        if _meet(self.atomics, plain[1]) or _meet(plain[0], later.atomics):
            return True
        if any(i != j and share_memory(a, b) for a, i in self.stores for b, j in later.stores):
            return True
        return any(share_memory(a, b) for a in self.writes for b in later.writes if a is not b)

    def add(self, later: _Accesses) -> None:
        self.reads |= later.reads
        self.writes |= later.writes
        self.atomics |= later.atomics
        self.stores |= later.stores

    def copy(self) -> _Accesses:
        return _Accesses(set(self.reads), set(self.writes), set(self.atomics), set(self.stores))

    def of_last_iteration(self) -> _Accesses:
        """The same, seen from the next iteration of a loop."""
        stores = {(array, min(number, ~number)) for array, number in self.stores}
        return _Accesses(set(self.reads), set(self.writes), set(self.atomics), stores)


def _meet(earlier: set[Value], later: set[Value]) -> bool:
    return any(share_memory(a, b) for a in earlier for b in later)


def place_barriers(module: Module) -> None:
    """See the module's text."""
    for op in module.body.ops:
        accesses = _accesses_inside(op)
        for region in op.regions:
            for block in region.blocks:
                _place(block, _Accesses(), accesses)


# What each op, with what is nested in it, accesses; ops that access nothing are not in it.
_Table: TypeAlias = "dict[Op, _Accesses]"


def _place(block: Block, since: _Accesses, table: _Table) -> _Accesses:
    """Place barriers in a block; gives what has been accessed since the last one, at its end."""
    for op in list(block.ops):
        if isinstance(op, metal.Barrier):
            since = _Accesses()
        accesses = table.get(op)
        if accesses is None:
            continue
        ends = _place_in_loop(op, table) if isinstance(op, _LOOPS) else None
        if since.conflicts(_until_barrier(op, table)):
            barrier = metal.Barrier((), (), {"flags": metal.word_attribute("threadgroup")})
            barrier.location, barrier.span = op.location, op.span
            block.insert_before(op, barrier)
            since = _Accesses()
        if ends is not None:
            since.add(ends)  # it may run no times
        elif isinstance(op, scf.If):
            since = _place_in_branches(op, since, table)
        else:
            since.add(accesses)
    return since


def _place_in_loop(loop: Op, table: _Table) -> _Accesses:
    """Place the barriers that one turn needs, then those between a turn and the next."""
    end = _Accesses()
    for region in loop.regions:
        end = _place(region.block, end, table)
    if not isinstance(loop, metal.RegisterLoop):
        end = end.of_last_iteration()
    ends = _Accesses()
    for region in loop.regions:
        end = _place(region.block, end, table)
        ends.add(end)
    return ends


def _place_in_branches(op: scf.If, since: _Accesses, table: _Table) -> _Accesses:
    regions = [region for region in op.regions if region.blocks]
    ends = [_place(region.block, since.copy(), table) for region in regions]
    result = _Accesses() if len(regions) == 2 else since.copy()
    for end in ends:
        result.add(end)
    return result


def _until_barrier(op: Op, table: _Table) -> _Accesses:
    """What an op accesses; of a loop whose body holds a barrier, until that."""
    if isinstance(op, _LOOPS):
        found = _Accesses()
        for inner in op.regions[0].block.ops:
            if isinstance(inner, metal.Barrier):
                return found
            found.add(table.get(inner, _Accesses()))
    return table[op]


def _accesses_inside(kernel: Op) -> _Table:
    """The accesses of every op in a kernel, in one walk."""
    table: _Table = {}
    for op in reversed(list(kernel.walk())):
        own = table.get(op) or _Accesses()
        if _add_own(own, op):
            table[op] = own
        holder = op.parent_op
        if holder is not None and op in table:
            table.setdefault(holder, _Accesses()).add(table[op])
    return table


def _add_own(found: _Accesses, op: Op) -> bool:
    """Add the threadgroup arrays that an op itself accesses; whether there are any."""
    match op:
        case metal.Read() if is_shared(op.array):
            found.reads.add(op.array)
        case metal.Write() if is_shared(op.array):
            found.writes.add(op.array)
            if op.store >= 0:
                found.stores.add((op.array, op.store))
        case metal_matrix.MatrixLoad():
            found.reads.update(filter(is_shared, metal_matrix.arrays_read(op)))
            return bool(found.reads)
        case metal.Atomic() if is_shared(op.target):
            found.atomics.add(op.target)
        case metal.Barrier():
            pass
        case _:
            return False
    return True


def is_shared(array: Value) -> bool:
    """Whether an array lies in threadgroup memory."""
    return isinstance(array.type, ArrayType) and array.type.space == "threadgroup"
