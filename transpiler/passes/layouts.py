"""Moves conversions of layout to where they cost least, and cancels them.

A dot's result has the layout of matrix fragments (accelerate.py). What is computed from it takes
that layout too: through elementwise ops, reductions, the values that loops carry, up to stores.

%d = tt.dot ... : #linear                          %d = tt.dot ... : #linear
%e = ttg.convert_layout %d : #blocked              %h = arith.truncf %d : #linear
%h = arith.truncf %e : #blocked             ->     %q = (pointers, computed in #linear)
tt.store %p, %h                                    tt.store %q, %h

A value from elsewhere that meets it is computed again in the new layout where that is index
arithmetic, or a load for this use alone, and converted otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import DenseAttr
from ..ir.core import Block, Module, Op, Value
from ..ir.encodings import Encoding, LinearEncoding, SliceEncoding
from ..ir.types import TensorType
from ..target import Target

Need = tuple[int, Encoding]  # the number of an operand, and the layout that it must have

_MOST_COPIED = 64  # ops that are computed again, in another layout, rather than converted
_STORES = (tt.Store, tt.AtomicRmw)


def place_layouts(module: Module, target: Target) -> Module:
    """See the module's text."""
    for function in module.functions:
        dots = [op for op in function.walk() if isinstance(op, tt.Dot)]
        if dots:
            _Layouts(dots).run(function)
            _cancel(function)
    return module


