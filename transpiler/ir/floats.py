"""Numbers of every float type: bit patterns from Python floats, and MLIR's text of them."""

from __future__ import annotations

import math
import struct

from .attributes import FLOAT8_FORMATS, float_of_bits
from .types import FloatType

# name: mantissa bits (stored), exponent bits. Sources: IEEE 754; OFP8 1.0; LLVM's APFloat.
_FORMATS = {
    "f16": (10, 5),
    "bf16": (7, 8),
    "tf32": (23, 8),
    "f32": (23, 8),
    "f64": (52, 11),
    **{name: (f[1], f[0]) for name, f in FLOAT8_FORMATS.items()},
}


def bits_of_float(value: float, type_: FloatType) -> int:
    """The bit pattern of `value` in a float type: rounded to nearest even, overflow to infinity.

    Types without infinities overflow to their NaN, as LLVM's conversions do.
    """
    match type_.name:
        case "f64":
            return int.from_bytes(struct.pack("<d", value), "little")
        case "f32" | "tf32":
            return int.from_bytes(_pack("<f", value), "little")
        case "f16":
            return int.from_bytes(_pack("<e", value), "little")
        case "bf16":
            return _narrow(value, 7, 8, 127, True, 0x7FC0)
        case name:
            exponent, mantissa, bias, infinite, unsigned_zero = FLOAT8_FORMATS[name]
            return _narrow8(value, exponent, mantissa, bias, infinite, unsigned_zero)


def _pack(code: str, value: float) -> bytes:
    try:
        return struct.pack(code, value)
    except OverflowError:  # struct refuses what IEEE rounds to infinity
        return struct.pack(code, math.copysign(math.inf, value))


def _narrow8(
    value: float, exponent: int, mantissa: int, bias: int, infinite: bool, unsigned_zero: bool
) -> int:
    if unsigned_zero:
        if math.isnan(value) or math.isinf(value):
            return 0x80
        bits = _narrow(value, mantissa, exponent, bias, False, 0x80)
        return 0 if bits == 0x80 and abs(value) < 1 else bits
    nan = 0x7F if not infinite else (0x7F ^ ((1 << mantissa) - 1)) | 1 << (mantissa - 1)
    return _narrow(value, mantissa, exponent, bias, infinite, nan)


def _narrow(value: float, mantissa: int, exponent: int, bias: int, infinite: bool, nan: int) -> int:
    """Round to a format given by its widths; `nan` stands for what it cannot hold."""
    sign = 1 << (mantissa + exponent) if math.copysign(1.0, value) < 0 else 0
    if math.isnan(value):
        return nan
    top = (1 << exponent) - 1
    infinity = top << mantissa
    if math.isinf(value):
        return sign | infinity if infinite else nan
    power = max(math.frexp(value)[1] - 1, 1 - bias) if value else 1 - bias
    units = round(abs(value) * 2.0 ** (mantissa - power))  # Python rounds halves to even
    if units >> (mantissa + 1):
        units, power = units >> 1, power + 1
    field = power + bias if units >> mantissa else 0
    if infinite and field >= top:
        return sign | infinity
    bits = (field << mantissa) | (units & ((1 << mantissa) - 1))
    if bits >> (mantissa + exponent) or (not infinite and bits == nan):
        return nan
    return sign | bits


def float_text(bits: int, type_: FloatType) -> str:
    """MLIR's text of a float: 1.000000e+00, else the shortest exact form, else hexadecimal."""
    value = float_of_bits(bits, type_)
    if math.isfinite(value):
        short = _decimal_text(value, 6, pad=0, fill=True)
        if bits_of_float(float(short), type_) == bits:
            return short
        # LLVM's formula for enough digits to come back to the same number (Steele and White).
        digits = 2 + (_FORMATS[type_.name][0] + 1) * 59 // 196
        text = _decimal_text(value, digits, pad=3, fill=False)
        if "." in text and bits_of_float(float(text), type_) == bits:
            return text
    return f"0x{bits:0{type_.width // 4}X}"


def _decimal_text(value: float, precision: int, pad: int, fill: bool) -> str:
    """APFloat::toString: `precision` digits, at most `pad` zeros, `fill`ed up with zeros or not."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        return f"{sign}0.{'0' * precision}e+00" if fill else f"{sign}0.0E+0"
    digits, exponent = _digits(abs(value), precision)
    count = len(digits)
    if pad == 0:
        scientific = True
    elif exponent >= 0:
        scientific = exponent > pad or count + exponent > precision
    else:
        lead = exponent + count - 1
        scientific = lead < 0 and -lead > pad
    if scientific:
        return sign + _scientific(digits, exponent + count - 1, precision, fill)
    if exponent >= 0:
        return sign + digits + "0" * exponent
    whole = exponent + count
    if whole > 0:
        return f"{sign}{digits[:whole]}.{digits[whole:]}"
    return f"{sign}0.{'0' * -whole}{digits}"


def _scientific(digits: str, exponent: int, precision: int, fill: bool) -> str:
    rest = digits[1:]
    if fill:
        rest = rest.ljust(precision, "0")
        return f"{digits[0]}.{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return f"{digits[0]}.{rest or '0'}E{'-' if exponent < 0 else '+'}{abs(exponent)}"


def _digits(value: float, precision: int) -> tuple[str, int]:
    """At most `precision` significant digits, without trailing zeros, and the power of ten.

    APFloat cuts the exact number near the precision before it rounds half up, so that the last
    digit is sometimes one less than the nearest; texts are to be the same, so we do it too.
    """
    numerator, denominator = value.as_integer_ratio()
    exponent = 1 - denominator.bit_length()
    number = numerator * 5**-exponent
    # 196/59 is a little more than log2(10).
    excess = number.bit_length() - (precision * 196 + 58) // 59
    removable = max(0, excess) * 59 // 196
    number //= 10**removable
    text = str(number)
    exponent += removable
    if len(text) > precision:
        cut = len(text) - precision
        rounded = int(text[:precision]) + (text[precision] >= "5")
        text = str(rounded)
        exponent += cut
    digits = text.rstrip("0")
    return digits, exponent + len(text) - len(digits)
