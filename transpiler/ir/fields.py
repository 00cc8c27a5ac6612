"""Fields of op classes: an op class reads as its definition.

    class Load(Op):
        name = "tt.load"
        ptr = operand()
        mask = optional()
        other = optional()
        is_volatile = flag(default=False, key="isVolatile")

Fields of operands take positions in the order in which they stand. Where more than one field is
optional or variadic, `op.segments` says how many operands each field has; a class whose optional
fields fill from the left (as `tt.load`: no `other` without `mask`) needs none.

A field of an attribute with a `default` may be absent, and the text leaves out an attribute that
equals its default; the verifier asks for a `required` one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from .attributes import (
    Attribute,
    DenseArrayAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolAttr,
    UnitAttr,
)
from .core import Op, Value
from .types import I1, I32, IntegerType


class OperandField:
    """Position among a class's operand fields, set when the class is made."""

    kind = "one"

    def __init__(self) -> None:
        self.position = 0
        self.field_name = ""
        self.is_first = True  # behind required operands only: the index is the position

    def __set_name__(self, owner: type[Op], name: str) -> None:
        self.position = len(owner.operand_fields)
        self.is_first = all(field.kind == "one" for field in owner.operand_fields)
        self.field_name = name
        owner.operand_fields = (*owner.operand_fields, self)

    def slice_of(self, op: Op) -> tuple[int, int]:
        """First operand and number of operands of this field."""
        if op.segments:
            start = sum(op.segments[: self.position])
            return start, op.segments[self.position]
        after = sum(1 for f in op.operand_fields[self.position + 1 :] if f.kind == "one")
        left = len(op.operands) - self.position - after
        if self.kind == "variadic":
            return self.position, max(0, left)
        return self.position, 1 if left > 0 else 0

    def values(self, op: Op) -> list[Value]:
        """The operands of this field."""
        start, count = self.slice_of(op) if self.kind != "one" or op.segments else (0, -1)
        if count < 0:
            # A required operand after a variadic one counts from the end.
            start, count = self._fixed_position(op), 1
        return op.operands[start : start + count]

    def _fixed_position(self, op: Op) -> int:
        if self.is_first:
            return self.position
        return len(op.operands) - (len(op.operand_fields) - self.position)


class operand(OperandField):  # noqa: N801 - reads as a declaration
    """Exactly one operand."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> operand: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Value: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Value | operand:
        if op is None:
            return self
        if self.is_first and not op.segments:
            return op.operands[self.position]
        return self.values(op)[0]


class optional(OperandField):  # noqa: N801
    """One operand or none."""

    kind = "optional"

    @overload
    def __get__(self, op: None, owner: type[Op]) -> optional: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Value | None: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Value | optional | None:
        if op is None:
            return self
        start, count = self.slice_of(op)
        return op.operands[start] if count else None


class variadic(OperandField):  # noqa: N801
    """Any number of operands."""

    kind = "variadic"

    @overload
    def __get__(self, op: None, owner: type[Op]) -> variadic: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> list[Value]: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> list[Value] | variadic:
        if op is None:
            return self
        return self.values(op)


class AttributeField:
    """An attribute of a class: its key in the text and what to take where it is absent."""

    kind = "any"
    required = False

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.absent: Attribute | None = None  # what an absent attribute stands for

    def __set_name__(self, owner: type[Op], name: str) -> None:
        self.key = self.key or name
        owner.attribute_fields = {**owner.attribute_fields, self.key: self}

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is of this field's kind."""
        return True


class integer(AttributeField):  # noqa: N801
    """An integer attribute (i32, or `width` bits), as a Python int."""

    kind = "integer"

    def __init__(
        self,
        default: int | None = None,
        key: str = "",
        width: int = 32,
        *,
        required: bool = False,
    ) -> None:
        super().__init__(key)
        self.default = default or 0
        self.type = IntegerType(width)
        self.required = required
        self.absent = None if default is None else IntegerAttr(default, self.type)

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is an integer."""
        return isinstance(attribute, IntegerAttr)

    @overload
    def __get__(self, op: None, owner: type[Op]) -> integer: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> int: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> int | integer:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        return value.value if isinstance(value, IntegerAttr) else self.default


class flag(AttributeField):  # noqa: N801
    """A unit attribute (present or not), or a bool where `default` is given; as a Python bool."""

    kind = "flag"

    def __init__(self, default: bool | None = None, key: str = "") -> None:
        super().__init__(key)
        self.default = bool(default)
        self.is_bool = default is not None
        self.absent = None if default is None else IntegerAttr(-int(default), I1)

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is a bool or a unit."""
        return isinstance(attribute, UnitAttr | IntegerAttr)

    @overload
    def __get__(self, op: None, owner: type[Op]) -> flag: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> bool: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> bool | flag:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        if value is None:
            return self.default
        return isinstance(value, UnitAttr) or (isinstance(value, IntegerAttr) and value.value != 0)