class _Layouts:
    def __init__(self, dots: list[tt.Dot]) -> None:
        self.chosen: dict[Value, Encoding] = {}
        self.before: dict[Value, Encoding] = {}
        self._queue: list[Value] = []
        self._dots = dots
        self._copies: dict[tuple[Value, Encoding], Value] = {}
        for dot in dots:
            self._choose(dot.result, encoding_of(dot.result))

    def run(self, function: Op) -> None:
        """Choose layouts, then make every op's operands fit."""
        while self._queue:
            value = self._queue.pop(0)
            for user, index in list(value.uses):
                self._spread(user, index, self.chosen[value])
        for dot in self._dots:
            start = dot.c.defining_op
            if isinstance(start, ttg.ConvertLayout) and start.source not in self.chosen:
                wanted = encoding_of(dot.c)
                if self.is_cheap(start.source, wanted):
                    dot.set_operand(2, self.in_layout(start.source, wanted, dot))
        for value, encoding in self.chosen.items():
            self.before[value] = encoding_of(value)
            set_encoding(value, encoding)
        for op in list(function.walk()):
            self._fit(op)

    def _fit(self, op: Op) -> None:
        """Give an op operands in the layouts that it needs."""
        for index, encoding in list(self._needs(op)):
            value = op.operands[index]
            if encoding_of(value) != encoding:
                op.set_operand(index, self.in_layout(value, encoding, op))
        if isinstance(op, tt.AtomicRmw) and isinstance(op.operands[1].type, TensorType):
            set_encoding(op.result, encoding_of(op.operands[1]))  # whether or not it is needed

    # -- choosing ------------------------------------------------------------------------------

    def _choose(self, value: Value, encoding: Encoding | None) -> None:
        if encoding is not None and isinstance(value.type, TensorType) and value not in self.chosen:
            self.chosen[value] = encoding
            self._queue.append(value)

    def _spread(self, user: Op, index: int, encoding: Encoding) -> None:
        """Choose layouts for what a user makes of a value."""
        if isinstance(user, scf.For):
            self._choose_carried(user, index - 3, encoding)
        elif isinstance(user, scf.Yield):
            owner = user.parent_op
            if isinstance(owner, scf.For):
                self._choose_carried(owner, index, encoding)
            elif isinstance(owner, scf.If):
                self._choose(owner.results[index], encoding)
        elif not isinstance(user, tt.Dot):
            for result in user.results:
                self._choose(result, result_layout(user, index, encoding))

    def _choose_carried(self, loop: scf.For, number: int, encoding: Encoding) -> None:
        if number >= 0:
            self._choose(loop.body.args[1 + number], encoding)
            self._choose(loop.results[number], encoding)

    # -- rewriting -----------------------------------------------------------------------------

    def _needs(self, op: Op) -> Iterator[Need]:
        """The layouts that an op's operands must have."""
        if isinstance(op, scf.For):
            yield from _alike(op.body.args[1:], 3)
        elif isinstance(op, scf.Yield):
            owner = op.parent_op
            if isinstance(owner, scf.For | scf.If):
                yield from _alike(owner.results, 0)
            else:
                yield from self._old_layouts(op)
        elif isinstance(op, tt.Dot):
            yield from _alike([op.result], 2)
        elif isinstance(op, _STORES):
            yield from self._store_needs(op)
        elif isinstance(op, ttg.ConvertLayout):
            return
        elif any(result in self.chosen for result in op.results):
            yield from operand_layouts(op, self.chosen)
        else:
            yield from self._old_layouts(op)

    def _old_layouts(self, op: Op) -> Iterator[Need]:
        for index, value in enumerate(op.operands):
            if value in self.before:
                yield index, self.before[value]

    def _store_needs(self, op: Op) -> Iterator[Need]:
        """A store takes the value's layout where its pointers and mask can follow."""
        tensors = [(i, v) for i, v in enumerate(op.operands) if isinstance(v.type, TensorType)]
        if len(tensors) < 2:
            return
        encoding = encoding_of(op.operands[1])
        others = [v for i, v in tensors if i != 1]
        if any(result.uses for result in op.results):
            fits = False
        else:
            fits = op.operands[1] in self.chosen and all(self.is_cheap(v, encoding) for v in others)
        if fits:
            yield from ((i, encoding) for i, _ in tensors)
        else:
            yield from self._old_layouts(op)

    def in_layout(self, value: Value, encoding: Encoding, user: Op) -> Value:
        """A value in another layout: computed again where that is cheap, converted else."""
        if encoding_of(value) == encoding:
            return value
        key = (value, encoding)
        if key not in self._copies:
            op = value.defining_op
            if isinstance(op, tt.Broadcast | tt.ExpandDims) or self.is_cheap(value, encoding):
                assert op is not None
                self._copies[key] = self._copy(op, encoding)
            else:
                self._copies[key] = _converted(value, encoding)
        return self._copies[key]

    def _copy(self, op: Op, encoding: Encoding) -> Value:
        """The op again, right after it, with operands in the layouts that it then needs."""
        if isinstance(op, ttg.ConvertLayout):
            return self.in_layout(op.source, encoding, op)
        operands = list(op.operands)
        for index, needed in operand_layouts(op, {op.result: encoding}):
            operands[index] = self.in_layout(operands[index], needed, op)
        type_ = op.result.type
        assert isinstance(type_, TensorType)
        result = TensorType(type_.shape, type_.element, encoding)
        attributes = dict(op.attributes)
        if isinstance(op, arith.Constant) and isinstance(op.value, DenseAttr):
            attributes["value"] = replace(op.value, type=result)
        made = type(op)(operands, (result,), attributes, location=op.location, span=op.span)
        insert_after(op.result, made)
        made.result.name = op.result.name
        return made.result

    def is_cheap(self, value: Value, encoding: Encoding, *, loads: bool = True) -> bool:
        """Whether a value is made of ranges and uniform values, without another thread's part."""
        seen: set[tuple[Value, Encoding]] = set()
        stack = [(value, encoding)]
        while stack:
            key = stack.pop()
            at, wanted = key
            if key in seen or encoding_of(at) == wanted:
                continue
            seen.add(key)
            op = at.defining_op
            if op is None or len(seen) > _MOST_COPIED:
                return False
            if isinstance(op, ttg.ConvertLayout):
                stack.append((op.source, wanted))
            elif isinstance(op, tt.Splat | tt.MakeRange | arith.Constant):
                continue
            elif not _can_be_copied(op) or (isinstance(op, tt.Load) and not loads):
                return False
            else:
                needs = operand_layouts(op, {op.result: wanted})
                stack.extend((op.operands[index], needed) for index, needed in needs)
        return True


class Recomputing:
    """Makes values again in layouts that they are needed in, where that is index arithmetic."""

    def __init__(self) -> None:
        self._layouts = _Layouts([])

    def can_recompute(self, value: Value, encoding: Encoding) -> bool:
        """Whether a value takes no more than index arithmetic in a layout."""
        return self._layouts.is_cheap(value, encoding, loads=False)

    def recomputed(self, value: Value, encoding: Encoding, user: Op) -> Value | None:
        """The value in a layout; None where that would take more than index arithmetic."""
        if not self.can_recompute(value, encoding):
            return None
        return self._layouts.in_layout(value, encoding, user)


