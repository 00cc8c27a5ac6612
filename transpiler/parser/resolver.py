"""Types, attributes and locations out of syntax items, with aliases resolved when first used."""

from __future__ import annotations

from typing import cast

from ..errors import SourceText
from ..ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DictAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolAttr,
    TypeAttr,
    UnitAttr,
)
from ..ir.encodings import Encoding, SharedEncoding
from ..ir.location import Location
from ..ir.types import (
    FLOAT_WIDTHS,
    I1,
    INDEX,
    ArrayType,
    FloatType,
    FunctionType,
    IntegerType,
    MemDescType,
    OpaqueType,
    PointerType,
    TensorDescType,
    TensorType,
    Type,
    VectorType,
)
from . import versions
from .cursor import Cursor
from .encodings import read_encoding
from .grammar import read_words
from .literals import dense, number, unescape
from .locations import Locations
from .nesting import Nesting, Size
from .nodes import AliasNode, DictNode, Entry, Item, Node, Token, tokens_of

MAX_INTEGER = 128  # bits; Triton's widest integer
_TYPE_TOKENS = frozenset(("TYPE", "WORD", "BANG"))
_BUILTIN: dict[str, Type] = {
    **{name: FloatType(name) for name in FLOAT_WIDTHS},
    "index": INDEX,
    "none": OpaqueType("none"),
}


