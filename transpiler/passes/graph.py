"""The graph of a region's blocks: order, dominators, loops; and what makes it simple to structure.

Dominators: K. D. Cooper, T. J. Harvey and K. Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..dialects import cf, ub
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Region, Successor, Value
from ..ir.traits import types_of
from .rewrite import located


class Graph:
    """Blocks in an order in which only jumps back to a loop's header go against it."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.order = _reverse_postorder(region.blocks[0])
        self._number = {block: index for index, block in enumerate(self.order)}
        self.predecessors: dict[Block, list[Block]] = {block: [] for block in self.order}
        for block in self.order:
            for target in block.terminator.successors:
                self.predecessors[target.block].append(block)
        self.dominator = self._dominators()
        self.loops: dict[Block, set[Block]] = {}  # header -> the blocks of its loop
        self._find_loops()

    def _dominators(self) -> dict[Block, Block]:
        """The immediate dominator of each block (the entry: itself)."""
        entry = self.order[0]
        found = {entry: entry}
        changed = True
        while changed:
            changed = False
            for block in self.order[1:]:
                known = [p for p in self.predecessors[block] if p in found]
                best = known[0]
                for other in known[1:]:
                    best = self._meet(best, other, found)
                if found.get(block) is not best:
                    found[block] = best
                    changed = True
        return found

    def _meet(self, a: Block, b: Block, found: dict[Block, Block]) -> Block:
        while a is not b:
            if self._number[a] > self._number[b]:
                a = found[a]
            else:
                b = found[b]
        return a

    def dominates(self, a: Block, b: Block) -> bool:
        """Whether every way to `b` goes through `a`."""
        while self._number[b] > self._number[a]:
            b = self.dominator[b]
        return a is b

    def _find_loops(self) -> None:
        for block in self.order:
            for target in block.terminator.successors:
                header = target.block
                if self._number[header] > self._number[block]:
                    continue
                if not self.dominates(header, block):
                    raise UnsupportedError(
                        "a loop that is entered in two places has no structured form",
                        block.terminator.span,
                    )
                self.loops.setdefault(header, {header}).update(self._reaching(block, header))

    def _reaching(self, block: Block, header: Block) -> set[Block]:
        found = {header}
        stack = [block]
        while stack:
            top = stack.pop()
            if top not in found:
                found.add(top)
                stack.extend(self.predecessors[top])
        return found

    # -- loops ---------------------------------------------------------------------------------

    def innermost_loop(self, block: Block) -> Block | None:
        """The header of the smallest loop around a block (of which it may be the header)."""
        around = [header for header, blocks in self.loops.items() if block in blocks]
        return min(around, key=lambda header: len(self.loops[header]), default=None)

    def home(self, block: Block) -> Block | None:
        """The loop in whose turns the block, or the loop that it is the header of, stands."""
        around = [h for h, blocks in self.loops.items() if block in blocks and h is not block]
        return min(around, key=lambda header: len(self.loops[header]), default=None)

    # -- what is written where -----------------------------------------------------------------

    def forward_edges(self, block: Block) -> list[Block]:
        """Where jumps to a block come from, jumps back to a loop's header aside."""
        number = self._number[block]
        return [p for p in self.predecessors[block] if self._number[p] < number]

    def is_private(self, source: Block, target: Block) -> bool:
        """Whether a jump is the only one to its target, and leaves no loop."""
        stays = self.home(target) is self.innermost_loop(source)
        return stays and self.forward_edges(target) == [source]

    def merges_below(self, block: Block) -> list[Block]:
        """Blocks that it immediately dominates and several jumps lead to, in order."""
        loop = self.innermost_loop(block)
        return [
            other
            for other in self.order[1:]
            if self.dominator[other] is block
            and self.home(other) is loop
            and len(self.forward_edges(other)) > 1
        ]

    def behind_loop(self, header: Block) -> list[Block]:
        """Blocks that come after a loop and are immediately dominated by a block in it."""
        outer = self.home(header)
        inside = self.loops[header]
        return [
            other
            for other in self.order[1:]
            if other not in inside and self.dominator[other] in inside and self.home(other) is outer
        ]


def _reverse_postorder(entry: Block) -> list[Block]:
    finished: list[Block] = []
    seen = {entry}
    stack: list[tuple[Block, Iterator[Block]]] = [(entry, _targets(entry))]
    while stack:
        block, rest = stack[-1]
        following = next((b for b in rest if b not in seen), None)
        if following is None:
            finished.append(block)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, _targets(following)))
    return finished[::-1]


