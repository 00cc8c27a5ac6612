"""MLIR's scf: structured loops and branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import DenseArrayAttr, UnitAttr
from ..ir.core import Block, Op, Region, Value
from ..ir.fields import flag, integers, operand, variadic
from ..ir.traits import is_integer, require_kind, require_same_types, require_type, types_of
from ..ir.types import I1, I64, INDEX, Type
from .scf_parallel import Forall as Forall
from .scf_parallel import ForallInParallel as ForallInParallel
from .scf_parallel import Parallel as Parallel
from .scf_parallel import Reduce as Reduce
from .scf_parallel import ReduceReturn as ReduceReturn

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader


class Yield(Op):
    """End of a block of a structured op: the values that the op goes on with."""

    name = "scf.yield"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "attr-dict ($values^ `:` type($values))?"


class Condition(Op):
    """End of the first region of `scf.while`: goes on with `values` while the condition holds."""

    name = "scf.condition"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    condition = operand()
    values = variadic()
    format = "`(` $condition `)` attr-dict ($values^ `:` type($values))?"

    def verify(self) -> None:
        """The condition is i1."""
        require_type(self, self.condition, I1, "the condition")


class For(Op):
    """A counted loop: the block gets the counter and the values that go around."""

    name = "scf.for"
    regions_held = 1
    region_terminator = ("scf.yield",)
    implicit_terminator = "scf.yield"
    lower = operand()
    upper = operand()
    step = operand()
    inits = variadic()
    unsigned = flag(key="unsignedCmp")

    @property
    def body(self) -> Block:
        """The only block."""
        return self.regions[0].block

    @property
    def counter(self) -> Value:
        """The block's first argument."""
        return self.body.args[0]

    @property
    def iter_args(self) -> list[Value]:
        """The block's other arguments, one for each init."""
        return self.body.args[1:]

    @property
    def yields(self) -> list[Value]:
        """The values that go around, one for each init."""
        return self.body.terminator.operands

    @classmethod
    def parse(cls, reader: OpReader) -> For:
        """Read `%i = %lb to %ub step %s [iter_args(...) -> (T)] [: T] {...} [{...}]`."""
        unsigned = reader.accept("unsigned")
        counter = reader.token("DEF", "'%counter ='")
        bounds = [reader.value()]
        for word in ("to", "step"):
            reader.expect(word)
            bounds.append(reader.value())
        passed = []
        types: list[Type] = []
        if reader.accept("iter_args"):
            passed = reader.assignments_in(reader.node("group", "'('"))
            reader.expect("->")
            types = reader.result_type_list()
        inits = [value for _, value in passed]
        reader.check_types(inits, types)
        counter_type = reader.type() if reader.accept(":") else INDEX
        reader.check_types(bounds, [counter_type] * 3)
        names = [counter, *(name for name, _ in passed)]
        region = reader.region(reader.assigned(names, [counter_type, *types]))
        attributes = reader.optional_dictionary()
        if unsigned:
            attributes["unsignedCmp"] = UnitAttr()
        reader.end()
        return reader.create(cls, [*bounds, *inits], types, attributes, [region])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        printer.text(" unsigned " if self.unsigned else " ")
        printer.values([self.counter])
        printer.text(" = ")
        printer.values([self.lower])
        printer.text(" to ")
        printer.values([self.upper])
        printer.text(" step ")
        printer.values([self.step])
        printer.text(" ")
        if self.inits:
            printer.text("iter_args(")
            printer.assignments(self.iter_args, self.inits)
            printer.text(") -> (")
            printer.types(types_of(self.inits))
            printer.text(") ")
        if self.counter.type != INDEX:
            printer.text(" : ")
            printer.types([self.counter.type])
            printer.text(" ")
        printer.region(self.regions[0], skip_empty_terminator=not self.results)
        printer.attribute_dict(self, ("unsignedCmp",))

    def verify(self) -> None:
        """Counter and bounds have one type; inits, arguments, yields and results match."""
        require_same_types(self, [self.lower, self.upper, self.step, *self.body.args[:1]])
        require_kind(self, self.lower, is_integer, "integer bounds")
        inits = types_of(self.inits)
        for what, values in (
            ("block arguments", self.iter_args),
            ("yielded values", self.yields),
            ("results", self.results),
        ):
            found = types_of(values)
            if found != inits:
                self.require(
                    False, f"the {what} have types {_list(found)}, the inits {_list(inits)}"
                )


