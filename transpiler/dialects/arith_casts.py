"""MLIR's arith: conversions between integers, floats and their widths."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import flag, operand, word, words
from ..ir.traits import is_float, is_integer, require_kind, require_same_layout
from ..ir.types import Type, bit_width, element_of

ROUNDING_MODES = ("to_nearest_even", "downward", "upward", "toward_zero", "to_nearest_away")


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


class Convertf(_Cast):
    """The number rounded to another float type of the same width, as `truncf` does."""

    name = "arith.convertf"
    rounding = word("", key="roundingmode", values=ROUNDING_MODES)
    fastmath = words("arith.fastmath", separator=",")
    format = Truncf.format

    def verify_elements(self, source: Type, result: Type) -> None:
        """Two float types of one width."""
        fits = is_float(source) and is_float(result) and source != result
        fits = fits and bit_width(source) == bit_width(result)
        self.require(fits, f"expected two floats of one width, found {source} to {result}")


class _Scaled(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    scale = operand()
    fastmath = words("arith.fastmath", separator=",")

    def verify(self) -> None:
        """Floats of one shape and layout."""
        for value in (*self.operands, self.result):
            require_kind(self, value, is_float, "floats")
            require_same_layout(self, value, self.result)


class ScalingExtf(_Scaled):
    """A narrow float times a scale, whose exponent counts, as a wider float."""

    name = "arith.scaling_extf"
    format = (
        "$source `,` $scale (`fastmath` `` $fastmath^)? attr-dict"
        " `:` type($source) `,` type($scale) `to` type($result)"
    )

    def verify(self) -> None:
        """The result is wider than the number."""
        super().verify()
        found = f"{self.source.type} to {self.result.type}"
        wider = bit_width(self.source.type) < bit_width(self.result.type)
        self.require(wider, f"expected a wider result, found {found}")


class ScalingTruncf(_Scaled):
    """A float divided by a scale, whose exponent counts, and rounded to a narrower float."""

    name = "arith.scaling_truncf"
    rounding = word("", key="roundingmode", values=ROUNDING_MODES)
    format = (
        "$source `,` $scale ($rounding^)? (`fastmath` `` $fastmath^)? attr-dict"
        " `:` type($source) `,` type($scale) `to` type($result)"
    )

    def verify(self) -> None:
        """The result is narrower than the number."""
        super().verify()
        found = f"{self.source.type} to {self.result.type}"
        narrower = bit_width(self.source.type) > bit_width(self.result.type)
        self.require(narrower, f"expected a narrower result, found {found}")


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
