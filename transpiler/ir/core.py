"""Typed SSA: values, ops, blocks, regions, modules.

An op class declares its operands, attributes and textual format as fields (`ir/fields.py`);
defining the class registers it under its name. Ops that the project does not know are `UnknownOp`s:
they parse and print, and are refused when lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from ..errors import Span, VerifyError
from .attributes import Attribute, IntegerAttr, StringAttr, SymbolAttr
from .location import UNKNOWN, Location
from .types import Type

if TYPE_CHECKING:
    from ..parser.reader import OpReader
    from .assembly import Parts
    from .fields import AttributeField, OperandField
    from .printer import Printer


class Value:
    """What an op defines or a block takes: one type, one definition, any number of uses.

    `name` is the text's name without `%`, or "" for one that is made up when printed.
    `uses` maps (op, operand index) to None, in the order in which the uses were made.
    """

    __slots__ = ("index", "location", "name", "owner", "type", "uses")

    def __init__(self, type_: Type, owner: Op | Block, index: int, name: str = "") -> None:
        self.type = type_
        self.owner = owner
        self.index = index
        self.name = name
        self.location: Location = UNKNOWN
        self.uses: dict[tuple[Op, int], None] = {}

    @property
    def defining_op(self) -> Op | None:
        """The op that defines the value; None for a block argument."""
        return self.owner if isinstance(self.owner, Op) else None

    @property
    def users(self) -> list[Op]:
        """The ops that use the value, each once."""
        return list(dict.fromkeys(op for op, _ in self.uses))

    def replace_all_uses_with(self, other: Value) -> None:
        """Make every user of this value use `other`."""
        for op, index in list(self.uses):
            op.set_operand(index, other)

    def __repr__(self) -> str:
        return f"%{self.name or '?'}: {self.type}"


class Op:
    """One operation. Subclasses are registered by their `name`."""

    name: ClassVar[str] = ""
    registry: ClassVar[dict[str, type[Op]]] = {}
    # Facts about a class of ops; a class states only what differs.
    pure: ClassVar[bool] = False  # no effect, and the same operands give the same results
    terminator: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False  # result element i depends on the operands' elements i
    isolated: ClassVar[bool] = False  # its regions see no value from outside
    results_defined: ClassVar[int | None] = None  # how many results; None: it varies
    regions_held: ClassVar[int | None] = None  # how many regions; None: it varies
    single_block: ClassVar[bool] = True  # its regions have one block each
    region_terminator: ClassVar[tuple[str, ...]] = ()  # what ends its blocks; (): not checked
    branching: ClassVar[bool] = False  # its blocks end with any terminator
    empty_regions: ClassVar[tuple[int, ...]] = ()  # which of its regions may have no block
    implicit_terminator: ClassVar[str] = ""  # what ends a block whose text leaves it out
    segmented: ClassVar[bool] = False  # `segments` says how many operands each field has
    # The attribute that splits the last of them in turn, one part a branch target.
    nested_segments: ClassVar[str] = ""
    # The text behind the op's name, in the language of MLIR's assemblyFormat (ir/assembly.py).
    format: ClassVar[str] = ""
    result_names: ClassVar[tuple[str, ...]] = ("result",)  # as `format` calls them
    # The result types that the text does not give, from what it does give.
    infer: ClassVar[Callable[[Parts], list[Type]] | None] = None
    operand_fields: ClassVar[tuple[OperandField, ...]] = ()
    attribute_fields: ClassVar[dict[str, AttributeField]] = {}

    operands: list[Value]
    results: list[Value]
    attributes: dict[str, Attribute]
    regions: list[Region]
    successors: list[Successor]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__dict__.get("name", "")
        if name:
            Op.registry[name] = cls

    def __init__(
        self,
        operands: Sequence[Value] = (),
        result_types: Sequence[Type] = (),
        attributes: Mapping[str, Attribute] | None = None,
        regions: Iterable[Region] = (),
        successors: Iterable[Successor] = (),
        *,
        segments: Sequence[int] = (),
        location: Location = UNKNOWN,
        span: Span | None = None,
    ) -> None:
        self.operands = list(operands)
        for index, operand in enumerate(self.operands):
            operand.uses[(self, index)] = None
        self.attributes = dict(attributes) if attributes else {}
        self.results = [Value(type_, self, i) for i, type_ in enumerate(result_types)]
        self.regions = []
        self.successors = []
        # Operands of each operand field, in order; empty where the count alone decides.
        self.segments = tuple(segments)
        self.location = location
        self.span = span
        self.parent: Block | None = None
        for region in regions:
            self.add_region(region)
        for successor in successors:
            self.add_successor(successor)

    @property
    def result(self) -> Value:
        """The only result."""
        (value,) = self.results
        return value

    @property
    def parent_op(self) -> Op | None:
        """The op that this one is nested in."""
        return self.parent.parent_op if self.parent is not None else None

    @property
    def op_name(self) -> str:
        """The op's name, also for ops without a class."""
        return self.name

    def add_operand(self, value: Value) -> None:
        """Append an operand."""
        value.uses[(self, len(self.operands))] = None
        self.operands.append(value)

    def set_operand(self, index: int, value: Value) -> None:
        """Replace an operand."""
        del self.operands[index].uses[(self, index)]
        self.operands[index] = value
        value.uses[(self, index)] = None

    def set_operands(self, values: Sequence[Value]) -> None:
        """Replace all operands."""
        for index, value in enumerate(self.operands):
            del value.uses[(self, index)]
        self.operands = []
        for value in values:
            self.add_operand(value)

    def add_region(self, region: Region) -> None:
        """Append a region."""
        region.parent = self
        self.regions.append(region)

    def add_successor(self, successor: Successor) -> None:
        """Append a successor; the values that it passes must be operands of this op already."""
        self.successors.append(successor)

    def replace_with(self, values: Sequence[Value]) -> None:
        """Make all users of the results use `values`, and take the op out of its block."""
        for result, value in zip(self.results, values, strict=True):
            result.replace_all_uses_with(value)
        self.erase()

    def erase(self) -> None:
        """Take the op, with its regions, out of the IR; its results must have no uses left."""
        if self.parent is not None:
            self.parent.erase([self])
        else:
            self.drop_operands()

    def drop_operands(self) -> None:
        """Use no value any more, here and in the regions: the op is about to be erased."""
        for op in self.walk():
            for index, value in enumerate(op.operands):
                value.uses.pop((op, index), None)
            op.operands = []

    def walk(self) -> Iterator[Op]:
        """This op, then every op nested in it, in the order of the text."""
        stack: list[Op] = [self]
        while stack:
            op = stack.pop()
            yield op
            if op.regions:
                nested = [o for region in op.regions for block in region.blocks for o in block.ops]
                nested.reverse()
                stack += nested

    @classmethod
    def implied(cls, location: Location, span: Span | None) -> Op:
        """The op of this class that ends a block whose text leaves it out."""
        return cls(location=location, span=span)

    def verify(self) -> None:
        """Raise a `VerifyError` when the op's parts do not fit together."""

    def require(self, condition: bool, message: str) -> None:
        """Raise a `VerifyError` that names the op unless `condition` holds."""
        if not condition:
            raise VerifyError(f"{self.op_name}: {message}", self.span)

    @classmethod
    def parse(cls, reader: OpReader) -> Op:
        """Make an op from the text behind its name; ops that `format` cannot describe override."""
        return reader.by_format(cls)

    def print(self, printer: Printer) -> None:
        """Write the text behind the op's name; the counterpart of `parse`."""
        printer.by_format(self)

    def __repr__(self) -> str:
        return f"<{self.op_name}>"