class Resolver:
    """The types, attributes and locations of one text; each alias is read once, on first use."""

    def __init__(self, source: SourceText, aliases: dict[str, AliasNode]) -> None:
        self.source = source
        self.aliases = aliases
        self.nesting = Nesting()
        self.locations = Locations(self)
        self.type_memo: dict[str, Type] = dict(_BUILTIN)
        self.attribute_memo: dict[str, tuple[Attribute, Size]] = {}
        self._resolving: set[str] = set()

    def reset(self) -> None:
        """Forget a reading that failed, so that another one can start."""
        self._resolving.clear()
        self.nesting.reset()

    # Types

    def type(self, cursor: Cursor) -> Type:
        """Read one type."""
        item = cursor.peek()
        if item is None:
            cursor.expected("a type")
        kind = item.type
        if kind in _TYPE_TOKENS:
            text = str(item)
            known = self.type_memo.get(text)
            following = cursor.items[cursor.i + 1] if cursor.i + 1 < len(cursor.items) else None
            angle = kind != "TYPE" and following is not None and following.type == "angle"
            if known is not None and not angle:
                cursor.i += 1
                return known
        self.nesting.enter(cursor, item)
        type_ = self._new_type(cursor, item)
        self.nesting.leave()
        return type_

    def _new_type(self, cursor: Cursor, item: Item) -> Type:
        kind = item.type
        if kind == "group":
            return self._function_type(cursor)
        if kind not in _TYPE_TOKENS:
            cursor.expected("a type")
        cursor.i += 1
        token = cast(Token, item)
        text = str(token)
        if kind == "TYPE":
            start = text.index("<") + 1
            base = cursor.base + token.start_pos + start
            items = read_words(text[start:-1], self.source, base)
            inner = Cursor(items, self.source, base, len(text) - start - 1)
            type_ = self._parametrised(text[: start - 1], inner, token, cursor)
        else:
            angle = cursor.accept_node("angle")
            if angle is not None:
                return self._parametrised(text, cursor.inner(angle), token, cursor)
            type_ = self._plain_type(text, cursor, token)
        self.type_memo[text] = type_
        return type_

    def _plain_type(self, text: str, cursor: Cursor, token: Token) -> Type:
        sign = text[0] if text[:2] in ("si", "ui") else ""
        digits = text[len(sign) + 1 :]
        if (sign or text[0] == "i") and digits.isdecimal() and len(digits) < 4:
            width = int(digits)
            if 0 < width <= MAX_INTEGER:
                return IntegerType(width, sign)
        if text.startswith("!"):
            alias = self.aliases.get(text)
            if alias is not None:
                return self._type_alias(text, alias, cursor, token)
            return OpaqueType(versions.type_name(text))
        cursor.fail(f"there is no type '{text}'", token)

    def _type_alias(self, text: str, alias: AliasNode, cursor: Cursor, token: Token) -> Type:
        if text in self._resolving:
            cursor.fail(f"{text} stands for itself", token)
        self._resolving.add(text)
        inner = self.alias_cursor(alias)
        type_ = self.type(inner)
        inner.end()
        self._resolving.discard(text)
        return type_

    def alias_cursor(self, alias: AliasNode) -> Cursor:
        """A cursor over the value of an alias."""
        last = alias.items[-1] if alias.items else alias.name
        return Cursor(alias.items, self.source, 0, last.end_pos)

    def _function_type(self, cursor: Cursor) -> FunctionType:
        inputs, results = self.function_type(cursor)
        return FunctionType(tuple(inputs), tuple(results))

    def function_type(self, cursor: Cursor) -> tuple[list[Type], list[Type]]:
        """Read `(T, T) -> T` or `(T) -> (T, T)`."""
        inputs = self.types_in(cursor, cursor.node("group", "'('"))
        cursor.expect("->")
        return inputs, self.result_types(cursor)

    def result_types(self, cursor: Cursor) -> list[Type]:
        """Read `T` or `(T, T)`."""
        group = cursor.accept_node("group")
        if group is None:
            return [self.type(cursor)]
        if cursor.accept("->"):
            inputs = tuple(self.types_in(cursor, group))
            return [FunctionType(inputs, tuple(self.result_types(cursor)))]
        return self.types_in(cursor, group)

    def types_in(self, cursor: Cursor, group: Node) -> list[Type]:
        """The types between two brackets."""
        inner = cursor.inner(group)
        types = [] if inner.done else self.type_list(inner)
        inner.end()
        return types

    def type_list(self, cursor: Cursor) -> list[Type]:
        """Read types that commas separate."""
        types = [self.type(cursor)]
        while cursor.accept(","):
            types.append(self.type(cursor))
        return types

    def stripped_type(self, cursor: Cursor, head: str) -> Type:
        """Read a type whose `!dialect.head` the text leaves out."""
        angle = cursor.accept_node("angle")
        if angle is None:
            return self.type(cursor)
        token = Token("BANG", head, angle.start_pos, angle.end_pos)
        self.nesting.enter(cursor, angle)
        type_ = self._parametrised(head, cursor.inner(angle), token, cursor)
        self.nesting.leave()
        return type_

    def _parametrised(self, head: str, inner: Cursor, token: Token, outer: Cursor) -> Type:
        match versions.type_name(head):
            case "tensor":
                type_ = self._tensor(inner)
            case "vector":
                shape = inner.dimensions()
                type_ = VectorType(shape[0] if len(shape) == 1 else 0, self.type(inner))
            case "!tt.ptr":
                type_ = self._pointer(inner)
            case "!ttg.memdesc":
                type_ = self._memdesc(inner, token)
            case "!tt.tensordesc":
                type_ = self._descriptor(inner)
            case "!metal.array":
                type_ = self._array(inner)
            case name if name.startswith("!"):
                text = self.text_of(inner)
                return OpaqueType(f"{name}<{text}>")
            case _:
                outer.fail(f"there is no type '{head}<...>'", token)
        inner.end()
        return type_

    def _tensor(self, inner: Cursor) -> Type:
        shape = inner.dimensions()
        element = self.type(inner)
        encoding: Attribute | None = None
        if inner.accept(","):
            encoding = self.attribute(inner)
        if isinstance(encoding, SharedEncoding):
            return versions.shared_tensor(shape, element, encoding)
        if encoding is not None and not isinstance(encoding, Encoding):
            if not isinstance(encoding, OpaqueAttr):
                inner.fail(f"{encoding} is no layout of a tensor")
            return OpaqueType(f"tensor<{'x'.join(map(str, shape))}x{element}, {encoding.text}>")
        if encoding is not None:
            encoding = versions.operand_layout(encoding, element)
        return TensorType(shape, element, encoding)

    def _pointer(self, inner: Cursor) -> PointerType:
        pointee = self.type(inner)
        space = ""
        if inner.accept(","):
            token = inner.next("an address space")
            space = unescape(str(token)[1:-1]) if token.type == "STRING" else str(token)
            space = "" if space == "1" else space
        return PointerType(pointee, space)

    def _memdesc(self, inner: Cursor, token: Token) -> MemDescType:
        shape = inner.dimensions()
        element = self.type(inner)
        inner.expect(",")
        encoding = self.attribute(inner)
        if not isinstance(encoding, Encoding | SharedEncoding | OpaqueAttr):
            inner.fail(f"{encoding} is no layout of a memory view", token)
        space, mutable = versions.SHARED_SPACE, False
        allocation: tuple[int, ...] = ()
        while inner.accept(","):
            if inner.accept("mutable"):
                mutable = True
            elif (item := inner.peek()) is not None and item.type in ("DIMS", "NUMBER"):
                allocation = self._allocation(inner)
            else:
                found = self.attribute(inner)
                space = versions.space_name(str(getattr(found, "text", found)))
        layout = cast("SharedEncoding", encoding)
        return MemDescType(shape, element, layout, space, mutable, allocation)

    def _allocation(self, inner: Cursor) -> tuple[int, ...]:
        # `2x128x32`: a token `2x128x` and a number.
        dims = inner.dimensions()
        return (*dims, inner.integer())

    def _descriptor(self, inner: Cursor) -> TensorDescType:
        item = inner.peek()
        if item is not None and str(item).startswith("tensor"):
            # Up to 3.7: !tt.tensordesc<tensor<64x64xf16, #shared>>
            view = self.type(inner)
            if isinstance(view, MemDescType | TensorType):
                return TensorDescType(view.shape, view.element, view.encoding)
            inner.fail("expected the tensor of a descriptor", item)
        shape = inner.dimensions()
        element = self.type(inner)
        encoding = self.attribute(inner) if inner.accept(",") else None
        if isinstance(encoding, Encoding | SharedEncoding) or encoding is None:
            return TensorDescType(shape, element, encoding)
        inner.fail(f"{encoding} is no layout", item)

    def _array(self, inner: Cursor) -> ArrayType:
        shape = inner.dimensions()
        element = self.type(inner)
        inner.expect(",")
        space = inner.token("WORD", "an address space")
        if len(shape) != 1 or space not in ArrayType.SPACES:
            inner.fail(f"expected one dimension, and one of {', '.join(ArrayType.SPACES)}", space)
        return ArrayType(shape[0], element, str(space))

    def location(self, cursor: Cursor, node: Node) -> Location:
        """What `loc(...)` says."""
        return self.locations.read(cursor, node)

    # Attributes

    def attribute(self, cursor: Cursor) -> Attribute:
        """Read one attribute, with its `: type` where it has one."""
        item = cursor.next("an attribute")
        self.nesting.enter(cursor, item)
        value = self._attribute(cursor, item)
        self.nesting.leave()
        return value

    def _attribute(self, cursor: Cursor, item: Item) -> Attribute:
        match item.type:
            case "NUMBER":
                return self._number(cursor, cast(Token, item))
            case "WORD":
                return self._word(cursor, cast(Token, item))
            case "HASH":
                return self._hash(cursor, cast(Token, item))
            case "STRING" | "GENERIC":
                return StringAttr(unescape(str(item)[1:-1]))
            case "SYMBOL":
                return self._symbol(cursor, item)
            case "list":
                return ArrayAttr(tuple(self.attribute_list(cursor.inner(cast(Node, item)))))
            case "dict":
                return DictAttr(tuple(self.dictionary(cursor, cast(DictNode, item)).items()))
            case "TYPE" | "BANG" | "group":
                cursor.i -= 1
                return TypeAttr(self.type(cursor))
            case "location":
                return OpaqueAttr(self.source.text[slice(*self._bounds(cursor, item))])
            case _:
                cursor.i -= 1
                cursor.expected("an attribute")

    def _bounds(self, cursor: Cursor, item: Item) -> tuple[int, int]:
        span = cursor.span(item)
        return span.start, span.end

    def _symbol(self, cursor: Cursor, item: Item) -> SymbolAttr:
        name = symbol_name(str(item))
        while cursor.accept("::"):
            name += "::" + symbol_name(str(cursor.token("SYMBOL", "a symbol")))
        return SymbolAttr(name)

    def attribute_list(self, cursor: Cursor) -> list[Attribute]:
        """Read attributes that commas separate, up to the end."""
        values: list[Attribute] = []
        while not cursor.done:
            values.append(self.attribute(cursor))
            if not cursor.accept(","):
                break
        cursor.end()
        return values

    def _number(self, cursor: Cursor, token: Token) -> Attribute:
        type_: Type | None = None
        if cursor.accept(":"):
            type_ = self.type(cursor)
        return number(cursor, token, type_)

    def _word(self, cursor: Cursor, token: Token) -> Attribute:
        text = str(token)
        following = cursor.peek()
        angle = following is not None and following.type == "angle"
        match text:
            case "true" | "false":
                if cursor.accept(":"):
                    self.type(cursor)
                return IntegerAttr(-1 if text == "true" else 0, I1)
            case "unit":
                return UnitAttr()
            case "dense" if angle:
                body = cursor.node("angle", "'<'")
                cursor.expect(":")
                return dense(cursor, body, self.type(cursor))
            case "array" if angle:
                return self._dense_array(cursor, cursor.node("angle", "'<'"))
            case _:
                cursor.i -= 1
                if text in self.type_memo or angle or (text[:1] == "i" and text[1:].isdigit()):
                    return TypeAttr(self.type(cursor))
                cursor.i += 1
                return OpaqueAttr(text)

    def _dense_array(self, cursor: Cursor, body: Node) -> DenseArrayAttr:
        inner = cursor.inner(body)
        element = self.type(inner)
        if not isinstance(element, IntegerType | FloatType):
            inner.fail(f"{element} is no element of an array", body)
        values: list[int | float] = []
        if inner.accept(":"):
            while True:
                item = inner.next("a number")
                if item in ("true", "false"):
                    values.append(item == "true")
                else:
                    value = number(inner, cast(Token, item), element)
                    values.append(value.value)
                if not inner.accept(","):
                    break
        inner.end()
        return DenseArrayAttr(element, tuple(values))

    def _hash(self, cursor: Cursor, token: Token) -> Attribute:
        text = str(token)
        if "." not in text:
            return self._alias(cursor, token, text)
        name = versions.attribute_name(text)
        angle = cursor.accept_node("angle")
        if angle is None:
            return OpaqueAttr(name)
        inner = cursor.inner(angle)
        encoding = read_encoding(self, name, inner, token)
        if encoding is not None:
            return encoding
        inner.i = 0
        return OpaqueAttr(f"{name}<{self.text_of(inner)}>")

    def _alias(self, cursor: Cursor, token: Token, text: str) -> Attribute:
        known = self.attribute_memo.get(text)
        if known is None:
            alias = self.aliases.get(text)
            if alias is None:
                cursor.fail(f"there is no alias {text}", token)
            if text in self._resolving:
                cursor.fail(f"{text} stands for itself", token)
            known = self._resolve(text, alias)
        value, size = known
        self.nesting.add(size, cursor, token)
        return value

    def _resolve(self, text: str, alias: AliasNode) -> tuple[Attribute, Size]:
        self._resolving.add(text)
        outer = self.nesting.begin()
        inner = self.alias_cursor(alias)
        value = self.attribute(inner)
        inner.end()
        known = value, self.nesting.end(outer)
        self.attribute_memo[text] = known
        self._resolving.discard(text)
        return known

    def dictionary(self, cursor: Cursor, node: DictNode) -> dict[str, Attribute]:
        """The attributes of a `{key = value, ...}`."""
        found: dict[str, Attribute] = {}
        for entry in node.entries:
            key = str(entry.key)
            if entry.key.type == "STRING":
                key = unescape(key[1:-1])
            if key in found:
                cursor.fail(f"'{key}' stands here twice", entry.key)
            found[key] = self._entry(cursor, entry)
        return found

    def _entry(self, cursor: Cursor, entry: Entry) -> Attribute:
        if not entry.items:
            return UnitAttr()
        last = entry.items[-1]
        inner = Cursor(entry.items, self.source, cursor.base, last.end_pos)
        value = self.attribute(inner)
        inner.end()
        return value

    def text_of(self, inner: Cursor) -> str:
        """The text of all that is left, with aliases written out and names of today."""
        if inner.done:
            return ""
        first, last = inner.items[inner.i], inner.items[-1]
        pieces: list[str] = []
        at = inner.base + first.start_pos
        for item in tokens_of(inner.items[inner.i :]):
            start, end = inner.span(item).start, inner.span(item).end
            pieces.append(self.source.text[at:start])
            pieces.append(self._written(inner, item))
            at = end
        inner.i = len(inner.items)
        pieces.append(self.source.text[at : inner.base + last.end_pos])
        return "".join(pieces)

    def _written(self, cursor: Cursor, item: Token) -> str:
        text = str(item)
        if item.type == "HASH":
            if "." in text:
                return versions.attribute_name(text)
            self.nesting.enter(cursor, item)
            value = self._alias(cursor, item, text)
            self.nesting.leave()
            return value.text if isinstance(value, OpaqueAttr) else str(value)
        if item.type == "BANG":
            return versions.type_name(text)
        if item.type == "TYPE":
            one = Cursor([item], self.source, cursor.base, item.end_pos)
            return str(self.type(one))
        return text


def symbol_name(text: str) -> str:
    """The name of an `@symbol` or `@"quoted symbol"`."""
    return unescape(text[2:-1]) if text.startswith('@"') else text[1:]
