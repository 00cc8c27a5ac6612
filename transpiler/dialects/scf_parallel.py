"""scf's parallel loops: parsed, checked and printed; no kernel of Triton's has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from ..errors import Span
from ..ir.attributes import DenseArrayAttr
from ..ir.core import Block, Op, Region, Value
from ..ir.fields import attribute, integers, operand, variadic
from ..ir.location import Location
from ..ir.traits import require_tensor, types_of
from ..ir.types import I64, INDEX, Type
from ..parser.nodes import Token

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader

DYNAMIC = -(1 << 63)  # stands for an operand in a list of static numbers (ShapedType::kDynamic)


class Parallel(Op):
    """A nest of counted loops whose turns may run in any order; its last op combines results."""

    name = "scf.parallel"
    regions_held = 1
    region_terminator = ("scf.reduce",)
    implicit_terminator = "scf.reduce"
    segmented = True
    lower = variadic()
    upper = variadic()
    step = variadic()
    inits = variadic()

    @property
    def body(self) -> Block:
        """The only block; its arguments are the counters."""
        return self.regions[0].block

    @classmethod
    def parse(cls, reader: OpReader) -> Parallel:
        """Read `(%i) = (%lb) to (%ub) step (%s) [init (%x) -> T] {...} [{...}]`."""
        names = _new_names(reader)
        bounds: list[list[Value]] = []
        for word in ("=", "to", "step"):
            reader.expect(word)
            bounds.append(reader.values_in(reader.node("group", "'('")))
            reader.check_types(bounds[-1], [INDEX] * len(names))
        inits: list[Value] = []
        if reader.accept("init"):
            inits = reader.values_in(reader.node("group", "'('"))
        types = reader.result_type_list() if reader.accept("->") else []
        region = reader.region(reader.assigned(names, [INDEX] * len(names)))
        attributes = reader.optional_dictionary()
        reader.end()
        groups = [*bounds, inits]
        operands = [value for group in groups for value in group]
        segments = [len(group) for group in groups]
        return reader.create(cls, operands, types, attributes, [region], segments=segments)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        groups = ((" ", self.body.args), (" = ", self.lower), (" to ", self.upper))
        for word, values in (*groups, (" step ", self.step), (" init ", self.inits)):
            if values or word != " init ":
                _group(printer, word, values)
        if self.results:
            printer.text(" -> ")
            printer.result_types(types_of(self.results))
        printer.text(" ")
        printer.region(self.regions[0])
        printer.attribute_dict(self)

    def verify(self) -> None:
        """One or more counters of type index; results, inits and what is combined match."""
        counters = types_of(self.body.args)
        self.require(bool(counters), "needs at least one counter")
        for values in (self.lower, self.upper, self.step, self.body.args):
            found, expected = types_of(values), [INDEX] * len(counters)
            message = f"bounds of types {_list(found)} for counters {_list(expected)}"
            self.require(found == expected, message)
        inits = types_of(self.inits)
        combined = types_of(self.body.terminator.operands)
        for what, found in (("results", types_of(self.results)), ("combined values", combined)):
            message = f"the {what} have types {_list(found)}, the inits {_list(inits)}"
            self.require(found == inits, message)


class Reduce(Op):
    """End of a turn of `scf.parallel`: one region a value says how two of them are combined."""

    name = "scf.reduce"
    terminator = True
    results_defined = 0
    region_terminator = ("scf.reduce.return",)
    values = variadic()

    @classmethod
    def parse(cls, reader: OpReader) -> Reduce:
        """Read `[(%x, %y : T, T)] [{...}, {...}] [{...}]`."""
        values: list[Value] = []
        node = reader.accept_node("group")
        if node is not None:
            inner = reader.within(node)
            values = inner.values(True)
            inner.expect(":")
            inner.check_types(values, inner.type_list())
            inner.end()
        regions: list[Region] = []
        while values and (not regions or reader.accept(",")):
            regions.append(reader.region())
        attributes = reader.optional_dictionary()
        reader.end()
        return reader.create(cls, values, (), attributes, regions)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        if self.values:
            printer.text("(")
            printer.values(self.values)
            printer.text(" : ")
            printer.types(types_of(self.values))
            printer.text(")")
        printer.text(" ")
        for index, region in enumerate(self.regions):
            printer.text(", " if index else "")
            printer.region(region, entry_label=True)
        printer.attribute_dict(self)

    def verify(self) -> None:
        """One region a value, of two arguments and an end of the value's type."""
        same = len(self.regions) == len(self.values)
        self.require(same, f"{len(self.values)} values with {len(self.regions)} regions")
        for value, region in zip(self.values, self.regions, strict=True):
            taken, given = types_of(region.block.args), types_of(region.block.terminator.operands)
            expected = [value.type] * 2
            self.require(taken == expected, f"arguments {_list(taken)}, expected {_list(expected)}")
            self.require(given == expected[:1], f"gives {_list(given)} for {_list(expected[:1])}")


