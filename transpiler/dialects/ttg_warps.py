"""Different code for different groups of warps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import DenseArrayAttr
from ..ir.core import Block, Op, Region, Value
from ..ir.fields import integers, variadic
from ..ir.traits import types_of
from ..ir.types import I32, Type

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader


class WarpSpecialize(Op):
    """A default region for the warps that come here, and partitions for other groups of warps.

    The partitions stand in a `ttg.warp_specialize.partitions`, which holds the captured values.
    """

    name = "ttg.warp_specialize"
    regions_held = 2
    single_block = False
    partition_num_warps = integers(key="partitionNumWarps", required=True)

    @property
    def partitions(self) -> WarpSpecializePartitions:
        """The op that holds the partitions."""
        holder = self.regions[1].block.ops[0]
        assert isinstance(holder, WarpSpecializePartitions)
        return holder

    @classmethod
    def parse(cls, reader: OpReader) -> WarpSpecialize:
        """Read `(%a) [attributes {...}] default {...} partition0(%b: T) num_warps(4) {...} : T`."""
        captures = reader.values_in(reader.node("group", "'('"))
        attributes = reader.optional_attributes()
        reader.expect("default")
        default = reader.region()
        counts: list[int] = []
        partitions: list[Region] = []
        while reader.accept(f"partition{len(counts)}"):
            arguments = reader.arguments_in(reader.node("group", "'('"))
            reader.expect("num_warps")
            inner = reader.within(reader.node("group", "'('"))
            counts.append(inner.integer())
            inner.end()
            partitions.append(reader.region(arguments))
        reader.expect(":")
        inputs, results = reader.function_type()
        reader.end()
        reader.check_types(captures, inputs)
        attributes["partitionNumWarps"] = DenseArrayAttr(I32, tuple(counts))
        holder = reader.create(WarpSpecializePartitions, captures, (), {}, partitions)
        block = Block()
        block.append(holder)
        return reader.create(cls, (), results, attributes, [default, Region([block])])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        holder = self.partitions
        printer.text("(")
        printer.values(holder.operands)
        printer.text(")")
        printer.attribute_dict(self, ("partitionNumWarps",), keyword=" attributes")
        printer.new_line("default ")
        printer.region(self.regions[0])
        counts = self.partition_num_warps
        for index, region in enumerate(holder.regions):
            count = counts[index] if index < len(counts) else 0
            printer.new_line(f"partition{index}(")
            printer.arguments(region.blocks[0])
            printer.text(f") num_warps({count}) ")
            printer.region(region)
        printer.text(" : ")
        printer.function_type(types_of(holder.operands), types_of(self.results))

    def verify(self) -> None:
        """The default region yields the results; partitions take the captured values."""
        held = self.regions[1].blocks
        fits = len(held) == 1 and len(held[0].ops) == 1
        holder = held[0].ops[0] if fits else None
        if not isinstance(holder, WarpSpecializePartitions):
            self.require(False, "expected one ttg.warp_specialize.partitions")
            return
        self.require(bool(self.regions[0].blocks), "the default region has no block")
        expected = types_of(self.results)
        for block in self.regions[0].blocks:
            last = block.ops[-1] if block.ops else None
            if isinstance(last, WarpYield):
                self.require(types_of(last.operands) == expected, "yields are not the results")
        same = len(self.partition_num_warps) == len(holder.regions)
        self.require(same, "one number of warps is needed for each partition")
        captured: list[Type] = types_of(holder.operands)
        for region in holder.regions:
            self.require(bool(region.blocks), "a partition has no block")
            taken = types_of(region.blocks[0].args)
            self.require(taken == captured, "a partition does not take the captured values")


class WarpSpecializePartitions(Op):
    """The partitions of a `ttg.warp_specialize` and the values that they take."""

    name = "ttg.warp_specialize.partitions"
    isolated = True
    terminator = True
    single_block = False
    branching = True
    results_defined = 0
    captures = variadic()

    def captured(self, region: Region) -> list[tuple[Value, Value]]:
        """Each argument of a partition with the value that it gets."""
        return list(zip(region.blocks[0].args, self.captures, strict=True))


class WarpYield(Op):
    """End of the default region."""

    name = "ttg.warp_yield"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "($values^)? attr-dict (`:` type($values)^)?"


class WarpReturn(Op):
    """End of a partition."""

    name = "ttg.warp_return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    format = "attr-dict"
