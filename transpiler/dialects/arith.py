"""MLIR's arith: integer and float arithmetic on scalars and, element by element, on tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import DenseAttr, FloatAttr, IntegerAttr
from ..ir.core import Op
from ..ir.fields import attribute, flag, operand, word, words
from ..ir.traits import (
    bool_like,
    bool_of,
    is_float,
    is_integer,
    like,
    require_kind,
    require_same_layout,
    require_same_types,
    require_type,
    same_layout,
)
from ..ir.types import I1, TensorType, Type, bit_width, element_of

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader

CMPI_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
CMPF_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
ROUNDING_MODES = ("to_nearest_even", "downward", "upward", "toward_zero", "to_nearest_away")


class Constant(Op):
    """A scalar or a tensor known at compile time."""

    name = "arith.constant"
    pure = True
    results_defined = 1
    regions_held = 0
    value = attribute()

    @classmethod
    def parse(cls, reader: OpReader) -> Constant:
        """Read `[{...}] value`."""
        attributes = reader.optional_dictionary()
        attributes["value"] = value = reader.attribute()
        type_ = _constant_type(value)
        if type_ is None:
            reader.fail("expected a number or a dense constant", reader.items[0])
        reader.end()
        return reader.create(cls, (), [type_], attributes)

    def print(self, printer: Printer) -> None:
        """Write `[{...}] value`."""
        printer.attribute_dict(self, ("value",))
        printer.text(" ")
        value = self.value
        assert value is not None
        printer.attribute(value)

    def verify(self) -> None:
        """The value has the result's type."""
        type_ = _constant_type(self.value)
        self.require(type_ is not None, f"the value is {self.value}, not a constant")
        assert type_ is not None
        require_type(self, self.result, type_, "the result")


def _constant_type(value: object) -> Type | None:
    if isinstance(value, IntegerAttr | FloatAttr | DenseAttr):
        return value.type
    return None


