"""Rings of buffers, which pipelined loops fill ahead, become one tile, filled where it is read.

%m = ttg.local_alloc : 3x128x32
copy tile 0 to %m[0], tile 1 to %m[1]
scf.for turn t                              scf.for turn t
  dot of %m[t mod 3]                 ->       %x = tt.load (pointers of tile t)
  copy tile t + 2 to %m[(t + 2) mod 3]        dot of (ttg.local_alloc %x)

Other GPUs copy without waiting, so a copy has turns to arrive. Here a copy is a load and a store of
the same thread: a ring would cost threadgroup memory and gain nothing. What is read in a turn for
the next one (`%next = ttg.local_load %m[(t + 1) mod 3]`, handed on) is read in that turn.

Turns that a dump has peeled off the loop's end read the tiles that the loop has copied for them:
there they are loaded too (behind.py), masked where the loop was shorter than that.

This is done where it is the same: the ops before the loop copy what the loop would copy in turns
before its first one (turns.py), every tile is read in its own turn, and nothing in between writes
to device memory. Other rings stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import IntegerAttr
from ..ir.core import Block, Module, Op, Value
from ..ir.traits import pointee
from ..ir.types import I1, MemDescType
from .behind import Behind
from .folding import splat_of
from .insertion import Before
from .rewrite import located
from .turns import NoShift, Shift

_QUIET = (
    *(tt.Load, tt.Reduce, tt.Scan, scf.For, scf.If, scf.Yield),
    *(ttg.LocalAlloc, ttg.LocalDealloc, ttg.LocalLoad, ttg.LocalStore),
    *(ttg.AsyncCopyGlobalToLocal, ttg.AsyncCommitGroup, ttg.AsyncWait),
)


def empty_rings(module: Module) -> None:
    """See the module's text."""
    for function in module.functions:
        for op in list(function.walk()):
            if isinstance(op, ttg.LocalAlloc) and op.source is None:
                try:
                    ring = _Ring(op)
                    ring.find()
                    ring.rewrite()
                except NoShift:
                    continue


@dataclass(frozen=True)
class _Slot:
    """A buffer of the ring, or a part of it: number (t + `number`) mod depth in turn t of the loop.

    Before the loop it is number `number`. `path` has the views that lead from the buffer to it.
    """

    number: int
    path: tuple[Op, ...] = ()


@dataclass(frozen=True)
class _Copy:
    """What fills a buffer from device memory: an asynchronous copy, or a load and a store."""

    op: Op
    load: Op
    source: Value
    mask: Value | None
    other: Value | None
    target: Value
    is_volatile: bool

    @staticmethod
    def of(op: Op) -> _Copy:
        """The copy that an op is; NoShift if it is none."""
        if isinstance(op, ttg.AsyncCopyGlobalToLocal):
            return _Copy(op, op, op.source, op.mask, op.other, op.target, op.is_volatile)
        assert isinstance(op, ttg.LocalStore)
        load = op.source.defining_op
        while isinstance(load, ttg.ConvertLayout):
            load = load.source.defining_op
        if not isinstance(load, tt.Load) or load.parent is not op.parent:
            raise NoShift
        return _Copy(op, load, load.ptr, load.mask, load.other, op.target, load.is_volatile)

    def erase(self) -> None:
        """Take the op away, and the load if nobody else needs it."""
        for result in self.op.results:  # a token
            for user in result.users:
                user.set_operands([value for value in user.operands if value is not result])
        stored = self.op.source if isinstance(self.op, ttg.LocalStore) else None
        self.op.erase()
        while stored is not None and not stored.uses:
            maker = stored.defining_op
            assert maker is not None
            stored = None if maker is self.load else maker.operands[0]
            maker.erase()