class ReduceReturn(Op):
    """End of a region of `scf.reduce`: the two values combined."""

    name = "scf.reduce.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    value = operand()
    format = "$value attr-dict `:` type($value)"


class Forall(Op):
    """A nest of loops whose turns may run in any order and write to parts of shared tensors."""

    name = "scf.forall"
    regions_held = 1
    region_terminator = ("scf.forall.in_parallel",)
    implicit_terminator = "scf.forall.in_parallel"
    segmented = True
    lower = variadic()
    upper = variadic()
    step = variadic()
    outputs = variadic()
    static_lower = integers("staticLowerBound", required=True)
    static_upper = integers("staticUpperBound", required=True)
    static_step = integers("staticStep", required=True)
    mapping = attribute()

    @property
    def body(self) -> Block:
        """The only block; its arguments are the counters, then the shared tensors."""
        return self.regions[0].block

    @classmethod
    def parse(cls, reader: OpReader) -> Forall:
        """Read `(%i) in (n) [shared_outs(%o = %t) -> (T)] {...} [{...}]`.

        Loops that do not start at 0, or take other steps than 1, have `= (a) to (b) step (c)` in
        place of `in (n)`.
        """
        names = _new_names(reader)
        count = len(names)
        if reader.accept("in"):
            bounds: list[_Mixed] = [([], [0] * count), _mixed(reader), ([], [1] * count)]
        else:
            bounds = []
            for word in ("=", "to", "step"):
                reader.expect(word)
                bounds.append(_mixed(reader))
        passed = []
        types: list[Type] = []
        if reader.accept("shared_outs"):
            passed = reader.assignments_in(reader.node("group", "'('"))
            reader.expect("->")
            types = reader.result_type_list()
        outputs = [value for _, value in passed]
        reader.check_types(outputs, types)
        names += [name for name, _ in passed]
        region = reader.region(reader.assigned(names, [INDEX] * count + types))
        attributes = reader.optional_dictionary()
        reader.end()
        for key, (_, numbers) in zip(_STATIC, bounds, strict=True):
            attributes[key] = DenseArrayAttr(I64, tuple(numbers))
        groups = [*(values for values, _ in bounds), outputs]
        operands = [value for group in groups for value in group]
        segments = [len(group) for group in groups]
        return reader.create(cls, operands, types, attributes, [region], segments=segments)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        rank = len(self.static_upper)
        _group(printer, " ", self.body.args[:rank])
        if set(self.static_lower) <= {0} and set(self.static_step) <= {1}:
            _print_mixed(printer, " in ", self.upper, self.static_upper)
        else:
            _print_mixed(printer, " = ", self.lower, self.static_lower)
            _print_mixed(printer, " to ", self.upper, self.static_upper)
            _print_mixed(printer, " step ", self.step, self.static_step)
        if self.outputs:
            printer.text(" shared_outs(")
            printer.assignments(self.body.args[rank:], self.outputs)
            printer.text(") -> (")
            printer.types(types_of(self.outputs))
            printer.text(")")
        printer.text(" ")
        last = self.body.terminator.regions[0]
        plain = not self.results and not any(block.ops for block in last.blocks)
        printer.region(self.regions[0], skip_empty_terminator=plain)
        printer.attribute_dict(self, _STATIC)

    def verify(self) -> None:
        """Bounds for each counter; shared tensors, the block's arguments and results match."""
        rank = len(self.static_upper)
        for values, numbers in (
            (self.lower, self.static_lower),
            (self.upper, self.static_upper),
            (self.step, self.static_step),
        ):
            self.require(len(numbers) == rank, f"{len(numbers)} bounds for {rank} counters")
            fits = types_of(values) == [INDEX] * numbers.count(DYNAMIC)
            self.require(fits, f"bounds of types {_list(types_of(values))} for {numbers}")
        for value in self.outputs:
            require_tensor(self, value)
        outputs = types_of(self.outputs)
        for what, found, expected in (
            ("block arguments", types_of(self.body.args), [INDEX] * rank + outputs),
            ("results", types_of(self.results), outputs),
        ):
            message = f"the {what} have types {_list(found)}, expected {_list(expected)}"
            self.require(found == expected, message)