class _Binary(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    infer = like("lhs")

    def verify(self) -> None:
        """Operands and result have one type."""
        require_same_types(self, (*self.operands, *self.results))


class _IntegerBinary(_Binary):
    format = "$lhs `,` $rhs attr-dict `:` type($lhs)"

    def verify(self) -> None:
        """Operands and result have one integer type."""
        super().verify()
        require_kind(self, self.result, is_integer, "integers")


class _OverflowBinary(_IntegerBinary):
    overflow = words("arith.overflow", key="overflowFlags")
    format = "$lhs `,` $rhs (`overflow` `` $overflow^)? attr-dict `:` type($lhs)"


class _ExactBinary(_IntegerBinary):
    exact = flag(key="isExact")
    format = "$lhs `,` $rhs (`exact` $exact^)? attr-dict `:` type($lhs)"


class _FloatBinary(_Binary):
    fastmath = words("arith.fastmath", separator=",")
    format = "$lhs `,` $rhs (`fastmath` `` $fastmath^)? attr-dict `:` type($lhs)"

    def verify(self) -> None:
        """Operands and result have one float type."""
        super().verify()
        require_kind(self, self.result, is_float, "floats")


class Addi(_OverflowBinary):
    """Sum, wrapping."""

    name = "arith.addi"


class Subi(_OverflowBinary):
    """Difference, wrapping."""

    name = "arith.subi"


class Muli(_OverflowBinary):
    """Low half of the product."""

    name = "arith.muli"


class Divsi(_ExactBinary):
    """Signed quotient, rounded toward zero."""

    name = "arith.divsi"


class Divui(_ExactBinary):
    """Unsigned quotient."""

    name = "arith.divui"


class Ceildivsi(_IntegerBinary):
    """Signed quotient, rounded up."""

    name = "arith.ceildivsi"


class Ceildivui(_IntegerBinary):
    """Unsigned quotient, rounded up."""

    name = "arith.ceildivui"


class Floordivsi(_IntegerBinary):
    """Signed quotient, rounded down."""

    name = "arith.floordivsi"


class Remsi(_IntegerBinary):
    """Signed remainder, with the sign of the dividend."""

    name = "arith.remsi"


class Remui(_IntegerBinary):
    """Unsigned remainder."""

    name = "arith.remui"


class Andi(_IntegerBinary):
    """Bitwise and."""

    name = "arith.andi"


class Ori(_IntegerBinary):
    """Bitwise or."""

    name = "arith.ori"


class Xori(_IntegerBinary):
    """Bitwise exclusive or."""

    name = "arith.xori"


class Shli(_OverflowBinary):
    """Shift left."""

    name = "arith.shli"


class Shrsi(_ExactBinary):
    """Shift right, keeping the sign."""

    name = "arith.shrsi"


class Shrui(_ExactBinary):
    """Shift right, filling with zeros."""

    name = "arith.shrui"


class Maxsi(_IntegerBinary):
    """Signed maximum."""

    name = "arith.maxsi"


class Maxui(_IntegerBinary):
    """Unsigned maximum."""

    name = "arith.maxui"


class Minsi(_IntegerBinary):
    """Signed minimum."""

    name = "arith.minsi"


class Minui(_IntegerBinary):
    """Unsigned minimum."""

    name = "arith.minui"


class Addf(_FloatBinary):
    """Sum."""

    name = "arith.addf"


class Subf(_FloatBinary):
    """Difference."""

    name = "arith.subf"


class Mulf(_FloatBinary):
    """Product."""

    name = "arith.mulf"


class Divf(_FloatBinary):
    """Quotient; may be approximate (`tt.precise_divf` is not)."""

    name = "arith.divf"


class Remf(_FloatBinary):
    """Remainder, with the sign of the dividend (C's fmod)."""

    name = "arith.remf"


class Maximumf(_FloatBinary):
    """Maximum; NaN if an operand is."""

    name = "arith.maximumf"


class Minimumf(_FloatBinary):
    """Minimum; NaN if an operand is."""

    name = "arith.minimumf"


class Maxnumf(_FloatBinary):
    """Maximum; the other operand if one is NaN."""

    name = "arith.maxnumf"


class Minnumf(_FloatBinary):
    """Minimum; the other operand if one is NaN."""

    name = "arith.minnumf"


class Negf(Op):
    """The number with the other sign."""

    name = "arith.negf"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("source")
    format = "$source (`fastmath` `` $fastmath^)? attr-dict `:` type($source)"

    def verify(self) -> None:
        """Operand and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.result, is_float, "floats")


class _Compare(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    infer = bool_like("lhs")

    def verify(self) -> None:
        """Operands have one type; the result is i1 in their shape."""
        require_same_types(self, self.operands)
        require_type(self, self.result, bool_of(self.lhs.type), "the result")


class Cmpi(_Compare):
    """Comparison of integers; `predicate` is one of CMPI_PREDICATES."""

    name = "arith.cmpi"
    predicate = word(values=CMPI_PREDICATES, width=64, required=True)
    format = "$predicate `,` $lhs `,` $rhs attr-dict `:` type($lhs)"


class Cmpf(_Compare):
    """Comparison of floats; `predicate` is one of CMPF_PREDICATES."""

    name = "arith.cmpf"
    predicate = word(values=CMPF_PREDICATES, width=64, required=True)
    fastmath = words("arith.fastmath", separator=",")
    format = "$predicate `,` $lhs `,` $rhs (`fastmath` `` $fastmath^)? attr-dict `:` type($lhs)"


class Select(Op):
    """`true_value` where the condition holds, else `false_value`; a scalar condition takes all."""

    name = "arith.select"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    condition = operand()
    true_value = operand()
    false_value = operand()

    @classmethod
    def parse(cls, reader: OpReader) -> Select:
        """Read `%c, %a, %b : [Tc,] T`."""
        values = reader.value_run(3, 3)
        attributes = reader.optional_dictionary()
        reader.expect(":")
        types = reader.type_list()
        reader.end()
        condition = [types[0]] if len(types) == 2 else [values[0].type]
        reader.check_types(values, [*condition, types[-1], types[-1]])
        return reader.create(cls, values, [types[-1]], attributes)

    def print(self, printer: Printer) -> None:
        """Write `%c, %a, %b : [Tc,] T`."""
        printer.text(" ")
        printer.values(self.operands)
        printer.attribute_dict(self)
        printer.text(" : ")
        condition = self.condition.type
        printer.types([self.result.type] if condition == I1 else [condition, self.result.type])

    def verify(self) -> None:
        """The values have the result's type; the condition is i1, or i1 in their shape."""
        require_same_types(self, (self.true_value, self.false_value, self.result))
        condition = self.condition
        require_kind(self, condition, lambda t: element_of(t) == I1, "an i1 condition")
        if isinstance(condition.type, TensorType):
            require_same_layout(self, condition, self.result)


class _Cast(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    format = "$source attr-dict `:` type($source) `to` type($result)"

    def verify(self) -> None:
        """Only the element type changes."""
        require_same_layout(self, self.source, self.result)
        self.verify_elements(element_of(self.source.type), element_of(self.result.type))

    def verify_elements(self, source: Type, result: Type) -> None:
        """Check the element types."""


class _Widen(_Cast):
    def verify_elements(self, source: Type, result: Type) -> None:
        """The result is wider."""
        wider = bit_width(source) < bit_width(result)
        self.require(wider, f"expected a wider result, found {source} to {result}")


class _Narrow(_Cast):
    def verify_elements(self, source: Type, result: Type) -> None:
        """The result is narrower."""
        narrower = bit_width(source) > bit_width(result)
        self.require(narrower, f"expected a narrower result, found {source} to {result}")


class Extsi(_Widen):
    """Sign extension."""

    name = "arith.extsi"


class Extui(_Widen):
    """Zero extension; `nneg` promises that the operand is not negative."""

    name = "arith.extui"
    non_negative = flag(key="nonNeg")
    format = "$source (`nneg` $non_negative^)? attr-dict `:` type($source) `to` type($result)"


class Extf(_Widen):
    """The same number in a wider float type."""

    name = "arith.extf"
    fastmath = words("arith.fastmath", separator=",")
    format = "$source (`fastmath` `` $fastmath^)? attr-dict `:` type($source) `to` type($result)"


class Trunci(_Narrow):
    """The low bits."""

    name = "arith.trunci"
    overflow = words("arith.overflow", key="overflowFlags")
    format = "$source (`overflow` `` $overflow^)? attr-dict `:` type($source) `to` type($result)"


class Truncf(_Narrow):
    """The number rounded to a narrower float type, to nearest even without `rounding`."""

    name = "arith.truncf"
    rounding = word("", key="roundingmode", values=ROUNDING_MODES)
    fastmath = words("arith.fastmath", separator=",")
    format = (
        "$source ($rounding^)? (`fastmath` `` $fastmath^)? attr-dict"
        " `:` type($source) `to` type($result)"
    )


class _IntegerToFloat(_Cast):
    def verify_elements(self, source: Type, result: Type) -> None:
        """Integer to float."""
        fits = is_integer(source) and is_float(result)
        self.require(fits, f"expected an integer and a float, found {source} to {result}")


class _FloatToInteger(_Cast):
    def verify_elements(self, source: Type, result: Type) -> None:
        """Float to integer."""
        fits = is_float(source) and is_integer(result)
        self.require(fits, f"expected a float and an integer, found {source} to {result}")


class Sitofp(_IntegerToFloat):
    """Signed integer to float."""

    name = "arith.sitofp"


class Uitofp(_IntegerToFloat):
    """Unsigned integer to float."""

    name = "arith.uitofp"
    non_negative = flag(key="nonNeg")
    format = "$source (`nneg` $non_negative^)? attr-dict `:` type($source) `to` type($result)"


class Fptosi(_FloatToInteger):
    """Float to signed integer, toward zero."""

    name = "arith.fptosi"


class Fptoui(_FloatToInteger):
    """Float to unsigned integer, toward zero."""

    name = "arith.fptoui"


class Bitcast(_Cast):
    """The same bits as another type."""

    name = "arith.bitcast"

    def verify_elements(self, source: Type, result: Type) -> None:
        """The widths are equal."""
        same = bit_width(source) == bit_width(result)
        self.require(same, f"expected one width, found {source} to {result}")


class IndexCast(_Cast):
    """Between `index` and integers, as signed."""

    name = "arith.index_cast"


class IndexCastui(_Cast):
    """Between `index` and integers, as unsigned."""

    name = "arith.index_castui"


class _Extended(Op):
    pure = True
    elementwise = True
    results_defined = 2
    regions_held = 0
    result_names = ("low", "high")
    lhs = operand()
    rhs = operand()
    infer = like("lhs", "lhs")
    format = "$lhs `,` $rhs attr-dict `:` type($lhs)"

    def verify(self) -> None:
        """Operands and results have one integer type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.lhs, is_integer, "integers")


class MulsiExtended(_Extended):
    """Low and high half of the signed product."""

    name = "arith.mulsi_extended"


class MuluiExtended(_Extended):
    """Low and high half of the unsigned product."""

    name = "arith.mului_extended"


class AdduiExtended(Op):
    """Unsigned sum, and whether it overflowed."""

    name = "arith.addui_extended"
    pure = True
    elementwise = True
    results_defined = 2
    regions_held = 0
    result_names = ("sum", "overflow")
    lhs = operand()
    rhs = operand()
    format = "$lhs `,` $rhs attr-dict `:` type($sum) `,` type($overflow)"

    def verify(self) -> None:
        """Operands and sum have one type; the overflow is i1 in their shape."""
        require_same_types(self, (*self.operands, self.results[0]))
        same = same_layout(self.results[0].type, self.results[1].type)
        self.require(same, "the overflow should have the shape of the sum")