def _targets(block: Block) -> Iterator[Block]:
    # The last one first: the first one then comes first in the reverse postorder.
    return iter([target.block for target in reversed(block.terminator.successors)])


def single_exit(region: Region) -> Block:
    """Make all ends of a region jumps to one last block, and drop blocks that nothing reaches."""
    reached = _reverse_postorder(region.blocks[0])
    for block in [b for b in region.blocks if b not in reached]:
        for op in reversed(list(block.ops)):
            _drop(op)
        region.blocks.remove(block)
    ends = [block for block in reached if not isinstance(block.terminator, cf.Br | cf.CondBr)]
    proper = [block for block in ends if not isinstance(block.terminator, ub.Unreachable)]
    if not proper:
        span = region.parent.span if region.parent else None
        raise UnsupportedError("control flow that never ends", span)
    last = proper[0].terminator
    if any(block.terminator.successors for block in ends):
        raise UnsupportedError(f"{last.op_name} between blocks is not supported yet", last.span)
    types = types_of(last.operands)
    exit_ = region.add_block(Block(types))
    terminator = type(last)(exit_.args, (), last.attributes)
    exit_.append(located(terminator, last))
    for block in ends:
        _end_with_jump(block, exit_)
    return exit_


def _drop(op: Op) -> None:
    """Erase an op of a block that is never run; other such blocks may still use its results."""
    for result in op.results:
        for user, index in list(result.uses):
            del result.uses[user, index]
    op.erase()


def _end_with_jump(block: Block, target: Block) -> None:
    old = block.terminator
    values = list(old.operands)
    if isinstance(old, ub.Unreachable):
        made = [located(ub.Poison((), (argument.type,)), old) for argument in target.args]
        for op in made:
            block.insert_before(old, op)
        values = [op.result for op in made]
    old.erase()
    jump = cf.Br(values, (), {}, (), [Successor(target, 0, len(values))])
    block.append(located(jump, old))


def pass_values_out_of_loops(region: Region) -> None:
    """What a loop computes and code behind it uses becomes an argument of the blocks on the way.

    A structured loop gives its results; the values of its last turn cannot be seen from outside.
    """
    graph = Graph(region)
    for block in graph.order:
        header = graph.innermost_loop(block)
        if header is None:
            continue
        inside = graph.loops[header]
        values = [*block.args, *(result for op in block.ops for result in op.results)]
        for value in values:
            outside = {_block_of(op, region) for op in value.users} - inside
            if outside:
                _pass(value, block, inside, outside, graph)


def _block_of(op: Op, region: Region) -> Block:
    """The block of the region that an op is in, perhaps deep inside another op."""
    block = op.parent
    while block is not None and block.parent is not region:
        owner = block.parent_op
        block = owner.parent if owner else None
    assert block is not None
    return block


def _pass(
    value: Value, definition: Block, inside: set[Block], users: set[Block], graph: Graph
) -> None:
    alive: set[Block] = set()
    stack = list(users)
    while stack:
        block = stack.pop()
        if block not in alive and block is not definition:
            alive.add(block)
            stack.extend(graph.predecessors[block])
    receivers = [block for block in graph.order if block in alive and block not in inside]
    passed = {block: block.add_argument(value.type, value.name) for block in receivers}
    for op, index in list(value.uses):
        block = _block_of(op, graph.region)
        if block in passed:
            op.set_operand(index, passed[block])
    for block in graph.order:
        if any(target.block in passed for target in block.terminator.successors):
            _extend(block.terminator, passed, passed.get(block, value))


def _extend(terminator: Op, receivers: dict[Block, Value], value: Value) -> None:
    """Pass one more value to those targets of a jump that receive it."""
    first = terminator.successors[0].start if terminator.successors else 0
    operands = terminator.operands[:first]
    targets: list[Successor] = []
    for target in terminator.successors:
        values = target.arguments(terminator)
        if target.block in receivers:
            values = [*values, value]
        targets.append(Successor(target.block, len(operands), len(values)))
        operands = [*operands, *values]
    terminator.set_operands(operands)
    terminator.successors = targets
    if terminator.segments:
        terminator.segments = (1, *(target.count for target in targets))