class ForallInParallel(Op):
    """End of a turn of `scf.forall`: holds the ops that write to the shared tensors."""

    name = "scf.forall.in_parallel"
    terminator = True
    results_defined = 0
    regions_held = 1

    @classmethod
    def implied(cls, location: Location, span: Span | None) -> ForallInParallel:
        """One that writes nothing."""
        return cls(regions=[Region([Block()])], location=location, span=span)

    @classmethod
    def parse(cls, reader: OpReader) -> ForallInParallel:
        """Read `{...} [{...}]`."""
        region = reader.region()
        attributes = reader.optional_dictionary()
        reader.end()
        return reader.create(cls, (), (), attributes, [region])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        printer.text(" ")
        printer.region(self.regions[0])
        printer.attribute_dict(self)

    def verify(self) -> None:
        """The region has a block, without arguments."""
        blocks = self.regions[0].blocks
        self.require(bool(blocks) and not blocks[0].args, "expected one block without arguments")


_Mixed: TypeAlias = "tuple[list[Value], list[int]]"
_STATIC = ("staticLowerBound", "staticUpperBound", "staticStep")


def _list(types: Sequence[Type]) -> str:
    return f"({', '.join(map(str, types))})"


def _group(printer: Printer, word: str, values: Sequence[Value]) -> None:
    printer.text(f"{word}(")
    printer.values(values)
    printer.text(")")


def _new_names(reader: OpReader) -> list[Token]:
    """Read `(%i, %j)`: the names, each in the form of a definition (`%i =`)."""
    inner = reader.within(reader.node("group", "'('"))
    token = inner.accept_token("VALUES")
    inner.end()
    if token is None:
        return []
    start, end = token.start_pos, token.end_pos
    return [Token("DEF", f"{part.strip()} =", start, end) for part in str(token).split(",")]


def _mixed(reader: OpReader) -> _Mixed:
    """Read `(%n, 4)`: the operands, and the numbers with DYNAMIC where an operand stands."""
    inner = reader.within(reader.node("group", "'('"))
    values: list[Value] = []
    numbers: list[int] = []
    while not inner.done:
        item = inner.peek()
        if item is not None and item.type == "VALUES":
            found = inner.values(True)
            inner.check_types(found, [INDEX] * len(found))
            values += found
            numbers += [DYNAMIC] * len(found)
        else:
            numbers.append(inner.integer())
        if not inner.accept(","):
            break
    inner.end()
    return values, numbers


def _print_mixed(
    printer: Printer, word: str, values: Sequence[Value], numbers: Sequence[int]
) -> None:
    left = iter(values)
    printer.text(f"{word}(")
    for index, number in enumerate(numbers):
        printer.text(", " if index else "")
        if number == DYNAMIC:
            printer.values([next(left)])
        else:
            printer.text(str(number))
    printer.text(")")
