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
)
from ..ir.types import I1, TensorType, Type, element_of
from .arith_casts import (
    Bitcast as Bitcast,
)
from .arith_casts import (
    Convertf as Convertf,
)
from .arith_casts import (
    Extf as Extf,
)
from .arith_casts import (
    Extsi as Extsi,
)
from .arith_casts import (
    Extui as Extui,
)
from .arith_casts import (
    Fptosi as Fptosi,
)
from .arith_casts import (
    Fptoui as Fptoui,
)
from .arith_casts import (
    IndexCast as IndexCast,
)
from .arith_casts import (
    IndexCastui as IndexCastui,
)
from .arith_casts import (
    ScalingExtf as ScalingExtf,
)
from .arith_casts import (
    ScalingTruncf as ScalingTruncf,
)
from .arith_casts import (
    Sitofp as Sitofp,
)
from .arith_casts import (
    Truncf as Truncf,
)
from .arith_casts import (
    Trunci as Trunci,
)
from .arith_casts import (
    Uitofp as Uitofp,
)

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader

CMPI_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
CMPF_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)


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


class FlushDenormals(Op):
    """The number, or a zero of its sign where it is denormal."""

    name = "arith.flush_denormals"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    infer = like("source")
    format = "$source attr-dict `:` type($source)"

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


class _WithOverflow(Op):
    pure = True
    elementwise = True
    results_defined = 2
    regions_held = 0
    lhs = operand()
    rhs = operand()

    def verify(self) -> None:
        """Operands and first result have one integer type; the second is i1 in their shape."""
        first, second = self.results
        require_same_types(self, (*self.operands, first))
        require_kind(self, first, is_integer, "integers")
        require_type(self, second, bool_of(first.type), "the second result")


class AdduiExtended(_WithOverflow):
    """Unsigned sum, and whether it overflowed."""

    name = "arith.addui_extended"
    result_names = ("sum", "overflow")
    format = "$lhs `,` $rhs attr-dict `:` type($sum) `,` type($overflow)"


class SubuiExtended(_WithOverflow):
    """Unsigned difference, and whether it went below zero."""

    name = "arith.subui_extended"
    result_names = ("difference", "borrow")
    format = "$lhs `,` $rhs attr-dict `:` type($difference) `,` type($borrow)"
