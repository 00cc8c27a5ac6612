"""Branches between blocks (`cf`) become `scf.if` and `scf.while`.

      cf.cond_br %c, ^early, ^go               %next, %r = scf.if %c -> (i1, i32) {
    ^early:                                      scf.yield %true, %a : i1, i32
      tt.return %a : i32                       } else {
    ^go:                                 ->      ...
      ...                                        scf.yield %true, %b : i1, i32
      tt.return %b : i32                       }
                                               tt.return %r : i32

A block is translated together with all that it dominates. Inside, a jump is a *way out*: the block
that comes next, with the values for its arguments. Where a branch has several, the `scf.if` gives a
number that says which (an i1 for two), and the values of every one; a block that several ways lead
to follows its dominator's code, under a test of that number where there are other ways. Loops carry
the arguments of their header, and run while the way out is the header.

A graph with a loop of two entries has no such form and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..dialects import arith, cf, scf, ub
from ..errors import UnsupportedError
from ..ir.attributes import IntegerAttr, OpaqueAttr
from ..ir.core import Block, Module, Op, Region, Value
from ..ir.traits import types_of
from ..ir.types import I1, I32, INDEX, Type
from .graph import Graph, pass_values_out_of_loops, single_exit
from .rewrite import located


def structure_control_flow(module: Module) -> None:
    """See the module's text. Regions of one block stay as they are."""
    for op in reversed(list(module.walk())):  # the innermost first
        for region in op.regions:
            if len(region.blocks) > 1:
                _structure(region)
        if isinstance(op, scf.ExecuteRegion):
            _unwrap(op)
        elif isinstance(op, scf.IndexSwitch):
            _unfold_switch(op)


@dataclass
class _Ways:
    """The ways out of a piece of code: blocks, the values for their arguments, and which it is."""

    targets: list[Block]
    values: dict[Block, list[Value]]
    selector: Value | None = None  # None: there is one way


def _structure(region: Region) -> None:
    exit_ = single_exit(region)
    pass_values_out_of_loops(region)
    graph = Graph(region)
    entry = region.blocks[0]
    terminator = exit_.terminator
    result = Block()
    result.args = entry.args
    for value in result.args:
        value.owner = result
    ways = _Writer(graph, exit_).enter(entry, entry.args, result)
    assert ways.targets == [exit_]
    for value, passed in zip(exit_.args, ways.values[exit_], strict=True):
        value.replace_all_uses_with(passed)
    result.append(terminator)
    region.blocks = []
    region.add_block(result)