def _can_be_copied(op: Op) -> bool:
    """Whether an op may be done in another layout: a load, if nobody needs it in the old one."""
    if isinstance(op, tt.Load):
        return not op.is_volatile and len(op.result.uses) == 1
    if op.regions or not op.pure or len(op.results) != 1:
        return False
    return op.elementwise or isinstance(op, tt.Broadcast | tt.ExpandDims)


def _alike(values: list[Value], first: int) -> Iterator[Need]:
    """Operands `first` and on have the layouts of these values."""
    for index, value in enumerate(values):
        if isinstance(value.type, TensorType):
            yield first + index, encoding_of(value)


def encoding_of(value: Value) -> Encoding:
    """The layout of a tensor value."""
    assert isinstance(value.type, TensorType)
    assert value.type.encoding is not None
    return value.type.encoding


def set_encoding(value: Value, encoding: Encoding) -> None:
    """Give a tensor value another layout."""
    assert isinstance(value.type, TensorType)
    value.type = TensorType(value.type.shape, value.type.element, encoding)


def insert_after(value: Value, op: Op) -> None:
    """Put an op right after the definition of a value."""
    maker = value.defining_op
    if maker is not None:
        block = maker.parent
        assert block is not None
        place = block.ops.index(maker) + 1
    else:
        assert isinstance(value.owner, Block)
        block, place = value.owner, 0
    op.parent = block
    block.ops.insert(place, op)


def _converted(value: Value, encoding: Encoding) -> Value:
    type_ = value.type
    assert isinstance(type_, TensorType)
    made = ttg.ConvertLayout((value,), (TensorType(type_.shape, type_.element, encoding),))
    maker = value.defining_op
    if maker is not None:
        made.location, made.span = maker.location, maker.span
    insert_after(value, made)
    made.result.name = value.name
    return made.result


# -- layouts through ops ---------------------------------------------------------------------------


def result_layout(op: Op, index: int, encoding: Encoding) -> Encoding | None:
    """The layout that an op's results take from that of one operand; None: they keep theirs."""
    match op:
        case tt.Reduce():
            return SliceEncoding(op.axis, encoding) if encoding.rank > 1 else None
        case tt.ExpandDims():
            if isinstance(encoding, SliceEncoding) and encoding.dim == op.axis:
                return encoding.parent
            return None
        case tt.Trans():
            assert isinstance(op.source.type, TensorType)
            return transposed_layout(op.source.type, op.order, encoding)
        case tt.Broadcast() | ttg.ConvertLayout():
            return encoding
        case _ if op.elementwise and op.pure and not op.regions:
            return encoding
        case _:
            return None


def operand_layouts(op: Op, results: dict[Value, Encoding]) -> Iterator[Need]:
    """The layouts that operands need for results in these layouts."""
    encoding = results[op.results[0]]
    for index, value in enumerate(op.operands):
        if not isinstance(value.type, TensorType):
            continue
        match op:
            case tt.Reduce():
                assert isinstance(encoding, SliceEncoding)
                yield index, encoding.parent
            case tt.ExpandDims():
                yield index, SliceEncoding(op.axis, encoding)
            case tt.Trans():
                yield index, encoding_of(value)
            case _:
                yield index, encoding


def transposed_layout(
    type_: TensorType, order: tuple[int, ...], encoding: Encoding | None = None
) -> LinearEncoding:
    """The layout of tt.trans's result that moves nothing."""
    source = encoding or type_.encoding
    assert source is not None
    layout = source.to_linear(type_.shape)

    def permuted(bases: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(basis[dim] for dim in order) for basis in bases)

    registers = tuple(basis for basis in permuted(layout.register) if any(basis))
    return LinearEncoding(
        registers, permuted(layout.lane), permuted(layout.warp), permuted(layout.block), len(order)
    )


# -- cancelling ------------------------------------------------------------------------------------


def _cancel(function: Op) -> None:
    """Conversions to the layout that a value has already, and conversions of conversions."""
    for op in list(function.walk()):
        if not isinstance(op, ttg.ConvertLayout):
            continue
        source = op.source
        while isinstance(source.defining_op, ttg.ConvertLayout):
            source = source.defining_op.source
        if source.type == op.result.type:
            op.replace_with([source])
        elif source is not op.source:
            op.set_operand(0, source)