@dataclass
class _Ring:
    """What is known of one ring."""

    alloc: ttg.LocalAlloc
    slots: dict[Value, _Slot] = field(default_factory=dict[Value, _Slot])
    firsts: list[_Copy] = field(default_factory=list[_Copy])
    copies: list[_Copy] = field(default_factory=list[_Copy])
    loads: list[ttg.LocalLoad] = field(default_factory=list[ttg.LocalLoad])
    # Loads of the turn's own tile; behind the loop, of tiles that it has copied, by their number
    # from the end of the loop on; arguments that a load of the turn before hands on.
    now: list[ttg.LocalLoad] = field(default_factory=list[ttg.LocalLoad])
    behind: dict[ttg.LocalLoad, int] = field(default_factory=dict[ttg.LocalLoad, int])
    handed: dict[Value, ttg.LocalLoad] = field(default_factory=dict[Value, ttg.LocalLoad])

    # -- finding -------------------------------------------------------------------------------

    def find(self) -> None:
        """Raise NoShift unless all uses are known, and mean what the module's text says."""
        type_ = self.alloc.result.type
        assert isinstance(type_, MemDescType)
        self.depth = type_.shape[0]
        self.loop = self._loop()
        for op in self.alloc.result.users:
            if isinstance(op, ttg.MemdescIndex):
                self._follow(op.result, _Slot(self._number_of(op)))
            elif not isinstance(op, ttg.LocalDealloc):
                raise NoShift
        self._check_copies()
        self._check_loads()
        self._check_effects()
        (copy,) = self.copies
        turns = len(self.firsts)
        self.shift = Shift(self.loop, turns, peeled=turns if self.behind else 0)
        self.shift.require(copy.source, [op.source for op in self.firsts])
        self.shift.require(copy.other, [op.other for op in self.firsts])
        self.shift.require_mask(copy.mask, [op.mask for op in self.firsts])
        guarded = [self.shift.is_guarded(op.mask, turn) for turn, op in enumerate(self.firsts)]
        self._guarded = guarded[0]
        if self.behind and len(set(guarded)) > 1:
            raise NoShift

    def _loop(self) -> scf.For:
        """The loop that fills the ring, beside the ops that fill it first."""
        block = self.alloc.parent
        assert block is not None
        outer = [_in_block(op, block) for op in self.alloc.result.users]
        loops = list(dict.fromkeys(op for op in outer if isinstance(op, scf.For)))
        if len(loops) != 1:
            raise NoShift
        return loops[0]

    def _inside(self, op: Op) -> bool:
        return op.parent is not self.alloc.parent

    def _number_of(self, op: ttg.MemdescIndex) -> int:
        number = splat_of(op.index)
        if not self._inside(op):
            if number is None:
                raise NoShift
            return number
        return self._turning(op.index)

    def _turning(self, index: Value) -> int:
        """What an index is in turn 0, if it is one more, modulo the ring's depth, in each turn.

        %x = arith.addi %before, 1       %index = arith.select (%x < depth), %x, 0

        where %before is what the loop handed on of %index, or an index of the same kind.
        """
        op = index.defining_op
        if isinstance(op, arith.Select):
            condition = op.operands[0].defining_op
            values = [splat_of(value) for value in op.operands[1:]]
            if isinstance(condition, arith.Cmpi) and splat_of(condition.rhs) == self.depth:
                counted = {"sge": 1, "slt": 0}.get(condition.predicate)
                if counted is not None and values[1 - counted] == 0:
                    number = op.operands[1 + counted]
                    if number is condition.lhs:
                        return self._counted(number, index)
        raise NoShift

    def _counted(self, number: Value, index: Value) -> int:
        op = number.defining_op
        if not isinstance(op, arith.Addi) or splat_of(op.operands[1]) != 1:
            raise NoShift
        argument = op.operands[0]
        if argument not in self.loop.iter_args:
            return self._turning(argument) + 1
        first = splat_of(self.loop.inits[argument.index - 1])
        given = self.loop.yields[argument.index - 1]
        if given is not index or first is None or not -1 <= first < self.depth:
            raise NoShift
        return first + 1

    def _follow(self, view: Value, slot: _Slot) -> None:
        """Find what is done with a slot, the first time that it is met."""
        if view in self.slots:
            known = self.slots[view]
            if (known.number - slot.number) % self.depth or not _same_path(known.path, slot.path):
                raise NoShift
            return
        self.slots[view] = slot
        for user, index in list(view.uses):
            match user:
                case ttg.AsyncCopyGlobalToLocal() | ttg.LocalStore() if not slot.path:
                    copies = self.copies if self._inside(user) else self.firsts
                    copies.append(_Copy.of(user))
                case ttg.LocalLoad():
                    self.loads.append(user)
                case ttg.MemdescSubslice() | ttg.MemdescTrans() | ttg.MemdescReshape():
                    self._follow(user.result, replace(slot, path=(*slot.path, user)))
                case scf.For() if user is self.loop:
                    self._follow(user.iter_args[index - 3], slot)
                    self._follow(user.results[index - 3], slot)
                case scf.Yield() if user is self.loop.body.terminator:
                    # The turn that gets it counts one more than the one that hands it on.
                    number = slot.number - 1
                    self._follow(self.loop.iter_args[index], replace(slot, number=number))
                case _:
                    raise NoShift

    # -- checks --------------------------------------------------------------------------------

    def _check_copies(self) -> None:
        """Copies to buffers 0, 1, ... before the loop, and one to the next buffer in each turn."""
        places = [self._place(copy.op) for copy in self.firsts]
        numbers = [self.slots[copy.target].number for copy in self.firsts]
        in_order = places == sorted(places) and numbers == list(range(len(numbers)))
        if not in_order or not 0 < len(numbers) <= self.depth or len(self.copies) != 1:
            raise NoShift
        (copy,) = self.copies
        next_one = (self.slots[copy.target].number - len(numbers)) % self.depth == 0
        if (
            not next_one
            or copy.op.parent is not self.loop.body
            or places[-1] > self._place(self.loop)
        ):
            raise NoShift
        for each in (*self.firsts, copy):
            known = (ttg.AsyncCommitGroup, ttg.AsyncWait)
            tokens = [user for result in each.op.results for user in result.users]
            if each.is_volatile or not all(isinstance(user, known) for user in tokens):
                raise NoShift

    def _place(self, op: Op) -> int:
        """The place of an op, or of what holds it, in the loop's block or in the loop's body."""
        block = self.loop.body if is_held(op, self.loop) else self.alloc.parent
        assert block is not None
        return block.ops.index(_in_block(op, block))

    def tile_of(self, load: ttg.LocalLoad) -> int:
        """The turn whose tile a load in turn 0 gives: what was copied to the buffer last."""
        slot, ahead = self.slots[load.source], len(self.firsts)
        if not self._inside(load):
            if slot.number >= ahead:
                raise NoShift
            copied = self._place(self.firsts[slot.number].op) < self._place(load)
            if not copied or self._is_behind_the_loop(load):
                raise NoShift
            return slot.number
        is_behind = self._place(load) > self._place(self.copies[0].op)
        last = ahead if is_behind else ahead - 1
        return last - (last - slot.number) % self.depth

    def _is_behind_the_loop(self, load: ttg.LocalLoad) -> bool:
        return not self._inside(load) and self._place(load) > self._place(self.loop)

    def _tile_behind(self, load: ttg.LocalLoad) -> int:
        """The tile that a load behind the loop gives, counted from the loop's end on."""
        if self.loop not in (view.defining_op for view in self._views_to(load.source)):
            raise NoShift
        last = len(self.firsts) - 1
        tile = last - (last - self.slots[load.source].number) % self.depth
        if tile < 0:
            raise NoShift
        return tile

    def _views_to(self, view: Value) -> Iterator[Value]:
        """A view, and what it is a view of."""
        yield view
        op = view.defining_op
        while op is not None and op is not self.loop and op.operands:
            view = op.operands[0]
            yield view
            op = view.defining_op

    def _check_loads(self) -> None:
        """Each tile is loaded in its own turn, or in the one before and then handed on."""
        for load in self.loads:
            if self._is_behind_the_loop(load):
                self.behind[load] = self._tile_behind(load)
                continue
            if self._inside(load) and not is_held(load, self.loop):
                raise NoShift
            tile = self.tile_of(load)
            if self._inside(load) and tile == 0:
                self.now.append(load)
            elif tile != int(self._inside(load)):
                raise NoShift
            else:
                self._hand_on(load)

    def _hand_on(self, load: ttg.LocalLoad) -> None:
        """A load of the next turn's tile, or of the first one's before the loop."""
        loop = self.loop
        for user, place in load.result.uses:
            index = place if self._inside(load) else place - 3
            if user is not (loop.body.terminator if self._inside(load) else loop) or index < 0:
                raise NoShift
            paths = [self._path_of(values[index]) for values in (loop.inits, loop.yields)]
            if loop.results[index].uses or not _same_path(*paths):
                raise NoShift
            self.handed[loop.iter_args[index]] = load

    def _path_of(self, loaded: Value) -> tuple[Op, ...]:
        """The part of its buffer that a tensor was loaded from."""
        load = loaded.defining_op
        if not isinstance(load, ttg.LocalLoad) or load.source not in self.slots:
            raise NoShift
        return self.slots[load.source].path

    def _check_effects(self) -> None:
        """Nothing writes to device memory between a copy and the turn that reads its tile."""
        block = self.alloc.parent
        assert block is not None
        first = min(block.ops.index(copy.load) for copy in self.firsts)
        last = max(block.ops.index(op) for op in (self.loop, *self.behind))
        between = block.ops[first : last + 1]
        for outer in between:
            for op in outer.walk():
                if not (op.pure or op.terminator or isinstance(op, _QUIET)):
                    raise NoShift

    # -- rewriting -----------------------------------------------------------------------------

    def rewrite(self) -> None:
        """Load each turn's tile before its first use, and take the ring out."""
        users = [*self.now, *(user for value in self.handed for user in value.users)]
        body = self.loop.body
        anchor = min((_in_block(op, body) for op in users), key=body.ops.index)
        before = Before(anchor)
        tile = self._tile(self._operands(before), before)
        tiles = [
            self._tile_made_behind(load, number, before) for load, number in self.behind.items()
        ]
        for argument, read in self.handed.items():
            argument.replace_all_uses_with(self._read(tile, read, before))
        for read in self.now:
            read.replace_with([self._read(tile, read, Before(read))])
        for read, other in zip(self.behind, tiles, strict=True):
            read.replace_with([self._read(other, read, Before(read))])
        self._remove()

    def _operands(self, before: Before) -> list[Value]:
        """Of the load of a turn's tile: pointers, and mask and other values if there are any."""
        (copy,), first = self.copies, self.firsts[0]
        operands = [self.shift.make(copy.source, first.source, before)]
        mask = self.shift.make_mask(copy.mask, first.mask, before)
        if mask is not None:
            operands.append(mask)
            if copy.other is not None and first.other is not None:
                operands.append(self.shift.make(copy.other, first.other, before))
        return operands

    def _tile_made_behind(self, read: ttg.LocalLoad, number: int, inside: Before) -> Value:
        """The tile that is read behind the loop, loaded there."""
        (copy,), first, before = self.copies, self.firsts[0], Before(read)
        behind = Behind(self.shift, number, inside, before)
        operands = [behind.make(copy.source, first.source)]
        mask = behind.make_mask(copy.mask, first.mask, operands[0], guarded=self._guarded)
        if mask is not None:
            operands.append(mask)
            if copy.other is not None and first.other is not None:
                operands.append(behind.make(copy.other, first.other))
        return self._tile(operands, before)

    def _tile(self, operands: list[Value], before: Before) -> Value:
        """A buffer of its own for what is loaded."""
        (copy,) = self.copies
        attributes = {"isVolatile": IntegerAttr(0, I1)}
        load = tt.Load(operands, (pointee(copy.source.type),), attributes)
        loaded = before.value(located(load, copy.op), self.alloc.result.name)
        load.location, load.span = copy.op.location, copy.op.span
        type_ = copy.target.type
        assert isinstance(type_, MemDescType)
        return before.value(ttg.LocalAlloc((loaded,), (replace(type_, mutable=False),)))

    def _read(self, tile: Value, read: ttg.LocalLoad, before: Before) -> Value:
        """What a load from the ring reads, from the tile."""
        view = tile
        for op in self.slots[read.source].path:
            type_ = op.result.type
            assert isinstance(type_, MemDescType)
            made = type(op)((view,), (replace(type_, mutable=False),), op.attributes)
            view = before.value(made)
        return before.value(ttg.LocalLoad((view,), (read.result.type,)), read.result.name)

    def _remove(self) -> None:
        loop = self.loop
        gone = [arg for arg in loop.iter_args if arg in self.slots or arg in self.handed]
        drop_carried(loop, [argument.index - 1 for argument in gone])
        for load in self.loads:
            if load not in self.now and load not in self.behind:
                load.erase()
        for copy in (*self.firsts, *self.copies):
            copy.erase()
        views = [view.defining_op for view in self.slots]
        for op in reversed(views):
            if op is not None and op is not loop:
                op.erase()
        for op in (*self.alloc.result.users, self.alloc):
            op.erase()


