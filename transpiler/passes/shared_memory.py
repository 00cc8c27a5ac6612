"""Shared memory of the text becomes arrays in threadgroup memory, and index arithmetic.

Where an element of a buffer lies cannot be observed, so each buffer is planned anew: row by row,
the dimension that its encoding walks first innermost, with rows padded by a bank where all fits. A
view of a buffer is its array, an offset and strides; only the offset is a value, which loops carry.

    %m = ttg.local_alloc : 2x32x64             %a = metal.threadgroup : 2*32*65
    %v = ttg.memdesc_index %m[%i]        ->    %o = arith.muli %i, 2080
    ttg.local_store %x, %v                     metal.tile_store %a, %o, %x {strides = 65, 1}

A buffer that only hands one tensor over in another layout is a change of layout. Asynchronous
copies are loads and stores: barriers are placed later, where threads meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..dialects import amdg, arith, metal, scf, tt, ttg
from ..errors import UnsupportedError
from ..ir.assembly import ASYNC_TOKEN
from ..ir.attributes import Attribute, DenseArrayAttr, IntegerAttr
from ..ir.core import Module, Op, Value
from ..ir.traits import pointee
from ..ir.types import I1, I8, I32, ArrayType, MemDescType, Type, bit_width
from ..target import Target
from .expansion import Expansion, refuse
from .folding import splat_of
from .rewrite import located
from .threadgroup_memory import array_of
from .tiles import Arrangement, arrangements, is_row_major, reshaped

_TOKEN_OPS = (ttg.AsyncCopyGlobalToLocal, ttg.AsyncCommitGroup, ttg.AsyncWait, amdg.AsyncWait)


def plan_shared_memory(module: Module, target: Target) -> Module:
    """See the module's text."""
    for function in module.functions:
        if any(_is_shared_op(op) for op in function.walk()):
            _copies_as_loads(function)
            forward_buffers(function)
            forward_stores(function)
            _Buffers(function, target).run()
    return module


def _is_shared_op(op: Op) -> bool:
    return any(_expanded(v.type) is not None for v in (*op.operands, *op.results))


def _expanded(type_: Type) -> list[Type] | None:
    """A view is carried as its offset; tokens go away."""
    if type_ == ASYNC_TOKEN:
        return []
    if isinstance(type_, MemDescType) and "shared_memory" in type_.space:
        return [I32]
    return None


# -- before the plan -------------------------------------------------------------------------------


def _copies_as_loads(function: Op) -> None:
    """An asynchronous copy is a load and a store; its token is nothing."""
    for op in list(function.walk()):
        if isinstance(op, ttg.AsyncCopyGlobalToLocal):
            block = op.parent
            assert block is not None
            operands = [v for v in (op.source, op.mask, op.other) if v is not None]
            type_ = op.target.type
            assert isinstance(type_, MemDescType)
            loaded = pointee(op.source.type)
            attributes = {"isVolatile": IntegerAttr(-int(op.is_volatile), I1)}
            load = located(tt.Load(operands, (loaded,), attributes), op)
            block.insert_before(op, load)
            block.insert_before(op, located(ttg.LocalStore((load.result, op.target)), op))
            users = op.result.users
            if all(isinstance(user, ttg.AsyncCommitGroup | ttg.AsyncWait) for user in users):
                for user in users:
                    user.set_operands([value for value in user.operands if value is not op.result])
                op.erase()


def forward_buffers(function: Op) -> None:
    """Buffers that are filled once and only read: in the block that fills them, or by dots.

    How a dot's operand gets to it is decided later (staging.py), also from outside a loop.
    """
    for op in list(function.walk()):
        if not isinstance(op, ttg.LocalAlloc) or op.source is None:
            continue
        users = op.result.users
        loads = [user for user in users if isinstance(user, ttg.LocalLoad)]
        others = [user for user in users if user not in loads]
        if any(not isinstance(user, ttg.LocalDealloc) for user in others):
            continue
        if any(load.parent is not op.parent and not _feeds_dots(load) for load in loads):
            continue
        for load in loads:
            _read_value(load, op.source)
        for user in (*others, op):
            user.erase()


def _read_value(load: ttg.LocalLoad, stored: Value) -> None:
    """A change of layout instead of a load of what was stored."""
    assert load.parent is not None
    convert = located(ttg.ConvertLayout((stored,), (load.result.type,)), load)
    convert.result.name, convert.result.location = load.result.name, load.result.location
    load.parent.insert_before(load, convert)
    load.replace_with([convert.result])


