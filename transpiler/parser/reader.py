"""The text of one op, as its class reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from ..errors import ParseError, Span
from ..ir.assembly import Parts, assembly_of
from ..ir.attributes import (
    Attribute,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolAttr,
    UnitAttr,
)
from ..ir.core import Block, Op, Region, Successor, Value
from ..ir.fields import AttributeField, flag, integer, word, words
from ..ir.location import UNKNOWN, Location
from ..ir.types import Type
from . import versions
from .cursor import Cursor
from .nodes import Item, Node, OpNode, RegionNode, Token
from .resolver import symbol_name

if TYPE_CHECKING:
    from .builder import Builder

AnyOp = TypeVar("AnyOp", bound=Op)


class Argument:
    """A value that a region starts with: its name, type, location, attributes and place."""

    __slots__ = ("attributes", "item", "location", "name", "type")

    def __init__(self, name: str, type_: Type, item: Item) -> None:
        self.name = name
        self.type = type_
        self.item = item
        self.location: Location = UNKNOWN
        self.attributes: dict[str, Attribute] = {}


class OpReader(Cursor):
    """A cursor over the items behind an op's name, and what they have given so far."""

    __slots__ = ("builder", "cls", "op_node", "parts", "pending")

    def __init__(self, builder: Builder, node: OpNode, cls: type[Op] | None) -> None:
        last: Item = node.items[-1] if node.items else node.name
        super().__init__(node.items, builder.source, 0, last.end_pos)
        self.builder = builder
        self.op_node = node
        self.cls = cls
        self.parts = Parts()
        # Regions whose ops are still to be built, with the values they start with.
        self.pending: list[tuple[Region, RegionNode, list[Argument]]] = []

    # Operands

    def values(self, several: bool) -> list[Value]:
        """Read one operand, or several that commas separate."""
        token = self.token("VALUES", "a value")
        names = str(token).split(",")
        if len(names) == 1 and not several:
            return [self.builder.value(names[0].strip()[1:], self, token)]
        if not several:
            self._split(token, names[0])
            names = names[:1]
        found = [self.builder.value(name.strip()[1:], self, token) for name in names]
        while several and self._comma_value():
            self.i += 1
            found += self.values(True)
        return found

    def _comma_value(self) -> bool:
        i = self.i
        return (
            i + 1 < len(self.items) and self.items[i] == "," and self.items[i + 1].type == "VALUES"
        )

    def _split(self, token: Token, head: str) -> None:
        """Put back what follows the first name of a list."""
        start = token.start_pos + len(head)
        rest = str(token)[len(head) + 1 :]
        end = token.end_pos
        items = list(self.items)
        items[self.i : self.i] = [
            Token("COMMA", ",", start, start + 1),
            Token("VALUES", rest, start + 1, end),
        ]
        self.items = items

    def value_run(self, least: int, most: int) -> list[Value]:
        """Read from `least` to `most` operands that commas separate."""
        token = self.token("VALUES", "a value")
        names = str(token).split(",")
        if len(names) > most:
            head = ",".join(names[:most])
            self._split(token, head)
            names = names[:most]
        value = self.builder.value
        found = [value(name.strip()[1:], self, token) for name in names]
        if len(found) < most and self._comma_value():
            self.i += 1
            found += self.value_run(max(0, least - len(found)), most - len(found))
        if len(found) < least:
            self.fail(f"{least} operands should stand here, found {len(found)}", token)
        return found

    def value(self) -> Value:
        """Read one operand."""
        return self.values(False)[0]

    def values_in(self, node: Node) -> list[Value]:
        """The operands between two brackets."""
        inner = self.within(node)
        found = [] if inner.done else inner.values(True)
        inner.end()
        return found

    def within(self, node: Node) -> OpReader:
        """A reader of the same op over what stands between two brackets."""
        inner = OpReader.__new__(OpReader)
        Cursor.__init__(inner, node.items, self.source, self.base, node.end_pos - 1)
        inner.builder, inner.op_node, inner.cls = self.builder, self.op_node, self.cls
        inner.parts, inner.pending = self.parts, self.pending
        return inner

    def guarded_values(self) -> tuple[list[Value], list[Value]]:
        """Read `, %a[%p], %b[%q]`."""
        first: list[Value] = []
        second: list[Value] = []
        while self._comma_value():
            self.i += 1
            first += self.values(False)
            second += self.values_in(self.node("list", "'['"))
        return first, second

    # Types

    def type(self) -> Type:
        """Read one type."""
        items = self.items
        if self.i < len(items):
            item = items[self.i]
            if item.type == "TYPE":
                known = self.builder.resolver.type_memo.get(cast(Token, item))
                if known is not None:
                    self.i += 1
                    return known
        return self.builder.resolver.type(self)

    def type_list(self) -> list[Type]:
        """Read types that commas separate."""
        return self.builder.resolver.type_list(self)

    def types_in_group(self) -> list[Type]:
        """Read `(T, T)`."""
        return self.builder.resolver.types_in(self, self.node("group", "'('"))

    def result_type_list(self) -> list[Type]:
        """Read `T` or `(T, T)`."""
        return self.builder.resolver.result_types(self)

    def function_type(self) -> tuple[list[Type], list[Type]]:
        """Read `(T, T) -> T`."""
        return self.builder.resolver.function_type(self)

    def stripped_type(self, head: str) -> Type:
        """Read a type without its `!dialect.head`."""
        return self.builder.resolver.stripped_type(self, f"!{head}")

    # Attributes

    def attribute(self) -> Attribute:
        """Read one attribute."""
        return self.builder.resolver.attribute(self)

    def dictionary(self, node: Node) -> dict[str, Attribute]:
        """The attributes of a `{...}`, in the form that the class wants."""
        found = versions.attributes(self.builder.dictionary(self, node))
        return self.normalised(found)

    def optional_dictionary(self) -> dict[str, Attribute]:
        """Read a `{...}` if one stands here."""
        node = self.accept_dict()
        return self.dictionary(node) if node is not None else {}

    def normalised(self, found: dict[str, Attribute]) -> dict[str, Attribute]:
        """Enum numbers become words; what equals its default is left out."""
        return found if self.cls is None else self.normalised_for(self.cls, found)

    def normalised_for(self, cls: type[Op], found: dict[str, Attribute]) -> dict[str, Attribute]:
        """The attributes in the form that a class wants."""
        fields = cls.attribute_fields
        if not fields or not found:
            return found
        return {
            key: value
            for key, value in (
                (key, _normal(fields.get(key), value)) for key, value in found.items()
            )
            if key not in fields or value != fields[key].absent
        }

    def field(self, found: AttributeField) -> Attribute:
        """Read an attribute that the format names: a word, a number, a string, a symbol."""
        if isinstance(found, integer):
            return IntegerAttr(self.integer(), found.type)
        match found.kind:
            case "flag":
                return UnitAttr() if not cast(flag, found).is_bool else self.attribute()
            case "words":
                return self._words(cast(words, found))
            case "word":
                return self._enum_word(cast(word, found))
            case "symbol":
                return SymbolAttr(symbol_name(str(self.token("SYMBOL", "a symbol"))))
            case "string":
                value = self.attribute()
                if not isinstance(value, StringAttr):
                    self.fail("expected a string", self.items[self.i - 1])
                return value
            case _:
                return self.attribute()

    def _words(self, found: words) -> OpaqueAttr:
        inner = self.inner(self.node("angle", "'<'"))
        names: list[str] = []
        while True:
            names.append(str(inner.token("WORD", "a word")))
            if not inner.accept(","):
                break
        inner.end()
        return OpaqueAttr(found.separator.join(names))

    def _enum_word(self, found: word) -> OpaqueAttr:
        token = self.token("WORD", f"a word for '{found.key}'")
        text = str(token)
        if found.words and text not in found.words:
            known = ", ".join(found.words)
            self.fail(f"'{text}' is no {found.key}; there are {known}", token)
        return OpaqueAttr(text)

    # Regions and branches

    def region(self, arguments: Sequence[Argument] = ()) -> Region:
        """Take a region; its ops are built when the op has been made."""
        node = cast(RegionNode, self.node("region", "'{'"))
        return self.region_of(node, arguments)

    def region_of(self, node: RegionNode, arguments: Sequence[Argument] = ()) -> Region:
        """The region of a node, to be filled when the op has been made."""
        region = Region()
        self.pending.append((region, node, list(arguments)))
        return region

    def argument(self) -> Argument:
        """Read `%name: type {attributes} loc(...)`."""
        token = self.token("VALUES", "a value")
        name = str(token)[1:]
        if "," in name or "#" in name:
            self.fail("expected one new name", token)
        self.expect(":")
        found = Argument(name, self.type(), token)
        node = self.accept_dict()
        if node is not None:
            found.attributes = self.builder.dictionary(self, node)
        place = self.accept_node("location")
        if place is not None:
            found.location = self.builder.resolver.location(self, place)
        return found

    def typed_argument(self) -> Argument:
        """Read `type {attributes}`, as declarations and results have it."""
        found = Argument("", self.type(), self.op_node.name)
        node = self.accept_dict()
        if node is not None:
            found.attributes = self.builder.dictionary(self, node)
        return found

    def symbol_name(self) -> str:
        """Read `@name`."""
        return symbol_name(str(self.token("SYMBOL", "a symbol")))

    def optional_attributes(self) -> dict[str, Attribute]:
        """Read `attributes {...}` if it stands here."""
        return self.optional_dictionary() if self.accept("attributes") else {}

    def arguments_in(self, node: Node) -> list[Argument]:
        """The arguments between two brackets."""
        inner = self.within(node)
        found: list[Argument] = []
        while not inner.done:
            found.append(inner.argument())
            if not inner.accept(","):
                break
        inner.end()
        return found

    def assignments_in(self, node: Node) -> list[tuple[Token, Value]]:
        """The `%a = %x, %b = %y` between two brackets."""
        # The tokens are `%a =`, `%x, %b =`, `%y`.
        inner = self.within(node)
        found: list[tuple[Token, Value]] = []
        name: Token | None = None
        while not inner.done:
            token = inner.token("DEF", "'%name ='") if name is None else inner.values_token()
            parts = [part.strip() for part in str(token).removesuffix("=").split(",")]
            if len(parts) != (1 if name is None else 2) and token.type == "DEF":
                self.fail("expected '%name = %value'", token)
            if name is not None:
                found.append((name, self.builder.value(parts[0][1:], self, token)))
            name = None
            if token.type == "DEF":
                start = token.start_pos + str(token).rindex(parts[-1])
                name = Token("DEF", f"{parts[-1]} =", start, token.end_pos)
        if name is not None:
            self.fail("expected a value", name)
        return found

    def values_token(self) -> Token:
        """Read a value in a list of assignments, with the next name."""
        token = self.accept_token("DEF")
        if token is not None:
            return token
        token = self.token("VALUES", "a value")
        if "," in token:
            self.fail("expected one value", token)
        self.end()
        return token

    def assigned(self, names: Sequence[Token], types: Sequence[Type]) -> list[Argument]:
        """The arguments that the `%name =` of an op's head declare."""
        found: list[Argument] = []
        for token, type_ in zip(names, types, strict=True):
            name = str(token)[:-1].strip()[1:]
            if "," in name or ":" in name:
                self.fail("expected one name", token)
            found.append(Argument(name, type_, token))
        return found

    def successor(self) -> tuple[Block, list[Value]]:
        """Read `^bb1` or `^bb1(%a, %b : T, T)`."""
        token = self.token("CARET", "a block")
        block = self.builder.block(str(token)[1:], self, token)
        group = self.accept_node("group")
        if group is None:
            return block, []
        inner = self.within(group)
        values = inner.values(True)
        inner.expect(":")
        inner.check_types(values, inner.type_list())
        inner.end()
        return block, values

    # The op

    def by_format(self, cls: type[AnyOp]) -> AnyOp:
        """Make an op as the format of its class says, in 3.9's spelling or an older one."""
        try:
            return self.by_text(cls, "")
        except ParseError as error:
            for text in versions.formats(cls.name):
                self.restart()
                versions.take_clauses(self)
                try:
                    return self.by_text(cls, text)
                except ParseError:
                    continue
            raise error

    def restart(self) -> None:
        """Go back to the first item."""
        self.i = 0
        self.items = self.op_node.items
        self.parts = Parts()
        self.pending.clear()
        self.builder.resolver.reset()

    def by_text(self, cls: type[AnyOp], text: str) -> AnyOp:
        """Make an op as a format says."""
        assembly_of(cls, text).read(self)
        return self.finish(cls)

    def finish(self, cls: type[AnyOp]) -> AnyOp:
        """Make an op from the parts that were read."""
        parts = self.parts
        if parts.flat is not None:
            operands = parts.flat
            segments: list[int] = []
            if parts.flat_types is not None:
                self.check_types(operands, parts.flat_types)
        else:
            operands, segments = self._ordered(cls)
            if parts.flat_types is not None:
                self.check_types(operands, parts.flat_types)
        return self.create(cls, operands, self._results(cls), parts.attributes, segments=segments)

    def _ordered(self, cls: type[Op]) -> tuple[list[Value], list[int]]:
        parts = self.parts
        operands: list[Value] = []
        segments: list[int] = []
        for found in cls.operand_fields:
            values = parts.operands.get(found.field_name, ())
            segments.append(len(values))
            operands += values
        for name, types in parts.types.items():
            self.check_types(parts.operands.get(name, []), types)
        return operands, segments if cls.segmented else []

    def _results(self, cls: type[Op]) -> list[Type]:
        parts = self.parts
        printed = parts.result_types or []
        if cls.infer is None:
            return printed
        try:
            inferred = cls.infer(parts)
        except (AttributeError, TypeError, KeyError, IndexError):
            self.fail(
                f"the result type of {cls.name} cannot be told from its operands",
                self.op_node.name,
            )
        if len(printed) == len(inferred) and printed != inferred:
            found, expected = (", ".join(map(str, types)) for types in (printed, inferred))
            self.fail(f"{cls.name} gives {expected}, found {found}", self.op_node.name)
        return inferred

    def check_types(self, values: Sequence[Value], types: Sequence[Type]) -> None:
        """Require that values have the types that the text gives them."""
        if len(values) != len(types):
            self.fail(
                f"{len(values)} operands with {len(types)} types",
                self.items[min(self.i, len(self.items)) - 1],
            )
        for value, type_ in zip(values, types, strict=True):
            if value.type is not type_ and value.type != type_:
                self.builder.retype(value, type_, self)

    def create(
        self,
        cls: type[AnyOp],
        operands: Sequence[Value] = (),
        result_types: Sequence[Type] = (),
        attributes: Mapping[str, Attribute] | None = None,
        regions: Sequence[Region] = (),
        successors: Sequence[Successor] = (),
        *,
        segments: Sequence[int] = (),
    ) -> AnyOp:
        """Make an op with its place in the text."""
        return cls(
            operands,
            result_types,
            attributes,
            regions,
            successors,
            segments=segments,
            location=self.location(),
            span=self.op_span(),
        )

    def location(self) -> Location:
        """The op's own location."""
        node = self.op_node.location
        return UNKNOWN if node is None else self.builder.resolver.location(self, node)

    def op_span(self) -> Span:
        """The op's name and what follows, up to its regions or its end."""
        start = self.op_node.name.start_pos
        return Span(self.source, start, max(self.end_pos, start + 1))


def _normal(found: AttributeField | None, value: Attribute) -> Attribute:
    if isinstance(found, word) and found.words and isinstance(value, IntegerAttr):
        text = found.word_of(value.value)
        return value if text is None else OpaqueAttr(text)
    if isinstance(found, words) and isinstance(value, OpaqueAttr) and value.text.startswith("#"):
        return OpaqueAttr(value.text.partition("<")[2].removesuffix(">"))
    if isinstance(found, flag) and isinstance(value, IntegerAttr) and not found.is_bool:
        return UnitAttr() if value.value else value
    return value