@dataclass(frozen=True)
class OperandPiece:
    """The place of an operand in the custom text of an `UnknownOp`."""

    index: int


Piece: TypeAlias = "str | OperandPiece | Attribute"


class UnknownOp(Op):
    """An op of a dialect, or a name, that has no class: kept as it was written."""

    single_block = False

    def __init__(
        self,
        op_name: str,
        operands: Sequence[Value] = (),
        result_types: Sequence[Type] = (),
        attributes: Mapping[str, Attribute] | None = None,
        regions: Iterable[Region] = (),
        successors: Iterable[Successor] = (),
        *,
        pieces: Sequence[Piece] = (),
        location: Location = UNKNOWN,
        span: Span | None = None,
    ) -> None:
        super().__init__(
            operands, result_types, attributes, regions, successors, location=location, span=span
        )
        self._op_name = op_name
        # The custom text: words, operands by their index, attributes and types (as TypeAttr);
        # empty for the generic form.
        self.pieces = tuple(pieces)

    @property
    def op_name(self) -> str:
        """The name in the text."""
        return self._op_name


class Successor:
    """A branch target: a block and the operand positions that become its arguments."""

    __slots__ = ("block", "count", "start")

    def __init__(self, block: Block, start: int, count: int) -> None:
        self.block = block
        self.start = start
        self.count = count

    def arguments(self, op: Op) -> list[Value]:
        """The values that `op`, the terminator holding this successor, passes."""
        return op.operands[self.start : self.start + self.count]


