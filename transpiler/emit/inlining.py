"""Which values are written where they are used, and which get a name of their own.

Written in place: constants and positions, and what has one use in its own block (a read of an array
only where nothing writes that array in between). Everything else is declared. Loads are always
declared: they happen where they stand.
"""

from __future__ import annotations

from ..dialects import arith, metal, metal_matrix, scf, tt, ub
from ..ir.core import Block, Op, Value
from ..ir.types import ArrayType

_ALWAYS = (
    arith.Constant,
    ub.Poison,
    metal.ThreadIndex,
    metal.SplatVector,
    metal.Iota,
    tt.GetNumPrograms,
    metal.Extract,
)
_FEW = 3  # operators of index arithmetic that are clearer in place than as one more name
_CHEAP = (arith.Addi, arith.Muli, arith.Divui, arith.Remui, arith.Cmpi, tt.Addptr)


class Inlining:
    """The decision for every op of a kernel."""

    def __init__(self, body: Block) -> None:
        self._inline: set[Op] = set()
        # Values that are made right in an entry of an array: their op, and the write.
        self.placed: dict[Op, metal.Write] = {}
        self._decide(body)

    def __contains__(self, op: Op) -> bool:
        return op in self._inline

    def _decide(self, block: Block) -> None:
        positions = {op: index for index, op in enumerate(block.ops)}
        for op in reversed(block.ops):
            for region in op.regions:
                for inner in region.blocks:
                    self._decide(inner)
            if self._is_inline(op, block, positions):
                self._inline.add(op)
            elif (write := self._write_of(op, block, positions)) is not None:
                self.placed[op] = write

    def _is_inline(self, op: Op, block: Block, positions: dict[Op, int]) -> bool:
        if isinstance(op, _ALWAYS):
            return True
        if isinstance(op, metal.Read):
            return self._reads_in_place(op, block, positions)
        if len(op.results) != 1 or op.regions or not op.pure:
            return False
        if isinstance(op, tt.GetProgramId):
            return not op.result.name or len(op.result.uses) == 1
        if not op.result.name and self._operators(op) == 1:
            return True
        users = op.result.users
        if len(op.result.uses) != 1:
            return False
        (user,) = users
        if user.parent is not block and not _is_in_if(user, block):
            return 0 < self._operators(op) <= _FEW
        return not isinstance(user, scf.While | scf.For)

    def _operators(self, op: Op) -> int:
        """Operators of index arithmetic on arguments and positions; 0 of anything else."""
        if not isinstance(op, _CHEAP):
            return 0
        total = 1
        for value in op.operands:
            inner = value.defining_op
            if inner is None or isinstance(inner, (*_ALWAYS, tt.GetProgramId)):
                continue
            more = self._operators(inner) if total <= _FEW else 0
            if not more:
                return 0
            total += more
        return total

    def _write_of(self, op: Op, block: Block, positions: dict[Op, int]) -> metal.Write | None:
        """The write that a value may be made in: the next statement, and later uses read there."""
        declared = op.pure or isinstance(op, metal.Load | metal.SimdReduce | metal.Atomic)
        if len(op.results) != 1 or op.regions or not declared:
            return None
        writes = [user for user in op.result.users if isinstance(user, metal.Write)]
        if len(writes) != 1 or writes[0].parent is not block or writes[0].lane is not None:
            return None
        (write,) = writes
        type_ = write.array.type
        assert isinstance(type_, ArrayType)
        if type_.space == "threadgroup" or write.value is not op.result:
            return None
        start, place = positions[op], positions[write]
        if any(other not in self._inline for other in block.ops[start + 1 : place]):
            return None
        index = write.index.defining_op
        known = index is None or index.parent is not block or positions[index] < start
        if not known and type_.count > 1:
            return None
        if len(op.result.uses) == 1:
            return write
        later = block.ops[place + 1 :]
        return None if any(_disturbs(other, write.array) for other in later) else write

    def _reads_in_place(self, read: metal.Read, block: Block, positions: dict[Op, int]) -> bool:
        """Whether an entry may be named where it is used: nothing writes the array until then.

        Entries of a thread's own array are named as often as they are used; threadgroup memory is
        read once.
        """
        type_ = read.array.type
        assert isinstance(type_, ArrayType)
        if type_.space == "threadgroup" and len(read.result.uses) != 1:
            return False
        places = [place for user in read.result.users for place in self._places(user)]
        if not places:
            return True
        tops = [top for place in places if (top := block.ancestor_of(place)) is not None]
        assert len(tops) == len(places)
        last = max(positions[top] for top in tops)
        if type_.space == "threadgroup" and any(p.parent is not block for p in places):
            return False
        until = block.ops[positions[read] + 1 : last]
        if any(_disturbs(op, read.array) for op in until):
            return False
        # What holds the last use must not write the array before it; a loop might.
        return block.ops[last] in places or not _disturbs(block.ops[last], read.array)

    def _places(self, op: Op) -> list[Op]:
        """The statements that an op's text ends up in."""
        found: list[Op] = []
        stack = [op]
        while stack:
            top = stack.pop()
            if top in self._inline:
                stack.extend(top.result.users)
            else:
                found.append(top)
        return found


def _is_in_if(op: Op, block: Block) -> bool:
    """Whether an op stands in `block`, or in a branch there: it runs once at most."""
    while op.parent is not block:
        owner = op.parent_op
        if not isinstance(owner, metal.If | scf.If):
            return False
        op = owner
    return True


def _disturbs(op: Op, array: Value) -> bool:
    assert isinstance(array.type, ArrayType)
    for inner in op.walk():
        if isinstance(inner, metal.Barrier) and array.type.space == "threadgroup":
            return True
        if isinstance(inner, metal.Write) and inner.array is array:
            return True
        if any(written is array for written in metal_matrix.arrays_written(inner)):
            return True
        if isinstance(inner, metal.Atomic) and inner.target is array:
            return True
    return False