class _Writer:
    def __init__(self, graph: Graph, exit_: Block) -> None:
        self.graph = graph
        self.exit = exit_
        self.place = Block()  # where code goes
        self.near: Op = exit_.terminator  # whose place in the text new ops get

    # -- making ops ----------------------------------------------------------------------------

    def add(self, op: Op) -> Op:
        """Append an op that the text has not."""
        return self.place.append(located(op, self.near))

    def constant(self, value: int, type_: Type) -> Value:
        """An integer."""
        assert type_ in (I1, I32)
        value = -value if type_ == I1 else value  # true is -1 as a signed bit
        attribute = IntegerAttr(value, type_)
        return self.add(arith.Constant((), (type_,), {"value": attribute})).result

    def poison(self, type_: Type) -> Value:
        """A value that is not used."""
        return self.add(ub.Poison((), (type_,))).result

    # -- blocks --------------------------------------------------------------------------------

    def enter(self, block: Block, values: Sequence[Value], place: Block) -> _Ways:
        """Write a block, and all that it dominates, at the end of `place`."""
        outer, self.place = self.place, place
        if block in self.graph.loops:
            ways = self._loop(block, list(values))
        else:
            _bind(block, values)
            ways = self._block(block)
        self.place = outer
        return ways

    def _block(self, block: Block) -> _Ways:
        terminator = block.ops.pop()
        for op in block.ops:
            self.place.append(op)
        self.near = terminator
        ways = self._branch(block, terminator)
        return self._then(ways, self.graph.merges_below(block))

    def _then(self, ways: _Ways, followers: Sequence[Block]) -> _Ways:
        for follower in followers:
            if follower is not self.exit:
                ways = self._follow(ways, follower)
        return ways

    def _branch(self, block: Block, terminator: Op) -> _Ways:
        if not isinstance(terminator, cf.Br | cf.CondBr):
            raise UnsupportedError(
                f"{terminator.op_name} between blocks is not supported yet", terminator.span
            )
        jumps = [(target.block, target.arguments(terminator)) for target in terminator.successors]
        condition = terminator.operands[0] if isinstance(terminator, cf.CondBr) else None
        terminator.set_operands([])
        if condition is None:
            return self._jump(block, *jumps[0])
        arms: list[tuple[Block, _Ways]] = []
        for target, values in jumps:
            arm = Block()
            outer, self.place = self.place, arm
            arms.append((arm, self._jump(block, target, values)))
            self.place = outer
        self.near = terminator
        return self._join(condition, arms)

    def _jump(self, source: Block, target: Block, values: list[Value]) -> _Ways:
        """Go to a block: it is written here where this is the only way to it."""
        if target is self.exit or not self.graph.is_private(source, target):
            return _Ways([target], {target: values})
        return self.enter(target, values, self.place)

    # -- joining -------------------------------------------------------------------------------

    def _join(self, condition: Value, arms: Sequence[tuple[Block, _Ways]]) -> _Ways:
        """`scf.if` over two pieces of code that are written already."""
        targets = list(dict.fromkeys(t for _, ways in arms for t in ways.targets))
        targets.sort(key=self.graph.order.index)
        types = [argument.type for target in targets for argument in target.args]
        number = [] if len(targets) == 1 else [I1 if len(targets) == 2 else I32]
        outer = self.place
        for block, ways in arms:
            self.place = block
            yielded = [] if not number else [self._number(ways, targets, number[0])]
            for target in targets:
                given = ways.values.get(target)
                yielded += given or [self.poison(argument.type) for argument in target.args]
            self.add(scf.Yield(yielded))
        self.place = outer
        regions = [Region([block]) for block, _ in arms]
        made = self.add(scf.If([condition], [*number, *types], {}, regions))
        return self._ways_of(made.results, targets, bool(number))

    def _ways_of(self, results: Sequence[Value], targets: list[Block], with_number: bool) -> _Ways:
        at = int(with_number)
        values: dict[Block, list[Value]] = {}
        for target in targets:
            values[target] = list(results[at : at + len(target.args)])
            for argument, value in zip(target.args, values[target], strict=True):
                value.name = value.name or argument.name
            at += len(target.args)
        return _Ways(targets, values, results[0] if with_number else None)

    def _number(self, ways: _Ways, targets: list[Block], type_: Type) -> Value:
        """Which of `targets` comes next; for two, whether it is the first."""
        if ways.selector is None:
            index = targets.index(ways.targets[0])
            return self.constant(int(index == 0) if type_ == I1 else index, type_)
        if ways.targets == targets:
            return ways.selector
        number = self.constant(targets.index(ways.targets[-1]), I32)
        for target in reversed(ways.targets[:-1]):
            chosen = self.constant(targets.index(target), I32)
            test = self._is_next(ways, target)
            number = self.add(arith.Select((test, chosen, number), (I32,))).result
        return number

    def _is_next(self, ways: _Ways, target: Block) -> Value:
        assert ways.selector is not None
        index = ways.targets.index(target)
        if len(ways.targets) == 2:
            if index == 0:
                return ways.selector
            true = self.constant(1, I1)
            return self.add(arith.Xori((ways.selector, true), (I1,))).result
        number = self.constant(index, I32)
        attributes = {"predicate": OpaqueAttr("eq")}
        return self.add(arith.Cmpi((ways.selector, number), (I1,), attributes)).result

    def _follow(self, ways: _Ways, target: Block) -> _Ways:
        """The block comes next, if it is among the ways: under a test where there are others."""
        if target not in ways.targets:
            return ways
        values = ways.values[target]
        if len(ways.targets) == 1:
            return self.enter(target, values, self.place)
        test = self._is_next(ways, target)
        then, otherwise = Block(), Block()
        taken = self.enter(target, values, then)
        passed = self._without(ways, target, otherwise)
        return self._join(test, [(then, taken), (otherwise, passed)])

    def _without(self, ways: _Ways, target: Block, place: Block) -> _Ways:
        """The ways where `target` is not the next one."""
        left = [t for t in ways.targets if t is not target]
        values = {t: ways.values[t] for t in left}
        if len(left) == 1:
            return _Ways(left, values)
        outer, self.place = self.place, place
        number = self._number(ways, [*left, target], I32)
        if len(left) == 2:
            zero = self.constant(0, I32)
            attributes = {"predicate": OpaqueAttr("eq")}
            number = self.add(arith.Cmpi((number, zero), (I1,), attributes)).result
        self.place = outer
        return _Ways(left, values, number)

    # -- loops ---------------------------------------------------------------------------------

    def _loop(self, header: Block, inits: list[Value]) -> _Ways:
        """`scf.while` whose first region is a turn: another one where the way out is the header."""
        types = types_of(header.args)
        before, after = Block(types), Block()
        _bind(header, before.args)
        outer, self.place = self.place, before
        ways = self._block(header)
        exits = [target for target in ways.targets if target is not header]
        if not exits:
            raise UnsupportedError("a loop without an end", self.near.span)
        again = self._is_next(ways, header)
        rest = self._without(ways, header, before)
        passed = [] if rest.selector is None else [rest.selector]
        passed += [value for target in exits for value in rest.values[target]]
        self.add(scf.Condition([again, *ways.values[header], *passed]))
        passed_types = [*types, *types_of(passed)]
        for type_ in passed_types:
            after.add_argument(type_)
        self.place = after
        self.add(scf.Yield(after.args[: len(types)]))
        self.place = outer
        regions = [Region([before]), Region([after])]
        made = self.add(scf.While(inits, passed_types, {}, regions))
        ways = self._ways_of(made.results[len(types) :], exits, rest.selector is not None)
        return self._then(ways, self.graph.behind_loop(header))


