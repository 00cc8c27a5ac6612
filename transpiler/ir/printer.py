"""Modules to text, in the syntax of Triton 3.9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .aliases import MARK, Aliased, Aliases
from .assembly import assembly_of
from .attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DenseAttr,
    DictAttr,
    IntegerAttr,
    OpaqueAttr,
    TypeAttr,
    UnitAttr,
)
from .core import Block, Module, Op, OperandPiece, Region, UnknownOp, Value
from .encodings import Encoding, SharedEncoding
from .fields import flag, word, words
from .location import (
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    Location,
    NameLoc,
    UnknownLoc,
)
from .names import Names
from .text import dense_text, plain_text, quoted, symbol_text
from .types import (
    ArrayType,
    FloatType,
    FunctionType,
    IndexType,
    IntegerType,
    MemDescType,
    OpaqueType,
    PointerType,
    TensorDescType,
    TensorType,
    Type,
    VectorType,
)

_BARE_KEY = re.compile(r"[A-Za-z_][\w$.]*\Z")
_SMEM = OpaqueAttr("#ttg.shared_memory")


def print_module(module: Module, locations: bool = False, *, generic: bool = False) -> str:
    """The text of a module.

    `locations` adds `loc(...)` behind every op; `generic` writes every op in generic form.
    """
    return Printer(module, locations, generic).module()


class _RegionPiece:
    """The place of a region in the text of its op; written when the text gets there."""

    __slots__ = ("depth", "label", "region", "skip")

    def __init__(self, region: Region, depth: int, label: bool, skip: Op | None) -> None:
        self.region = region
        self.depth = depth
        self.label = label
        self.skip = skip  # a terminator that the text leaves out


class Printer:
    """Writes one module. Op classes call its methods from `print`."""

    def __init__(self, module: Module, locations: bool = False, all_generic: bool = False) -> None:
        self.root = module
        self.locations = locations
        self.all_generic = all_generic
        self.names = Names(module)
        self.pieces: list[str | _RegionPiece] = []
        self.depth = 0
        self.aliased: list[Aliased] = []
        self._marks: dict[Aliased, str] = {}
        self._types: dict[Type, str] = {}

    def module(self) -> str:
        """The whole text."""
        body = "".join(self._all())
        aliases = Aliases(self.aliased, self._definition, body)
        head = "".join(f"{line}\n" for line in aliases.definitions(early=True))
        tail = "".join(f"{line}\n" for line in aliases.definitions(early=False))
        return f"{head}{aliases.replace(body)}\n{tail}"

    def _all(self) -> Iterator[str]:
        stack: list[Iterator[str | _RegionPiece]] = [iter(self._op(self.root, 0))]
        while stack:
            piece = next(stack[-1], None)
            if piece is None:
                stack.pop()
            elif isinstance(piece, str):
                yield piece
            else:
                stack.append(self._region(piece))

    def _op(self, op: Op, depth: int) -> list[str | _RegionPiece]:
        self.pieces = []
        self.depth = depth
        if self.locations:
            self.text(self._visit(op.location))
        if op.results:
            self.text(f"{self.names.definition(op)} = ")
        self._body(op)
        if self.locations:
            self.text(f" loc({self.location(op.location)})")
        return self.pieces

    def _body(self, op: Op) -> None:
        if self.all_generic and not (isinstance(op, UnknownOp) and op.pieces):
            self.generic(op)
        elif isinstance(op, UnknownOp):
            if op.pieces:
                self._unknown(op)
            else:
                self.generic(op)
        elif type(op) is Module:
            self._module(op)
        elif type(op).print is Op.print and not op.format:
            self.generic(op)
        else:
            self.text(op.name)
            op.print(self)

    def _module(self, op: Module) -> None:
        self.text("module")
        if op.sym_name:
            self.text(f" {symbol_text(op.sym_name)}")
        if op.attributes:
            self.text(f" attributes {self.dictionary(op.attributes)}")
        self.text(" ")
        self.region(op.regions[0])

    def _region(self, piece: _RegionPiece) -> Iterator[str | _RegionPiece]:
        region, depth = piece.region, piece.depth
        indent = "  " * (depth + 1)
        yield "{\n"
        for index, block in enumerate(region.blocks):
            if index or piece.label:
                yield f"{'  ' * depth}{self._label(block, index, region)}\n"
            for op in block.ops:
                if op is not piece.skip:
                    yield indent
                    yield from self._op(op, depth + 1)
                    yield "\n"
        yield f"{'  ' * depth}}}"

    def _label(self, block: Block, index: int, region: Region) -> str:
        arguments = f"({self.arguments_text(block)})" if block.args else ""
        comment = self.names.predecessors(block, region) if index else ""
        return f"^bb{index}{arguments}:{comment}"

    def _unknown(self, op: UnknownOp) -> None:
        self.text(op.op_name)
        for piece in op.pieces:
            if isinstance(piece, str):
                self.text(piece)
            elif isinstance(piece, OperandPiece):
                self.values([op.operands[piece.index]])
            else:
                self.text(self.attribute_text(piece))

    # What op classes write with

    def text(self, text: str) -> None:
        """Write text."""
        self.pieces.append(text)

    def symbol(self, name: str) -> str:
        """`@name`, quoted where it has to be."""
        return symbol_text(name)

    def new_line(self, text: str) -> None:
        """Write text on a new line, under the op."""
        self.pieces.append(f"\n{'  ' * self.depth}{text}")

    def by_format(self, op: Op) -> None:
        """Write an op as the format of its class says."""
        assembly_of(type(op)).write(self, op)

    def values(self, values: Iterable[Value]) -> None:
        """Write `%a, %b`."""
        self.text(", ".join(map(self.names.use, values)))

    def types(self, types: Iterable[Type]) -> None:
        """Write `T, T`."""
        self.text(", ".join(map(self.type_text, types)))

    def attribute(self, attribute: Attribute) -> None:
        """Write an attribute."""
        self.text(self.attribute_text(attribute))

    def attribute_dict(self, op: Op, elsewhere: Iterable[str] = (), keyword: str = "") -> None:
        """Write ` {key = value}`, without what stands elsewhere or equals its default."""
        left = self._printed(op, elsewhere)
        if left:
            self.text(f"{keyword} {self.dictionary(left, op)}")

    def _printed(self, op: Op, elsewhere: Iterable[str]) -> dict[str, Attribute]:
        fields = op.attribute_fields
        return {
            key: value
            for key, value in op.attributes.items()
            if key not in elsewhere and not (key in fields and fields[key].absent == value)
        }

    def function_type(self, inputs: Sequence[Type], results: Sequence[Type]) -> None:
        """Write `(T, T) -> T`."""
        self.text(f"({', '.join(map(self.type_text, inputs))}) -> ")
        self.result_types(results)

    def result_types(self, results: Sequence[Type]) -> None:
        """Write `T` or `(T, T)`."""
        text = ", ".join(map(self.type_text, results))
        bare = len(results) == 1 and not isinstance(results[0], FunctionType)
        self.text(text if bare else f"({text})")

    def stripped_type(self, type_: Type) -> None:
        """Write a dialect type without its `!dialect.name`."""
        text = self.type_text(type_)
        self.text(text[text.index("<") :] if text.startswith("!") and "<" in text else text)

    def region(
        self, region: Region, entry_label: bool = False, skip_empty_terminator: bool = False
    ) -> None:
        """Write a region; `entry_label` writes the first block's label and arguments."""
        last = region.blocks[-1].ops[-1] if region.blocks and region.blocks[-1].ops else None
        skip = last if skip_empty_terminator and last is not None and not last.operands else None
        entry = region.blocks[0] if region.blocks else None
        # An empty block has to show itself: without a label the region would have no block.
        label = entry_label and entry is not None and bool(entry.args or not entry.ops)
        self.pieces.append(_RegionPiece(region, self.depth, label, skip))

    def arguments(self, block: Block) -> None:
        """Write `%a: T, %b: T`."""
        self.text(self.arguments_text(block))

    def arguments_text(self, block: Block) -> str:
        """`%a: T, %b: T`."""
        return ", ".join(self.argument_text(value) for value in block.args)

    def argument_text(self, value: Value, attributes: dict[str, Attribute] | None = None) -> str:
        """`%a: T {key = value} loc(...)`."""
        text = f"{self.names.use(value)}: {self.type_text(value.type)}"
        if attributes:
            text += f" {self.dictionary(attributes)}"
        if not self.locations:
            return text
        seen = MARK.sub(r"\0\1a\0", self._mark(value.location))
        return f"{text} {seen}loc({self.location_text(value.location)})"

    def assignments(self, names: Sequence[Value], values: Sequence[Value]) -> None:
        """Write `%a = %x, %b = %y`."""
        pairs = zip(names, values, strict=False)
        self.text(", ".join(f"{self.names.use(a)} = {self.names.use(b)}" for a, b in pairs))

    def successor(self, op: Op, index: int) -> None:
        """Write `^bb1(%a : T)`."""
        target = op.successors[index]
        self.text(self.names.label(target.block))
        values = target.arguments(op)
        if values:
            self.text("(")
            self.values(values)
            self.text(" : ")
            self.types([value.type for value in values])
            self.text(")")

    def generic(self, op: Op) -> None:
        """Write an op in generic form."""
        self.text(f'"{op.op_name}"(')
        self.values(op.operands)
        self.text(")")
        if op.successors:
            labels = ", ".join(self.names.label(target.block) for target in op.successors)
            self.text(f"[{labels}]")
        fields = op.attribute_fields
        inherent = {k: v for k, v in op.attributes.items() if k in fields}
        if op.segments:
            inherent["operandSegmentSizes"] = DenseArrayAttr(IntegerType(32), op.segments)
        if inherent:
            self.text(f" <{self.dictionary(inherent, op)}>")
        for index, region in enumerate(op.regions):
            self.text(", " if index else " (")
            self.region(region, entry_label=True)
        self.text(")" if op.regions else "")
        other = {k: v for k, v in op.attributes.items() if k not in fields}
        self.text(f" {self.dictionary(other)}" if other else "")
        self.text(" : ")
        self.function_type([v.type for v in op.operands], [v.type for v in op.results])

    # Texts

    def type_text(self, type_: Type) -> str:
        """A type, with aliases."""
        known = self._types.get(type_)
        if known is None:
            known = self._types[type_] = self._type_text(type_)
        return known

    def _type_text(self, type_: Type) -> str:
        match type_:
            case TensorType():
                dims = "".join(f"{d}x" for d in type_.shape)
                encoding = f", {self.reference(type_.encoding)}" if type_.encoding else ""
                return f"tensor<{dims}{self.type_text(type_.element)}{encoding}>"
            case MemDescType():
                return self._memdesc_text(type_)
            case TensorDescType():
                dims = "".join(f"{d}x" for d in type_.shape)
                encoding = f", {self.reference(type_.encoding)}" if type_.encoding else ""
                return f"!tt.tensordesc<{dims}{type_.element}{encoding}>"
            case PointerType() if isinstance(type_.pointee, TensorType):
                space = f", {type_.space}" if type_.space else ""
                return f"!tt.ptr<{self.type_text(type_.pointee)}{space}>"
            case FunctionType():
                inputs = ", ".join(map(self.type_text, type_.inputs))
                results = ", ".join(map(self.type_text, type_.results))
                bare = len(type_.results) == 1 and not isinstance(type_.results[0], FunctionType)
                return f"({inputs}) -> {results if bare else f'({results})'}"
            case IntegerType() | FloatType() | IndexType() | PointerType():
                return str(type_)
            case VectorType() | OpaqueType() | ArrayType():
                return str(type_)

    def _memdesc_text(self, type_: MemDescType) -> str:
        dims = "".join(f"{d}x" for d in type_.shape)
        space = type_.space
        if space == _SMEM.text:
            space = self._mark(_SMEM)
        mutable = ", mutable" if type_.mutable else ""
        alloc = ""
        if type_.alloc_shape and type_.alloc_shape != type_.shape:
            alloc = ", " + "x".join(str(d) for d in type_.alloc_shape)
        encoding = self.reference(type_.encoding)
        return f"!ttg.memdesc<{dims}{type_.element}, {encoding}, {space}{mutable}{alloc}>"

    def reference(self, encoding: Encoding | SharedEncoding | OpaqueAttr) -> str:
        """An encoding inside another text: its alias, or written out."""
        if isinstance(encoding, OpaqueAttr):
            return encoding.text
        return self._mark(encoding) if encoding.alias else encoding.text(self.reference)

    def _mark(self, item: Aliased) -> str:
        mark = self._marks.get(item)
        if mark is None:
            mark = self._marks[item] = f"\0{len(self.aliased)}\0"
            self.aliased.append(item)
        return mark

    def _visit(self, location: Location) -> str:
        # MLIR looks at an op's location before the op: aliases are numbered in that order.
        text = self.location(location)
        return "".join(f"\0{found[1]}v\0" for found in MARK.finditer(text))

    def dictionary(self, attributes: dict[str, Attribute], op: Op | None = None) -> str:
        """`{key = value}`, sorted by key."""
        return f"{{{', '.join(self._entry(k, attributes[k], op) for k in sorted(attributes))}}}"

    def _entry(self, key: str, value: Attribute, op: Op | None) -> str:
        text = key if _BARE_KEY.match(key) else quoted(key)
        if isinstance(value, UnitAttr):
            return text
        found = op.attribute_fields.get(key) if op is not None else None
        if isinstance(found, words) and isinstance(value, OpaqueAttr):
            return f"{text} = #{found.attribute}<{value.text}>"
        if isinstance(found, word) and isinstance(value, OpaqueAttr):
            number = found.number(value.text)
            value = number if number is not None else value
        if isinstance(found, flag) and isinstance(value, IntegerAttr) and not found.is_bool:
            return text
        return f"{text} = {self.attribute_text(value)}"

    def attribute_text(self, attribute: Attribute) -> str:
        """An attribute, with aliases."""
        match attribute:
            case TypeAttr():
                return self.type_text(attribute.type)
            case ArrayAttr():
                return f"[{', '.join(map(self.attribute_text, attribute.items))}]"
            case DictAttr():
                return self.dictionary(dict(attribute.items))
            case DenseAttr():
                return f"{dense_text(attribute)} : {self.type_text(attribute.type)}"
            case Encoding() | SharedEncoding():
                return self.reference(attribute)
            case _:
                return plain_text(attribute)

    def location(self, location: Location) -> str:
        """What stands between the brackets of `loc(...)`."""
        return self._mark(location)

    def _definition(self, item: Aliased) -> str:
        if isinstance(item, Encoding | SharedEncoding):
            return item.text(self.reference)
        if isinstance(item, OpaqueAttr):
            return item.text
        return f"loc({self.location_text(item)})"

    def location_text(self, location: Location) -> str:
        """A location written out, with aliases inside."""
        match location:
            case UnknownLoc():
                return "unknown"
            case FileLineColLoc():
                return f"{quoted(location.file)}:{location.line}:{location.column}"
            case NameLoc():
                if isinstance(location.child, UnknownLoc):
                    return quoted(location.name)
                return f"{quoted(location.name)}({self.location(location.child)})"
            case CallSiteLoc():
                callee, caller = self.location(location.callee), self.location(location.caller)
                return f"callsite({callee} at {caller})"
            case FusedLoc():
                metadata = f"<{location.metadata}>" if location.metadata else ""
                parts = ", ".join(map(self.location, location.locations))
                return f"fused{metadata}[{parts}]"
