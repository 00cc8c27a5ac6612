"""Triton's GPU ops: layouts, shared memory, barriers, warps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import OpaqueAttr
from ..ir.core import Op
from ..ir.fields import boolean, flag, integer, mask, operand, string, variadic
from ..ir.traits import fixed, require_tensor, require_type, types_of
from ..ir.types import I1, I8, I32
from .ttg_memory import (
    AsyncCommitGroup,
    AsyncCopyGlobalToLocal,
    AsyncWait,
    GlobalScratchAlloc,
    LocalAlloc,
    LocalAtomicScatterRmw,
    LocalDealloc,
    LocalGather,
    LocalLoad,
    LocalScatter,
    LocalStore,
    MemdescIndex,
    MemdescReinterpret,
    MemdescReshape,
    MemdescSubslice,
    MemdescTrans,
)
from .ttg_warps import WarpReturn, WarpSpecialize, WarpSpecializePartitions, WarpYield

if TYPE_CHECKING:
    from ..ir.core import Block
    from ..ir.printer import Printer
    from ..parser.reader import OpReader

__all__ = [
    "ADDRESS_SPACES",
    "AsyncCommitGroup",
    "AsyncCopyGlobalToLocal",
    "AsyncWait",
    "Barrier",
    "ConvertLayout",
    "Fp4ToFp",
    "GlobalScratchAlloc",
    "InlineAsm",
    "LocalAlloc",
    "LocalAtomicScatterRmw",
    "LocalDealloc",
    "LocalGather",
    "LocalLoad",
    "LocalScatter",
    "LocalStore",
    "Mask",
    "MaskReturn",
    "MemdescIndex",
    "MemdescReinterpret",
    "MemdescReshape",
    "MemdescSubslice",
    "MemdescTrans",
    "PredicateStage",
    "WarpId",
    "WarpReturn",
    "WarpSpecialize",
    "WarpSpecializePartitions",
    "WarpYield",
]

ADDRESS_SPACES = ("local", "global_read", "global_write", "tensor_read", "tensor_write")


class ConvertLayout(Op):
    """The same tensor, distributed over the threads in another way."""

    name = "ttg.convert_layout"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    force_warp_shuffle = flag()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Shape and element stay."""
        source, result = require_tensor(self, self.source), require_tensor(self, self.result)
        same = source.shape == result.shape and source.element == result.element
        self.require(same, f"{source} cannot become {result}")


class Fp4ToFp(Op):
    """Pairs of e2m1 numbers in i8, the low half first, as wider floats along `axis`."""

    name = "ttg.fp4_to_fp"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    axis = integer(required=True)
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The result is twice as long along `axis`."""
        source, result = require_tensor(self, self.source), require_tensor(self, self.result)
        self.require(0 <= self.axis < source.rank, f"axis {self.axis} of {source}")
        shape = tuple(
            size * 2 if dim == self.axis else size for dim, size in enumerate(source.shape)
        )
        fits = result.shape == shape and source.element == I8
        self.require(fits, f"{source} along {self.axis} gives no {result}")


class WarpId(Op):
    """The index of the warp."""

    name = "ttg.warp_id"
    pure = True
    results_defined = 1
    regions_held = 0
    omit_uniform_hint = flag(key="omitUniformHint")
    infer = fixed(I32)
    format = "attr-dict"


class Barrier(Op):
    """Waits for all threads; memory operations before it are visible after it.

    `spaces` joins ADDRESS_SPACES with `|`, or is `none` or `all`.
    """

    name = "ttg.barrier"
    results_defined = 0
    regions_held = 0
    spaces = mask(key="addrSpace", values=ADDRESS_SPACES, required=True)

    @classmethod
    def parse(cls, reader: OpReader) -> Barrier:
        """Read `local|global_read [{...}]`."""
        words = [str(reader.token("WORD", "an address space"))]
        while reader.accept("|"):
            words.append(str(reader.token("WORD", "an address space")))
        spaces = OpaqueAttr("|".join(words))
        if not cls.attribute_fields["addrSpace"].accepts(spaces):
            known = ", ".join(ADDRESS_SPACES)
            reader.fail(f"'{spaces.text}' are no address spaces; there are {known}")
        attributes = reader.optional_dictionary()
        attributes["addrSpace"] = spaces
        reader.end()
        return reader.create(cls, (), (), attributes)

    def print(self, printer: Printer) -> None:
        """Write `local|global_read [{...}]`."""
        printer.text(f" {self.spaces}")
        printer.attribute_dict(self, ("addrSpace",))


class InlineAsm(Op):
    """Assembly that each thread runs once, for the target that the dump was made for."""

    name = "ttg.inline_asm"
    regions_held = 0
    asm_string = string(required=True)
    constraints = string(required=True)
    is_pure = boolean(key="pure")
    inputs = variadic()
    format = "$asm_string attr-dict ($inputs^)? `:` functional-type($inputs, results)"


class PredicateStage(Op):
    """Whether an iteration of a pipelined loop runs a stage."""

    name = "ttg.predicate_stage"
    pure = True
    results_defined = 1
    regions_held = 0
    counter = operand()
    upper = operand()
    step = operand()
    max_stage = integer(key="maxStage", required=True)
    stage = integer(required=True)
    format = (
        "$counter `,` $upper `,` $step `maxStage` $max_stage `stage` $stage attr-dict"
        " `:` type($counter) `->` type($result)"
    )


class Mask(Op):
    """Runs its block where a predicate holds."""

    name = "ttg.mask"
    regions_held = 1
    region_terminator = ("ttg.mask.return",)
    predicate = operand()

    @property
    def body(self) -> Block:
        """The only block."""
        return self.regions[0].block

    def verify(self) -> None:
        """The predicate is i1; the block returns the results."""
        require_type(self, self.predicate, I1, "the predicate")
        returned = types_of(self.body.terminator.operands)
        same = returned == types_of(self.results)
        self.require(same, "the returned values are not the results")


class MaskReturn(Op):
    """End of a mask's block."""

    name = "ttg.mask.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "$values attr-dict `:` type($values)"