def _bind(block: Block, values: Sequence[Value]) -> None:
    """Use values instead of a block's arguments."""
    for argument, value in zip(block.args, values, strict=True):
        value.name = value.name or argument.name
        argument.replace_all_uses_with(value)


def _unwrap(op: scf.ExecuteRegion) -> None:
    """A region that runs once is just code."""
    block, body = op.parent, op.regions[0].block
    assert block is not None
    last = body.ops.pop()
    values = list(last.operands)
    last.set_operands([])
    place = block.ops.index(op)
    block.ops[place:place] = body.ops
    for inner in body.ops:
        inner.parent = block
    body.ops = []
    op.replace_with(values)


def _unfold_switch(op: scf.IndexSwitch) -> None:
    """A chain of `scf.if`, one for each case."""
    types = [result.type for result in op.results]
    *cases, default = op.regions
    op.regions = []
    otherwise = default
    for number, region in reversed(list(zip(op.cases, cases, strict=True))):
        block = Block()
        attribute = IntegerAttr(number, INDEX)
        case = block.append(
            located(arith.Constant((), (op.argument.type,), {"value": attribute}), op)
        )
        compare = arith.Cmpi((op.argument, case.result), (I1,), {"predicate": OpaqueAttr("eq")})
        test = block.append(located(compare, op)).result
        chosen = block.append(located(scf.If([test], types, {}, [region, otherwise]), op))
        block.append(located(scf.Yield(chosen.results), op))
        otherwise = Region([block])
    body = otherwise.block
    shell = scf.ExecuteRegion((), types, {}, [otherwise])
    assert op.parent is not None
    op.parent.insert_before(op, located(shell, op))
    op.replace_with(shell.results)
    assert body.ops
    _unwrap(shell)