def forward_stores(function: Op) -> None:
    """Rings without a loop: buffers at fixed numbers, each stored to once, and loaded behind that.

    A pipelined loop that has but one turn is left as such.
    """
    for op in list(function.walk()):
        if isinstance(op, ttg.LocalAlloc) and op.source is None:
            slots = _fixed_slots(op)
            if slots is None:
                continue
            for store, loads in slots:
                for load in loads:
                    _read_value(load, store.source)
                store.erase()
            views = [view for view in op.result.users if isinstance(view, ttg.MemdescIndex)]
            for user in (*views, *(user for user in op.result.users if user not in views), op):
                user.erase()


def _fixed_slots(alloc: ttg.LocalAlloc) -> list[tuple[ttg.LocalStore, list[ttg.LocalLoad]]] | None:
    """The store to each buffer of a ring, and its loads; None where it is used otherwise."""
    users: dict[int, list[Op]] = {}
    for op in alloc.result.users:
        if isinstance(op, ttg.LocalDealloc):
            continue
        number = splat_of(op.index) if isinstance(op, ttg.MemdescIndex) else None
        if number is None:
            return None
        users.setdefault(number, []).extend(op.results[0].users)
    found: list[tuple[ttg.LocalStore, list[ttg.LocalLoad]]] = []
    for slot in users.values():
        stores = [op for op in slot if isinstance(op, ttg.LocalStore)]
        loads = [op for op in slot if isinstance(op, ttg.LocalLoad)]
        if len(stores) != 1 or len(loads) + 1 != len(slot):
            return None
        block = stores[0].parent
        if block is None or any(op.parent is not block for op in loads):
            return None
        if any(block.ops.index(op) < block.ops.index(stores[0]) for op in loads):
            return None
        found.append((stores[0], loads))
    return found


def _feeds_dots(load: ttg.LocalLoad) -> bool:
    return all(isinstance(user, tt.Dot) and place < 2 for user, place in load.result.uses)


# -- views -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """Where the elements of a view are, but for its offset: a buffer, strides, what an entry is."""

    buffer: Op
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    element: Type


class _Conflict(Exception):  # noqa: N818 - never leaves this module
    """A view that needs another arrangement of its buffer."""

    def __init__(self, buffer: Op) -> None:
        super().__init__()
        self.buffer = buffer


