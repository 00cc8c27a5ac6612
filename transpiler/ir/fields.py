"""Fields of op classes: an op class reads as its definition.

    class Load(Op):
        name = "tt.load"
        ptr = operand()
        mask = optional()
        other = optional()

Fields of operands take positions in the order in which they stand. Where more than one field is
optional or variadic, `op.segments` says how many operands each field has; a class whose optional
fields fill from the left (as `tt.load`: no `other` without `mask`) needs none.
"""

from __future__ import annotations

from typing import TypeVar, overload

from .attributes import (
    Attribute,
    DenseArrayAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    UnitAttr,
)
from .core import Op, Value

D = TypeVar("D")


class _OperandField:
    """Position among a class's operand fields, set when the class is made."""

    kind = "one"

    def __init__(self) -> None:
        self.position = 0
        self.field_name = ""

    def __set_name__(self, owner: type[Op], name: str) -> None:
        fields: tuple[_OperandField, ...] = getattr(owner, "operand_fields", ())
        self.position = len(fields)
        self.field_name = name
        owner.operand_fields = (*fields, self)  # type: ignore[attr-defined]

    def slice_of(self, op: Op) -> tuple[int, int]:
        """First operand and number of operands of this field."""
        if op.segments:
            start = sum(op.segments[: self.position])
            return start, op.segments[self.position]
        fields: tuple[_OperandField, ...] = op.operand_fields  # type: ignore[attr-defined]
        after = sum(1 for f in fields[self.position + 1 :] if f.kind == "one")
        left = len(op.operands) - self.position - after
        if self.kind == "variadic":
            return self.position, max(0, left)
        return self.position, 1 if left > 0 else 0


class operand(_OperandField):  # noqa: N801 - reads as a declaration
    """Exactly one operand."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> operand: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Value: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Value | operand:
        if op is None:
            return self
        return op.operands[self.slice_of(op)[0] if op.segments else self.position]


class optional(_OperandField):  # noqa: N801
    """One operand or none."""

    kind = "optional"

    @overload
    def __get__(self, op: None, owner: type[Op]) -> optional: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Value | None: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Value | None | optional:
        if op is None:
            return self
        start, count = self.slice_of(op)
        return op.operands[start] if count else None


class variadic(_OperandField):  # noqa: N801
    """Any number of operands."""

    kind = "variadic"

    @overload
    def __get__(self, op: None, owner: type[Op]) -> variadic: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> list[Value]: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> list[Value] | variadic:
        if op is None:
            return self
        start, count = self.slice_of(op)
        return op.operands[start : start + count]


class _AttributeField:
    def __init__(self, key: str = "") -> None:
        self.key = key

    def __set_name__(self, owner: type[Op], name: str) -> None:
        self.key = self.key or name


class integer(_AttributeField):  # noqa: N801
    """An integer attribute, as a Python int; `default` where it is absent."""

    def __init__(self, default: int = 0, key: str = "") -> None:
        super().__init__(key)
        self.default = default

    @overload
    def __get__(self, op: None, owner: type[Op]) -> integer: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> int: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> int | integer:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        return value.value if isinstance(value, IntegerAttr) else self.default


class flag(_AttributeField):  # noqa: N801
    """A unit attribute or a bool, as a Python bool; absent means False."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> flag: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> bool: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> bool | flag:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        return isinstance(value, UnitAttr) or (isinstance(value, IntegerAttr) and value.value != 0)


class word(_AttributeField):  # noqa: N801
    """An enum word (`slt`, `fadd`) or a string, as a Python str."""

    def __init__(self, default: str = "", key: str = "") -> None:
        super().__init__(key)
        self.default = default

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


class integers(_AttributeField):  # noqa: N801
    """An `array<i32: ...>` attribute, as a tuple of ints."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> integers: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> tuple[int, ...]: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> tuple[int, ...] | integers:
        if op is None:
            return self
        value = op.attributes.get(self.key)
        return tuple(int(v) for v in value.values) if isinstance(value, DenseArrayAttr) else ()


class attribute(_AttributeField):  # noqa: N801
    """Any attribute, as it is; None where it is absent."""

    @overload
    def __get__(self, op: None, owner: type[Op]) -> attribute: ...
    @overload
    def __get__(self, op: Op, owner: type[Op]) -> Attribute | None: ...
    def __get__(self, op: Op | None, owner: type[Op]) -> Attribute | None | attribute:
        return self if op is None else op.attributes.get(self.key)
