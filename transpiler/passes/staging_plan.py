"""Which operands of dots lie in threadgroup memory, and for how long: so that it is large enough.

A tile that is written where its operand is computed lives until the last dot that reads it (one
from outside a loop through all of the loop), which costs the least. Where the tiles that live at
once do not fit, the largest of the fullest moment is given up: its dots load matrices from device
memory (`Form.DIRECT`), or, where they cannot, each writes a tile of its own (`Form.OWN`), in as
few slices of K as fit, since every slice costs two barriers. Changes of layout go in rounds then.
What fits in no such plan is refused when all arrays are known (threadgroup_memory.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from ..dialects import metal, metal_matrix, tt
from ..ir.core import Op, Value
from ..ir.types import ArrayType, bit_width
from ..lower.axes import LANE_BITS
from ..lower.distribution import distribution_of
from ..lower.exchange import Transfer, moved_by
from ..simdgroup import SIDE
from .lifetimes import Lifetime, Numbering, aligned, give_offsets
from .operand_tiles import tensor_of, tile_bytes, transposed_source

_AnyOp = TypeVar("_AnyOp", bound=Op)

_MOST_ROUNDS = 8  # of a change of layout, beside tiles


class Form(Enum):
    """From where the dots of an operand take it."""

    SHARED = auto()  # one tile, written where the operand is computed
    DIRECT = auto()  # device memory
    OWN = auto()  # a tile of each dot, written right before it, maybe in slices of K


@dataclass(eq=False)
class Operand:
    """An operand that no register has: of one dot, or, also transposed, of several."""

    source: Value
    uses: list[tuple[tt.Dot, int]]
    can_be_direct: bool
    form: Form = Form.SHARED

    @property
    def value(self) -> Value:
        """What is staged: the source, or its transpose where nobody needs anything else."""
        (dot, side), *others = self.uses
        return self.source if others else dot.operands[side]

    @property
    def bytes(self) -> int:
        """Of the tile that all dots share."""
        return tile_bytes(self.value, self.uses[0][1])


@dataclass(eq=False)
class StagingPlan:
    """The forms of operands, the slices of dots, and the rounds of changes of layout."""

    function: Op
    limit: int
    operands: list[Operand]
    slices: dict[tt.Dot, int] = field(default_factory=dict[tt.Dot, int])
    rounds: dict[Op, int] = field(default_factory=dict[Op, int])

    def __post_init__(self) -> None:
        self.numbers = Numbering(self.function)
        ops = list(self.function.walk())
        self._dots = [op for op in ops if isinstance(op, tt.Dot)]
        moves = ((op, moved_by(op)) for op in ops)
        self._moves: dict[Op, Transfer] = {op: move for op, move in moves if move is not None}
        self._others = list(self._fixed(ops))
        self.slices = dict.fromkeys(self._dots, 1)
        self.rounds = dict.fromkeys(self._moves, 1)

    def run(self) -> None:
        """Choose."""
        for operand in self.operands:
            if operand.value.defining_op is None or operand.bytes > self.limit:
                self._give_up(operand)
        if self._fits():
            return
        self.slices = {dot: most_slices(dot) for dot in self._dots}
        self.rounds = {op: _most_rounds(move) for op, move in self._moves.items()}
        while not self._fits():
            candidates = [each for each in self.operands if each.form is Form.SHARED]
            if not candidates:
                break
            alive = self._alive_at_the_fullest(candidates)
            self._give_up(max(alive, key=lambda each: (each.can_be_direct, each.bytes)))
        for dot in self._dots:
            self._as_few_as_fit(self.slices, dot, most_slices(dot))
        for op, move in self._moves.items():
            self._as_few_as_fit(self.rounds, op, _most_rounds(move))

    def _give_up(self, operand: Operand) -> None:
        operand.form = Form.DIRECT if operand.can_be_direct else Form.OWN

    def _as_few_as_fit(self, numbers: dict[_AnyOp, int], op: _AnyOp, most: int) -> None:
        """The lowest power of two with which all fits; the highest if none does."""
        numbers[op] = 1
        while numbers[op] < most and not self._fits():
            numbers[op] *= 2

    # -- what lives when -----------------------------------------------------------------------

    def _fits(self) -> bool:
        return give_offsets(self._lifetimes()) <= self.limit

    def _lifetimes(self) -> list[Lifetime]:
        own = (life for dot in self._dots for life in self._of_dot(dot))
        shared = (self._of_shared(each) for each in self.operands if each.form is Form.SHARED)
        moves = (self._of_move(op, move) for op, move in self._moves.items())
        return [*shared, *own, *moves, *self._others]

    def _of_shared(self, operand: Operand) -> Lifetime:
        maker = operand.value.defining_op
        assert maker is not None
        _, last = self.numbers.span((dot for dot, _ in operand.uses), maker.parent)
        return Lifetime(aligned(operand.bytes), self.numbers[maker], last)

    def _of_dot(self, dot: tt.Dot) -> Iterator[Lifetime]:
        at = self.numbers[dot]
        for operand in self.operands:
            if operand.form is Form.OWN:
                for side in (side for user, side in operand.uses if user is dot):
                    size = tile_bytes(dot.operands[side], side, self.slices[dot])
                    yield Lifetime(aligned(size), at, at)

    def _of_move(self, op: Op, move: Transfer) -> Lifetime:
        """A move in rounds has loops of its own."""
        size, rounds = aligned(move.bytes_of(self.rounds[op])), self.rounds[op]
        return Lifetime(
            size, self.numbers[op], self._until(op) if rounds == 1 else self.numbers[op]
        )

    def _until(self, op: Op) -> int:
        """The end of the stretch whose ops may share a loop with one: the next with memory, too."""
        assert op.parent is not None
        ops = op.parent.ops
        for each in ops[ops.index(op) + 1 :]:
            if each in self._moves or isinstance(each, tt.Reduce | tt.Scan):
                return self.numbers[each]
            if each.regions or isinstance(each, tt.Dot):
                return self.numbers[each] - 1
        return self.numbers[ops[-1]]

    def _fixed(self, ops: list[Op]) -> Iterator[Lifetime]:
        """Tiles that there are already, and partial results of reductions and scans."""
        for op in ops:
            if isinstance(op, metal_matrix.Stage):
                assert isinstance(op.result.type, ArrayType)
                _, last = self.numbers.span(op.result.users, op.parent)
                yield Lifetime(aligned(op.result.type.size_in_bytes), self.numbers[op], last)
            elif isinstance(op, tt.Reduce | tt.Scan):
                size = aligned(_partial_bytes(op))
                yield Lifetime(size, self.numbers[op], self._until(op))

    def _alive_at_the_fullest(self, candidates: list[Operand]) -> list[Operand]:
        """The operands whose tiles are needed when the most bytes are, of all moments with any."""
        lives = self._lifetimes()
        mine = {operand: self._of_shared(operand) for operand in candidates}
        moments = [life.first for life in mine.values()]
        moments += [each.first for each in lives if any(each.overlaps(m) for m in mine.values())]

        def alive(moment: int) -> list[Operand]:
            return [o for o, life in mine.items() if life.first <= moment <= life.last]

        def needed(moment: int) -> int:
            return sum(each.size for each in lives if each.first <= moment <= each.last)

        return alive(max((m for m in moments if alive(m)), key=needed))


def operands_of(
    dots: list[tt.Dot],
    sides: Callable[[tt.Dot], list[int]],
    can_be_direct: Callable[[tt.Dot, int], bool],
) -> list[Operand]:
    """The operands on these sides of dots; a matrix and its transpose are one."""
    found: dict[object, Operand] = {}
    for dot in dots:
        for side in sides(dot):
            value = dot.operands[side]
            source = transposed_source(value) or value
            type_ = tensor_of(source)
            is_shared = type_.rank == 2 and min(type_.shape) >= SIDE
            key = source if is_shared else (dot, side)
            source = source if is_shared else value
            known = found.setdefault(key, Operand(source, [], can_be_direct=True))
            known.uses.append((dot, side))
            known.can_be_direct = known.can_be_direct and can_be_direct(dot, side)
    return list(found.values())


def most_slices(dot: tt.Dot) -> int:
    """Slices of K of a matrix's size."""
    return max(1, tensor_of(dot.a).shape[-1] // SIDE)


def _most_rounds(move: Transfer) -> int:
    return min(_MOST_ROUNDS, tensor_of(move.writers[0].value).size)


def buffer_bytes(function: Op) -> int:
    """Threadgroup memory that the kernel itself asks for."""
    arrays = [op for op in function.walk() if isinstance(op, metal.Threadgroup)]
    return sum(
        op.result.type.size_in_bytes for op in arrays if isinstance(op.result.type, ArrayType)
    )


def _partial_bytes(op: tt.Reduce | tt.Scan) -> int:
    """What simdgroups along the axis tell each other of each row."""
    source = tensor_of(op.operands[0])
    along = [basis for basis in distribution_of(source).threads[LANE_BITS:] if basis[op.axis]]
    if not along:
        return 0
    rows = source.size // source.shape[op.axis]
    width = sum(bit_width(tensor_of(value)) for value in op.operands)
    return (rows * width // 8) << len(along)