def _list(types: list[Type]) -> str:
    return f"({', '.join(map(str, types))})"


class If(Op):
    """One of two regions; the second one may be empty where there are no results."""

    name = "scf.if"
    regions_held = 2
    region_terminator = ("scf.yield",)
    implicit_terminator = "scf.yield"
    empty_regions = (1,)
    condition = operand()

    @property
    def then_block(self) -> Block:
        """The block that runs where the condition holds."""
        return self.regions[0].block

    @property
    def else_block(self) -> Block | None:
        """The block that runs where it does not; None where there is none."""
        region = self.regions[1]
        return region.block if region.blocks else None

    @classmethod
    def parse(cls, reader: OpReader) -> If:
        """Read `%c [-> (T)] {...} [else {...}] [{...}]`."""
        condition = reader.value()
        types = reader.result_type_list() if reader.accept("->") else []
        regions = [reader.region()]
        attributes = reader.optional_dictionary()
        if reader.accept("else"):
            regions.append(reader.region())
            attributes.update(reader.optional_dictionary())
        else:
            regions.append(Region())
        reader.end()
        return reader.create(cls, [condition], types, attributes, regions)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        printer.text(" ")
        printer.values([self.condition])
        if self.results:
            printer.text(" -> (")
            printer.types(types_of(self.results))
            printer.text(")")
        printer.text(" ")
        printer.region(self.regions[0], skip_empty_terminator=not self.results)
        if self.regions[1].blocks:
            printer.text(" else ")
            printer.region(self.regions[1], skip_empty_terminator=not self.results)
        printer.attribute_dict(self)

    def verify(self) -> None:
        """The condition is i1; both regions yield the results' types."""
        require_type(self, self.condition, I1, "the condition")
        expected = types_of(self.results)
        has_else = bool(self.regions[1].blocks)
        self.require(has_else or not expected, "an if with results needs an else")
        for region in self.regions[: 1 + has_else]:
            found = types_of(region.block.terminator.operands)
            if found != expected:
                message = f"a region yields {_list(found)}, the results are {_list(expected)}"
                self.require(False, message)


class While(Op):
    """A loop whose first region decides (`scf.condition`) and whose second one does the work."""

    name = "scf.while"
    regions_held = 2
    region_terminator = ("scf.condition", "scf.yield")
    inits = variadic()

    @property
    def before(self) -> Block:
        """The block that decides."""
        return self.regions[0].block

    @property
    def after(self) -> Block:
        """The block that runs when the condition held."""
        return self.regions[1].block

    @classmethod
    def parse(cls, reader: OpReader) -> While:
        """Read `[(%a = %x)] : (T) -> (T) {...} do {...} [attributes {...}]`."""
        group = reader.accept_node("group")
        passed = reader.assignments_in(group) if group is not None else []
        reader.expect(":")
        inputs, results = reader.function_type()
        inits = [value for _, value in passed]
        reader.check_types(inits, inputs)
        before = reader.region(reader.assigned([name for name, _ in passed], inputs))
        reader.expect("do")
        after = reader.region()
        attributes = reader.optional_dictionary()
        if reader.accept("attributes"):
            attributes.update(reader.optional_dictionary())
        reader.end()
        return reader.create(cls, inits, results, attributes, [before, after])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        if self.inits:
            printer.text(" (")
            printer.assignments(self.before.args, self.inits)
            printer.text(")")
        printer.text(" : ")
        printer.function_type(types_of(self.inits), types_of(self.results))
        printer.text(" ")
        printer.region(self.regions[0])
        printer.text(" do ")
        printer.region(self.regions[1], entry_label=True)
        printer.attribute_dict(self, keyword=" attributes")

    def verify(self) -> None:
        """Inits, first arguments and yields match; so do condition, second arguments, results."""
        before, after = self.before.terminator, self.after.terminator
        self.require(isinstance(before, Condition), "the first region should end in scf.condition")
        self.require(isinstance(after, Yield), "the second region should end in scf.yield")
        assert isinstance(before, Condition)
        inits = types_of(self.inits)
        for what, values in (("arguments", self.before.args), ("yields", after.operands)):
            found = types_of(values)
            self.require(found == inits, f"{what} {_list(found)} for inits {_list(inits)}")
        passed = types_of(before.values)
        for what, values in (("arguments", self.after.args), ("results", self.results)):
            found = types_of(values)
            self.require(found == passed, f"{what} {_list(found)} for passed {_list(passed)}")