class boolean(flag):  # noqa: N801
    """A bool that is always written, as `reverse = false`."""

    required = True

    def __init__(self, key: str = "") -> None:
        super().__init__(False, key)
        self.absent = None


class word(AttributeField):  # noqa: N801
    """An enum word (`slt`, `fadd`) or a string, as a Python str.

    `values` are the enum's words in the order of their numbers, for texts that write the number;
    `first` is the number of the first one.
    """

    kind = "word"

    def __init__(
        self,
        default: str | None = None,
        key: str = "",
        values: Sequence[str] = (),
        first: int = 0,
        width: int = 32,
        *,
        required: bool = False,
    ) -> None:
        super().__init__(key)
        self.default = default or ""
        self.words = tuple(values)
        self.first = first
        self.type = IntegerType(width)
        self.required = required
        self.absent = None if default is None else OpaqueAttr(default)

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is one of the words."""
        if not self.words:
            return isinstance(attribute, OpaqueAttr | StringAttr)
        return isinstance(attribute, OpaqueAttr) and attribute.text in self.words

    def number(self, text: str) -> IntegerAttr | None:
        """The number that stands for a word."""
        if text not in self.words:
            return None
        return IntegerAttr(self.words.index(text) + self.first, self.type)

    def word_of(self, number: int) -> str | None:
        """The word that a number stands for."""
        index = number - self.first
        return self.words[index] if 0 <= index < len(self.words) else None

    @overload
    def __get__(self, op: None, owner: type[Op]) -> word: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> str: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> str | word:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        if isinstance(value, OpaqueAttr):
            return value.text
        return value.value if isinstance(value, StringAttr) else self.default


class words(word):  # noqa: N801
    """Flags in angle brackets behind a keyword: `fastmath<contract, nnan>`, `overflow<nsw>`.

    `attribute` is what the generic form writes before the brackets.
    """

    kind = "words"

    def __init__(self, attribute: str, key: str = "", separator: str = ", ") -> None:
        super().__init__("none", key)
        self.attribute = attribute
        self.separator = separator

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is a list of words."""
        return isinstance(attribute, OpaqueAttr)


class mask(word):  # noqa: N801
    """Words joined by `|`, each one bit of a number; `none` and `all` stand for no and all bits."""

    def number(self, text: str) -> IntegerAttr | None:
        """The number that stands for the words."""
        if text == "none":
            return IntegerAttr(0, self.type)
        parts = self.words if text == "all" else tuple(text.split("|"))
        if not set(parts) <= set(self.words):
            return None
        return IntegerAttr(sum(1 << self.words.index(part) for part in parts), self.type)

    def word_of(self, number: int) -> str | None:
        """The words that a number stands for."""
        if number in (0, (1 << len(self.words)) - 1):
            return "all" if number else "none"
        parts = [word_ for bit, word_ in enumerate(self.words) if number >> bit & 1]
        return None if number < 0 or number >> len(self.words) else "|".join(parts)

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is such a list of words."""
        return isinstance(attribute, OpaqueAttr) and self.number(attribute.text) is not None


class string(word):  # noqa: N801
    """A string attribute, as a Python str."""

    kind = "string"

    def __init__(
        self, default: str | None = None, key: str = "", *, required: bool = False
    ) -> None:
        super().__init__(default, key, required=required)
        self.absent = None if default is None else StringAttr(default)

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is a string."""
        return isinstance(attribute, StringAttr)


class symbol(AttributeField):  # noqa: N801
    """A `@name`, as a Python str without the `@`."""

    kind = "symbol"
    required = True

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute names a symbol."""
        return isinstance(attribute, SymbolAttr | StringAttr)

    @overload
    def __get__(self, op: None, owner: type[Op]) -> symbol: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> str: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> str | symbol:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        if isinstance(value, SymbolAttr):
            return value.name
        return value.value if isinstance(value, StringAttr) else ""


class integers(AttributeField):  # noqa: N801
    """An `array<i32: ...>` attribute, as a tuple of ints."""

    kind = "integers"
    type = I32

    def __init__(self, key: str = "", *, required: bool = False) -> None:
        super().__init__(key)
        self.required = required

    def accepts(self, attribute: Attribute) -> bool:
        """Whether the attribute is a dense array."""
        return isinstance(attribute, DenseArrayAttr)

    @overload
    def __get__(self, op: None, owner: type[Op]) -> integers: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> tuple[int, ...]: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> tuple[int, ...] | integers:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        return tuple(int(v) for v in value.values) if isinstance(value, DenseArrayAttr) else ()


class attribute(AttributeField):  # noqa: N801
    """Any attribute, as it is; None where it is absent."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> attribute: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Attribute | None: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Attribute | attribute | None:
        return self if op is None else op.attributes.get(self.key)