def drop_carried(loop: scf.For, indices: list[int]) -> None:
    """Take values out of what a loop hands on; nobody uses their arguments or results."""
    kept = [index for index in range(len(loop.results)) if index not in indices]
    inits, last = loop.inits, loop.body.terminator
    last.set_operands([last.operands[index] for index in kept])
    loop.set_operands([*loop.operands[:3], *(inits[index] for index in kept)])
    loop.results = [loop.results[index] for index in kept]
    loop.body.args = [loop.counter, *(loop.iter_args[index] for index in kept)]
    for values in (loop.results, loop.body.args):
        for index, value in enumerate(values):
            value.index = index


def _same_path(a: tuple[Op, ...], b: tuple[Op, ...]) -> bool:
    """Whether two views are the same part of their buffers."""
    pairs = [(type(op), op.attributes, op.result.type) for op in a]
    return pairs == [(type(op), op.attributes, op.result.type) for op in b]


def is_held(op: Op, loop: Op) -> bool:
    """Whether an op is in another one's regions."""
    holder = op.parent_op
    while holder is not None and holder is not loop:
        holder = holder.parent_op
    return holder is loop


def _in_block(op: Op, block: Block) -> Op:
    """The op of a block that is, or holds, an op."""
    place = block.ancestor_of(op)
    if place is None:
        raise NoShift
    return place
