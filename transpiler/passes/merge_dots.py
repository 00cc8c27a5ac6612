"""Dots of neighbouring parts of K, one after the other, become one.

%a = ttg.local_load (%m [0, 0], 128x16)        %c = ttg.local_load %m : 128x32
%b = ttg.local_load (%n [0, 0], 16x128)        %d = ttg.local_load %n : 32x128
%s = tt.dot %a, %b, %acc                 ->    %t = tt.dot %c, %d, %acc
%c = ttg.local_load (%m [0, 16], 128x16)
%d = ttg.local_load (%n [16, 0], 16x128)
%t = tt.dot %c, %d, %s

Other GPUs' backends cut dots so that a part's operands are on their way into registers while
another part is multiplied. Here the whole is one tile, or needs none. Sums are in the same order:
only those in f32 or i32, which no dot rounds in between, are merged.
"""

from __future__ import annotations

from ..dialects import tt, ttg
from ..ir.attributes import DenseArrayAttr
from ..ir.core import Module, Value
from ..ir.types import F32, I32, MemDescType, TensorType
from .accelerate import erase_unused
from .insertion import Before


def merge_dots(module: Module) -> None:
    """See the module's text."""
    for op in list(module.walk()):
        last = op
        while isinstance(last, tt.Dot) and isinstance(last.c.defining_op, tt.Dot):
            last = _merged(last.c.defining_op, last)


def _merged(first: tt.Dot, second: tt.Dot) -> tt.Dot | None:
    """Both dots as one, which may meet another one then."""
    type_ = second.result.type
    assert isinstance(type_, TensorType)
    alike = first.parent is second.parent and first.attributes == second.attributes
    if not alike or type_.rank != 2 or type_.element not in (F32, I32):
        return None
    if len(first.result.uses) > 1:
        return None
    before = Before(second)
    parts = [_Part.of(dot.operands[side], 1 - side) for dot in (first, second) for side in (0, 1)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not all(known[side].meets(known[2 + side]) for side in (0, 1)):
        return None
    operands = [known[side].joined(known[2 + side], before) for side in (0, 1)]
    made = tt.Dot((*operands, first.c), (type_,), second.attributes)
    old = [*second.operands, *first.operands]
    second.replace_with([before.value(made, second.result.name)])
    first.erase()
    for value in old:
        if value is not made.c:
            erase_unused(value)
    return made


class _Part:
    """An operand that is loaded from a part, along K, of a buffer that is filled but once."""

    def __init__(
        self, load: ttg.LocalLoad, buffer: Value, start: tuple[int, ...], dim: int
    ) -> None:
        self.load, self.buffer, self.start, self.dim = load, buffer, start, dim
        type_ = load.source.type
        assert isinstance(type_, MemDescType)
        self.type = type_

    @staticmethod
    def of(value: Value, dim: int) -> _Part | None:
        """The part that an operand is; None for another operand."""
        load = value.defining_op
        view = load.source.defining_op if isinstance(load, ttg.LocalLoad) else None
        if not isinstance(load, ttg.LocalLoad) or not isinstance(view, ttg.MemdescSubslice):
            return None
        buffer = view.source
        is_fixed = isinstance(buffer.type, MemDescType) and not buffer.type.mutable
        if not is_fixed or not isinstance(buffer.defining_op, ttg.LocalAlloc):
            return None
        return _Part(load, buffer, view.offsets, dim)

    def meets(self, other: _Part) -> bool:
        """Whether another part of the same size begins where this one ends."""
        end = list(self.start)
        end[self.dim] += self.type.shape[self.dim]
        same = self.buffer is other.buffer and self.type.shape == other.type.shape
        return same and tuple(end) == tuple(other.start)

    def joined(self, other: _Part, before: Before) -> Value:
        """Both parts, loaded."""
        shape = list(self.type.shape)
        shape[self.dim] += other.type.shape[self.dim]
        view, whole = self.buffer, self.buffer.type
        assert isinstance(whole, MemDescType)
        if tuple(shape) != whole.shape:
            kind = MemDescType(
                tuple(shape), whole.element, whole.encoding, whole.space, whole.mutable, whole.shape
            )
            starts = {"offsets": DenseArrayAttr(I32, tuple(self.start))}
            view = before.value(ttg.MemdescSubslice((view,), (kind,), starts))
        loaded = self.load.result.type
        assert isinstance(loaded, TensorType)
        type_ = TensorType(tuple(shape), loaded.element, loaded.encoding)
        return before.value(ttg.LocalLoad((view,), (type_,)), other.load.result.name)
