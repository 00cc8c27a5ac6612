"""MLIR's math: functions of floats and bit counts, on scalars and element by element on tensors."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import operand, words
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


class _Unary(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    infer = like("source")

    def verify(self) -> None:
        """Operand and result have one type."""
        require_same_types(self, (*self.operands, *self.results))


class _FloatUnary(_Unary):
    fastmath = words("arith.fastmath", separator=",")
    format = "$source (`fastmath` `` $fastmath^)? attr-dict `:` type($source)"

    def verify(self) -> None:
        """Operand and result have one float type."""
        super().verify()
        require_kind(self, self.source, is_float, "floats")


class _IntegerUnary(_Unary):
    format = "$source attr-dict `:` type($source)"

    def verify(self) -> None:
        """Operand and result have one integer type."""
        super().verify()
        require_kind(self, self.source, is_integer, "integers")


class _Test(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = bool_like("source")
    format = "$source (`fastmath` `` $fastmath^)? attr-dict `:` type($source)"

    def verify(self) -> None:
        """The result is i1 in the operand's shape."""
        require_kind(self, self.source, is_float, "floats")
        require_type(self, self.result, bool_of(self.source.type), "the result")


class _FloatBinary(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("lhs")
    format = "$lhs `,` $rhs (`fastmath` `` $fastmath^)? attr-dict `:` type($lhs)"

    def verify(self) -> None:
        """Operands and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.result, is_float, "floats")


class Absf(_FloatUnary):
    """Absolute value."""

    name = "math.absf"


class Acos(_FloatUnary):
    """Arc cosine."""

    name = "math.acos"


class Acosh(_FloatUnary):
    """Area hyperbolic cosine."""

    name = "math.acosh"


class Asin(_FloatUnary):
    """Arc sine."""

    name = "math.asin"


class Asinh(_FloatUnary):
    """Area hyperbolic sine."""

    name = "math.asinh"


class Atan(_FloatUnary):
    """Arc tangent."""

    name = "math.atan"


class Atanh(_FloatUnary):
    """Area hyperbolic tangent."""

    name = "math.atanh"


class Cbrt(_FloatUnary):
    """Cube root."""

    name = "math.cbrt"


class Ceil(_FloatUnary):
    """The number rounded up."""

    name = "math.ceil"


class Cos(_FloatUnary):
    """Cosine."""

    name = "math.cos"


class Cosh(_FloatUnary):
    """Hyperbolic cosine."""

    name = "math.cosh"


class Erf(_FloatUnary):
    """Error function."""

    name = "math.erf"


class Erfc(_FloatUnary):
    """Complement of the error function."""

    name = "math.erfc"


class Exp(_FloatUnary):
    """Power of e."""

    name = "math.exp"


class Exp2(_FloatUnary):
    """Power of 2."""

    name = "math.exp2"


class Expm1(_FloatUnary):
    """Power of e, minus 1."""

    name = "math.expm1"


class Floor(_FloatUnary):
    """The number rounded down."""

    name = "math.floor"


class Log(_FloatUnary):
    """Natural logarithm."""

    name = "math.log"


class Log10(_FloatUnary):
    """Logarithm to base 10."""

    name = "math.log10"


class Log1p(_FloatUnary):
    """Natural logarithm of 1 + x."""

    name = "math.log1p"


class Log2(_FloatUnary):
    """Logarithm to base 2."""

    name = "math.log2"


class Round(_FloatUnary):
    """The number rounded, halves away from zero."""

    name = "math.round"


class Roundeven(_FloatUnary):
    """The number rounded, halves to even."""

    name = "math.roundeven"


class Rsqrt(_FloatUnary):
    """One by the square root."""

    name = "math.rsqrt"


class Sin(_FloatUnary):
    """Sine."""

    name = "math.sin"


class Sinh(_FloatUnary):
    """Hyperbolic sine."""

    name = "math.sinh"


class Sqrt(_FloatUnary):
    """Square root; may be approximate (`tt.precise_sqrt` is not)."""

    name = "math.sqrt"


class Tan(_FloatUnary):
    """Tangent."""

    name = "math.tan"


class Tanh(_FloatUnary):
    """Hyperbolic tangent."""

    name = "math.tanh"


class Trunc(_FloatUnary):
    """The number rounded toward zero."""

    name = "math.trunc"


class Absi(_IntegerUnary):
    """Absolute value of a signed integer."""

    name = "math.absi"


class Ctlz(_IntegerUnary):
    """Number of leading zero bits."""

    name = "math.ctlz"


class Cttz(_IntegerUnary):
    """Number of trailing zero bits."""

    name = "math.cttz"


class Ctpop(_IntegerUnary):
    """Number of bits that are set."""

    name = "math.ctpop"


class Isfinite(_Test):
    """Whether the number is neither infinite nor NaN."""

    name = "math.isfinite"


class Isinf(_Test):
    """Whether the number is infinite."""

    name = "math.isinf"


class Isnan(_Test):
    """Whether the number is NaN."""

    name = "math.isnan"


class Isnormal(_Test):
    """Whether the number is normal."""

    name = "math.isnormal"


class Atan2(_FloatBinary):
    """Arc tangent of a quotient, by quadrant."""

    name = "math.atan2"


class Copysign(_FloatBinary):
    """The first number with the sign of the second."""

    name = "math.copysign"


class Powf(_FloatBinary):
    """Power."""

    name = "math.powf"


class Ipowi(Op):
    """Power of integers."""

    name = "math.ipowi"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    infer = like("lhs")
    format = "$lhs `,` $rhs attr-dict `:` type($lhs)"

    def verify(self) -> None:
        """Operands and result have one integer type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.result, is_integer, "integers")


class Fpowi(Op):
    """Power of a float with an integer exponent."""

    name = "math.fpowi"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("lhs")
    format = "$lhs `,` $rhs (`fastmath` `` $fastmath^)? attr-dict `:` type($lhs) `,` type($rhs)"

    def verify(self) -> None:
        """A float and an integer of one shape."""
        require_same_layout(self, self.lhs, self.rhs)
        require_same_types(self, (self.lhs, self.result))
        require_kind(self, self.lhs, is_float, "floats")
        require_kind(self, self.rhs, is_integer, "integers")


class Fma(Op):
    """a * b + c, rounded once."""

    name = "math.fma"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    a = operand()
    b = operand()
    c = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("a")
    format = "$a `,` $b `,` $c (`fastmath` `` $fastmath^)? attr-dict `:` type($a)"

    def verify(self) -> None:
        """Operands and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.result, is_float, "floats")


class Sincos(Op):
    """Sine and cosine of one angle."""

    name = "math.sincos"
    pure = True
    elementwise = True
    results_defined = 2
    regions_held = 0
    result_names = ("sin", "cos")
    source = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("source", "source")
    format = "$source (`fastmath` `` $fastmath^)? attr-dict `:` type($source)"

    def verify(self) -> None:
        """Operand and results have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.source, is_float, "floats")


class Clampf(Op):
    """The number, or the end of the range that it lies beyond."""

    name = "math.clampf"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    least = operand()
    most = operand()
    fastmath = words("arith.fastmath", separator=",")
    infer = like("source")
    format = (
        "$source `to` ` ` `[` $least `,` $most `]` (`fastmath` `` $fastmath^)? attr-dict"
        " `:` type($source)"
    )

    def verify(self) -> None:
        """Operands and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.result, is_float, "floats")