class ExecuteRegion(Op):
    """Runs its region once; the region may hold branches."""

    name = "scf.execute_region"
    regions_held = 1
    single_block = False
    branching = True

    @classmethod
    def parse(cls, reader: OpReader) -> ExecuteRegion:
        """Read `[-> (T)] [no_inline] {...} [{...}]`."""
        types = reader.result_type_list() if reader.accept("->") else []
        no_inline = reader.accept("no_inline")
        region = reader.region()
        attributes = reader.optional_dictionary()
        if no_inline:
            attributes["no_inline"] = UnitAttr()
        reader.end()
        return reader.create(cls, (), types, attributes, [region])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        if self.results:
            printer.text(" -> ")
            printer.result_types(types_of(self.results))
        printer.text(" no_inline " if "no_inline" in self.attributes else " ")
        printer.region(self.regions[0])
        printer.attribute_dict(self, ("no_inline",))

    def verify(self) -> None:
        """Every yield has the results' types."""
        expected = types_of(self.results)
        for block in self.regions[0].blocks:
            last = block.terminator
            if isinstance(last, Yield):
                found = types_of(last.operands)
                self.require(found == expected, f"yields {_list(found)} for {_list(expected)}")


class IndexSwitch(Op):
    """One region for each case, and a last one for all other values."""

    name = "scf.index_switch"
    region_terminator = ("scf.yield",)
    implicit_terminator = "scf.yield"
    argument = operand()
    cases = integers(required=True)

    @classmethod
    def parse(cls, reader: OpReader) -> IndexSwitch:
        """Read `%i [{...}] [-> T] case 0 {...} ... default {...}`."""
        argument = reader.value()
        attributes = reader.optional_dictionary()
        types = reader.type_list() if reader.accept("->") else []
        cases: list[int] = []
        regions: list[Region] = []
        while reader.accept("case"):
            cases.append(reader.integer())
            regions.append(reader.region())
        reader.expect("default")
        regions.append(reader.region())
        attributes["cases"] = DenseArrayAttr(I64, tuple(cases))
        reader.end()
        return reader.create(cls, [argument], types, attributes, regions)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        printer.text(" ")
        printer.values([self.argument])
        printer.attribute_dict(self, ("cases",))
        if self.results:
            printer.text(" -> ")
            printer.types(types_of(self.results))
        printer.text(" ")
        for case, region in zip(self.cases, self.regions, strict=False):
            printer.new_line(f"case {case} ")
            printer.region(region, skip_empty_terminator=not self.results)
        printer.new_line("default ")
        printer.region(self.regions[-1], skip_empty_terminator=not self.results)

    def verify(self) -> None:
        """One region more than cases; each yields the results' types."""
        same = len(self.regions) == len(self.cases) + 1
        self.require(same, f"{len(self.cases)} cases with {len(self.regions)} regions")
        expected = types_of(self.results)
        for region in self.regions:
            found = types_of(region.block.terminator.operands)
            self.require(found == expected, f"yields {_list(found)} for {_list(expected)}")
