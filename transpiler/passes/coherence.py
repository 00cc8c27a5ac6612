"""Pointers through which programs see what others wrote.

Metal keeps accesses to device memory coherent within a threadgroup. What crosses between
threadgroups around a fence needs pointers qualified so, from MSL 3.2 on (specification, section
"Memory Coherency"). In a kernel with a fence every pointer that it writes through gets the space
"coherent", and all that such a pointer may be a copy of. What is only read stays as it is: no
program of the launch writes to it, unless two arguments are the same memory.

    metal.kernel @k(%lock: !tt.ptr<i32>, %x: !tt.ptr<f32>, %y: !tt.ptr<f32>) {
      metal.fence
      %1 = metal.load %x
      metal.store %y, %1
  ->
    metal.kernel @k(%lock: !tt.ptr<i32, "coherent">, %x: !tt.ptr<f32>, %y: !tt.ptr<f32, "coherent">)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..analysis.origins import is_unknown, sources
from ..dialects import metal
from ..ir.core import Module, Op, Value
from ..ir.types import COHERENT, ArrayType, PointerType

_WRITERS = (metal.Store, metal.Atomic, metal.AtomicPoll)


def mark_coherent(module: Module) -> None:
    """See the module's text."""
    for kernel in module.body.ops:
        if any(isinstance(op, metal.Fence) for op in kernel.walk()):
            for value in _shared(kernel):
                _mark(value)


def _shared(kernel: Op) -> set[Value]:
    """The pointers that are written through, with all that they may be copies of, and theirs."""
    pointers = [value for value in _values(kernel) if isinstance(value.type, PointerType)]
    neighbours: dict[Value, set[Value]] = {pointer: set() for pointer in pointers}
    for pointer in pointers:
        for source in sources(pointer):
            neighbours[pointer].add(source)
            neighbours[source].add(pointer)
    written = {op.operands[0] for op in kernel.walk() if isinstance(op, _WRITERS)}
    stack = [pointer for pointer in pointers if pointer in written or is_unknown(pointer)]
    found = set(stack)
    while stack:
        new = neighbours[stack.pop()] - found
        found |= new
        stack += new
    return found


def _values(kernel: Op) -> Iterator[Value]:
    for op in kernel.walk():
        yield from op.results
        for region in op.regions:
            for block in region.blocks:
                yield from block.args


def _mark(pointer: Value) -> None:
    assert isinstance(pointer.type, PointerType)
    pointer.type = replace(pointer.type, space=COHERENT)
    read = pointer.defining_op
    if isinstance(read, metal.Read):  # out of an array of pointers
        assert isinstance(read.array.type, ArrayType)
        read.array.type = replace(read.array.type, element=pointer.type)