class _Buffers:
    """The buffers of a function."""

    def __init__(self, function: Op, target: Target) -> None:
        self.function, self.target = function, target
        self.views: dict[Value, View] = {}
        self.arrangements: dict[Op, Arrangement] = {}
        self.arrays: dict[tuple[Op, Type], Value] = {}
        self.stores: list[metal.TileStore] = []
        self.expansion = Expansion(_expanded, self._rewrite, lambda _: [""])

    def run(self) -> None:
        """Plan, then rewrite."""
        self._plan()
        self.expansion.run(self.function.regions[0].block)
        for number, store in enumerate(self.stores):
            if self._may_overwrite(store):
                store.attributes["number"] = IntegerAttr(number, I32)

    # -- planning ------------------------------------------------------------------------------

    def _plan(self) -> None:
        allocs = [op for op in self.function.walk() if isinstance(op, ttg.LocalAlloc)]
        choices = {op: list(arrangements(_memdesc(op.result), self.target)) for op in allocs}
        total = sum(found[0].bytes_of(op.result.type) for op, found in choices.items())
        if 2 * total > self.target.threadgroup_memory:  # others need room, too
            for op, found in choices.items():
                choices[op] = [each for each in found if not each.is_padded]
        while True:
            self.arrangements = {op: found[0] for op, found in choices.items()}
            self.views = {}
            try:
                self._find_views()
                return
            except _Conflict as conflict:
                found = choices[conflict.buffer]  # type: ignore[index]
                found.pop(0)
                if not found:
                    raise refuse(conflict.buffer, "has views that no row of elements has") from None

    def _find_views(self) -> None:
        for op in self.function.walk():
            for result in op.results:
                if isinstance(result.type, MemDescType) and not op.regions:
                    self.views[result] = self._view_of(op)
            for source, target in _enters(op):
                if isinstance(target.type, MemDescType):
                    self.views[target] = self.views[source]
        for op in self.function.walk():
            for source, target in _flows(op):
                if isinstance(target.type, MemDescType):
                    self._agree(op, source, target)

    def _agree(self, op: Op, source: Value, target: Value) -> None:
        view, known = self.views[source], self.views.setdefault(target, self.views[source])
        if view != known:
            raise UnsupportedError(
                "a view of shared memory that is one of several buffers", op.span
            )

    def _view_of(self, op: Op) -> View:
        match op:
            case ttg.LocalAlloc():
                type_ = _memdesc(op.result)
                strides = self.arrangements[op].strides
                return View(op, type_.shape, strides, type_.element)
            case ttg.MemdescIndex():
                source = self.views[op.source]
                strides = source.strides[1:] or source.strides
                return replace(source, shape=_memdesc(op.result).shape, strides=strides)
            case ttg.MemdescSubslice():
                return replace(self.views[op.source], shape=_memdesc(op.result).shape)
            case ttg.MemdescTrans():
                source = self.views[op.source]
                strides = tuple(source.strides[dim] for dim in op.order)
                return replace(source, shape=_memdesc(op.result).shape, strides=strides)
            case ttg.MemdescReshape():
                return self._reshape(op)
            case ttg.MemdescReinterpret():
                return self._reinterpret(op)
            case _:
                raise refuse(op)

    def _reshape(self, op: ttg.MemdescReshape) -> View:
        source = self.views[op.source]
        shape = _memdesc(op.result).shape
        strides = reshaped(source.shape, source.strides, shape)
        if strides is None:
            raise _Conflict(source.buffer)
        return replace(source, shape=shape, strides=strides)

    def _reinterpret(self, op: ttg.MemdescReinterpret) -> View:
        """Bytes have a meaning only where both encodings put elements row by row."""
        source, old, new = self.views[op.source], _memdesc(op.source), _memdesc(op.result)
        if old.element == new.element and old.shape == new.shape and old.encoding == new.encoding:
            return source
        if not (is_row_major(old) and is_row_major(new)):
            message = f"between {old} and {new}: the bytes of swizzled layouts have no meaning here"
            raise refuse(op, message)
        plain = Arrangement.row_major(source.shape)
        if source.strides != plain.strides:
            raise _Conflict(source.buffer)
        strides = Arrangement.row_major(new.shape).strides
        return View(source.buffer, new.shape, strides, new.element)

    # -- rewriting -----------------------------------------------------------------------------

    def _rewrite(self, op: Op) -> None:
        parts = self.expansion.parts
        match op:
            case ttg.LocalAlloc():
                self._allocate(op)
            case ttg.MemdescIndex() | ttg.MemdescSubslice() | ttg.MemdescReinterpret():
                parts[op.result] = [self._moved(op)]
            case ttg.MemdescTrans() | ttg.MemdescReshape():
                parts[op.result] = parts[op.source]
            case ttg.LocalDealloc():
                pass
            case _ if isinstance(op, _TOKEN_OPS):
                parts[op.result] = []
            case _:
                self._access(op)

    def _access(self, op: Op) -> None:
        match op:
            case ttg.LocalLoad():
                self._replace(op, metal.TileLoad, op.source, [])
            case ttg.LocalStore():
                self._replace(op, metal.TileStore, op.target, [op.source])
            case ttg.LocalGather():
                self._replace(op, metal.TileLoad, op.source, [op.indices])
            case ttg.LocalScatter():
                self._replace(op, metal.TileStore, op.target, [op.values, op.indices])
            case ttg.LocalAtomicScatterRmw():
                mask = [] if op.mask is None else [op.mask]
                values = [op.values, op.indices, *mask]
                self._replace(op, metal.TileAtomicRmw, op.target, values)
            case _:
                raise refuse(op)

    def _allocate(self, op: ttg.LocalAlloc) -> None:
        assert op.parent is not None
        view = self.views[op.result]
        count = self.arrangements[op].count
        array = self._insert(
            op, metal.Threadgroup((), (ArrayType(count, _entry(view.element), "threadgroup"),))
        )
        array.name = op.result.name or "shared"
        array.location = op.result.location
        self.arrays[op, view.element] = array
        self.expansion.parts[op.result] = [self._constant(op, 0)]
        if op.source is not None:
            attributes = {"strides": _numbers(view.strides)}
            offset = self.expansion.parts[op.result][0]
            store = metal.TileStore((array, offset, op.source), (), attributes)
            op.parent.insert_before(op, located(store, op))
            self.stores.append(store)

    def _array(self, op: Op, view: View) -> Value:
        """The buffer's array, as one of the view's elements."""
        array = self.arrays.get((view.buffer, view.element))
        if array is not None:
            return array
        ((_, element), array) = next(
            (key, value) for key, value in self.arrays.items() if key[0] is view.buffer
        )
        assert isinstance(array.type, ArrayType)
        old, new = (max(1, bit_width(t) // 8) for t in (element, view.element))
        type_ = ArrayType(array.type.count * old // new, _entry(view.element), "threadgroup")
        made = located(metal.ArrayView((array,), (type_,)), view.buffer)
        made.result.name = f"{array.name}_as_{view.element}"
        block = view.buffer.parent
        assert block is not None
        block.ops.insert(block.ops.index(array.defining_op) + 1, made)  # type: ignore[arg-type]
        made.parent = block
        self.arrays[view.buffer, view.element] = made.result
        return made.result

    def _moved(self, op: Op) -> Value:
        """The offset of a view."""
        source = self.views[op.operands[0]]
        (offset,) = self.expansion.parts[op.operands[0]]
        match op:
            case ttg.MemdescIndex():
                stride = self._constant(op, source.strides[0])
                step = self._insert(op, arith.Muli((op.index, stride), (I32,)))
                return self._insert(op, arith.Addi((offset, step), (I32,)))
            case ttg.MemdescSubslice():
                pairs = zip(op.offsets, source.strides, strict=True)
                total = sum(start * stride for start, stride in pairs)
                if not total:
                    return offset
                return self._insert(op, arith.Addi((offset, self._constant(op, total)), (I32,)))
            case _:
                return self._in_entries(op, offset, source.element, self.views[op.result].element)

    def _in_entries(self, op: Op, offset: Value, old: Type, new: Type) -> Value:
        """An offset in entries of another size."""
        before, after = (max(1, bit_width(type_) // 8) for type_ in (old, new))
        if before > after:
            factor = self._constant(op, before // after)
            return self._insert(op, arith.Muli((offset, factor), (I32,)))
        if before < after:
            factor = self._constant(op, after // before)
            return self._insert(op, arith.Divui((offset, factor), (I32,)))
        return offset

    def _replace(self, op: Op, kind: type[Op], memory: Value, values: list[Value]) -> None:
        """The same on the array."""
        assert op.parent is not None
        view = self.views[memory]
        (offset,) = self.expansion.parts[memory]
        attributes: dict[str, Attribute] = {"strides": _numbers(view.strides)}
        for key, name in (("axis", "axis"), ("atomic_rmw_op", "kind")):
            if key in op.attributes:
                attributes[name] = op.attributes[key]
        operands = (self._array(op, view), offset, *values)
        types = [result.type for result in op.results]
        made = op.parent.insert_before(op, located(kind(operands, types, attributes), op))
        if isinstance(made, metal.TileStore):
            self.stores.append(made)
        for old, new in zip(op.results, made.results, strict=True):
            new.name, new.location = old.name, old.location
            old.replace_all_uses_with(new)

    def _may_overwrite(self, store: metal.TileStore) -> bool:
        """Whether an entry may be set again: by another store, or by this one in a loop."""
        array = array_of(store.array)
        others = [other for other in self.stores if array_of(other.array) is array]
        made = array.defining_op
        assert made is not None
        return len(others) > 1 or store.parent is not made.parent

    def _constant(self, op: Op, value: int) -> Value:
        return self._insert(op, arith.Constant((), (I32,), {"value": IntegerAttr(value, I32)}))

    def _insert(self, op: Op, made: Op) -> Value:
        assert op.parent is not None
        return op.parent.insert_before(op, located(made, op)).result


def _enters(op: Op) -> Iterator[tuple[Value, Value]]:
    """The values that the arguments of an op's blocks have first."""
    if isinstance(op, scf.For):
        yield from zip(op.inits, op.iter_args, strict=True)
    elif isinstance(op, scf.While):
        yield from zip(op.inits, op.before.args, strict=True)
    elif isinstance(op, scf.Condition):
        loop = op.parent_op
        assert isinstance(loop, scf.While)
        yield from zip(op.values, loop.after.args, strict=True)
        yield from zip(op.values, loop.results, strict=True)


def _flows(op: Op) -> Iterator[tuple[Value, Value]]:
    """Pairs of a value and what it may become, in later iterations or behind the op."""
    if isinstance(op, scf.For):
        yield from zip(op.yields, op.iter_args, strict=True)
        yield from zip(op.iter_args, op.results, strict=True)
    elif isinstance(op, scf.While):
        yield from zip(op.after.terminator.operands, op.before.args, strict=True)
    elif isinstance(op, scf.If) and op.results:
        for region in op.regions:
            yield from zip(region.block.terminator.operands, op.results, strict=True)


def _memdesc(value: Value) -> MemDescType:
    type_ = value.type
    assert isinstance(type_, MemDescType)
    return type_


def _entry(element: Type) -> Type:
    """What an element is in memory: a bit is a byte."""
    return I8 if element == I1 else element


def _numbers(values: Sequence[int]) -> DenseArrayAttr:
    return DenseArrayAttr(I32, tuple(values))