class Block:
    """Arguments and a list of ops; the last one is a terminator where the region asks for it."""

    def __init__(self, argument_types: Sequence[Type] = ()) -> None:
        self.args = [Value(type_, self, i) for i, type_ in enumerate(argument_types)]
        self.ops: list[Op] = []
        self.parent: Region | None = None
        self.label = ""

    def add_argument(self, type_: Type, name: str = "") -> Value:
        """Append an argument."""
        value = Value(type_, self, len(self.args), name)
        self.args.append(value)
        return value

    def append(self, op: Op) -> Op:
        """Add an op at the end."""
        op.parent = self
        self.ops.append(op)
        return op

    def insert_before(self, anchor: Op, op: Op) -> Op:
        """Add an op before another one of this block."""
        op.parent = self
        self.ops.insert(self.ops.index(anchor), op)
        return op

    def erase(self, ops: Sequence[Op]) -> None:
        """Take ops of this block, with their regions, out of the IR.

        Their results must have no uses left but by one another. The cost is that of one walk over
        the block, however many they are.
        """
        for op in ops:
            op.drop_operands()
        for op in ops:
            op.parent = None
            for result in op.results:
                if result.uses:
                    raise ValueError(f"{op.op_name} is erased while %{result.name} is used")
        if len(ops) == 1:
            self.ops.remove(ops[0])
        elif ops:
            self.ops = [op for op in self.ops if op.parent is not None]

    @property
    def parent_op(self) -> Op | None:
        """The op whose region the block is in."""
        return self.parent.parent if self.parent is not None else None

    @property
    def terminator(self) -> Op:
        """The last op."""
        return self.ops[-1]

    def ancestor_of(self, op: Op) -> Op | None:
        """The op of this block that is `op`, or that it is nested in; None if it is elsewhere."""
        place: Op | None = op
        while place is not None and place.parent is not self:
            place = place.parent_op
        return place


class Region:
    """A list of blocks, owned by an op."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self.blocks: list[Block] = []
        self.parent: Op | None = None
        for block in blocks:
            self.add_block(block)

    def add_block(self, block: Block) -> Block:
        """Append a block."""
        block.parent = self
        self.blocks.append(block)
        return block

    @property
    def block(self) -> Block:
        """The only block."""
        (block,) = self.blocks
        return block


class Module(Op):
    """`module attributes {...} { functions }`."""

    name = "builtin.module"
    results_defined = 0
    regions_held = 1
    isolated = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sym_name = ""

    @classmethod
    def parse(cls, reader: OpReader) -> Module:
        """Read `[@name] [attributes {...}] {...}`."""
        following = reader.peek()
        named = following is not None and following.type == "SYMBOL"
        name = reader.symbol_name() if named else ""
        attributes = reader.optional_attributes()
        region = reader.region()
        reader.end()
        module = reader.create(cls, (), (), attributes, [region])
        module.sym_name = name
        return module

    @property
    def body(self) -> Block:
        """The block that holds the functions."""
        return self.regions[0].block

    @property
    def functions(self) -> list[Op]:
        """All `tt.func`s, in the order of the text."""
        return [op for op in self.body.ops if op.op_name == "tt.func"]

    def function(self, name: str) -> Op | None:
        """The function of a name."""
        for op in self.functions:
            found = op.attributes.get("sym_name")
            if isinstance(found, SymbolAttr | StringAttr) and name == (
                found.name if isinstance(found, SymbolAttr) else found.value
            ):
                return op
        return None

    def integer(self, key: str, default: int) -> int:
        """An integer module attribute, such as "ttg.num-warps"."""
        attribute = self.attributes.get(key)
        return attribute.value if isinstance(attribute, IntegerAttr) else default

    @property
    def num_warps(self) -> int:
        """Warps of a program, as Triton chose them."""
        return self.integer("ttg.num-warps", 4)

    @property
    def threads_per_warp(self) -> int:
        """Lanes of a warp in the layouts: 32, or 64 in dumps for some AMD GPUs."""
        return self.integer("ttg.threads-per-warp", 32)

    def __str__(self) -> str:
        from .printer import print_module

        return print_module(self)

    @property
    def target(self) -> str:
        """What Triton compiled for, such as "cuda:80"; "" where the text does not say."""
        attribute = self.attributes.get("ttg.target")
        return attribute.value if isinstance(attribute, StringAttr) else ""
