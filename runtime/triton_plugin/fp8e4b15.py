"""Conversions of fp8e4b15, which MLIR has no type for: Triton asks the backend for them.

It is float16 without the lowest bit of the exponent's range and 7 bits of the fraction: the same
bias, and no infinity or NaN. As Triton's conversion for NVIDIA: rounded half away from zero, and
from float32 by way of float16.
"""

from __future__ import annotations

from typing import Any

from .triton_api import late

# 1.75 as float16: the largest number that is rounded to a finite one.
_LARGEST = 0x3F00
_SIGN, _MAGNITUDE = 0x8000, 0x7FFF


def convert(
    value: Any, dst_ty: Any, fp_downcast_rounding: str | None = None, *, _semantic: Any
) -> Any:
    """A tensor or scalar of fp8e4b15 as another type, or of another type as fp8e4b15."""
    if value.type.scalar.is_fp8e4b15():
        half = _to_half(value, _semantic)
        return half.to(dst_ty.scalar, _semantic=_semantic)
    return _from_half(_as_half(value, _semantic), _semantic)


def _to_half(value: Any, semantic: Any) -> Any:
    core: Any = late("language.core")
    byte = value.to(core.uint8, bitcast=True, _semantic=semantic)
    bits = byte.to(core.uint16, _semantic=semantic)
    sign = _shifted_left(_masked(bits, 0x80, semantic), 8, semantic)
    magnitude = _shifted_left(_masked(bits, 0x7F, semantic), 7, semantic)
    both = sign.__or__(magnitude, _semantic=semantic)
    return both.to(core.float16, bitcast=True, _semantic=semantic)


def _from_half(half: Any, semantic: Any) -> Any:
    core: Any = late("language.core")
    bits = half.to(core.uint16, bitcast=True, _semantic=semantic)
    magnitude = _masked(bits, _MAGNITUDE, semantic)
    largest = core.full(magnitude.shape, _LARGEST, core.uint16, _semantic=semantic)
    magnitude = core.minimum(magnitude, largest, _semantic=semantic)
    # One bit of the exponent goes; half of the last place is added before the rest is cut off.
    rounded = _shifted_left(magnitude, 1, semantic).__add__(
        core.full(magnitude.shape, 0x80, core.uint16, _semantic=semantic), _semantic=semantic
    )
    both = _masked(bits, _SIGN, semantic).__or__(rounded, _semantic=semantic)
    byte = both.__rshift__(8, _semantic=semantic).to(core.uint8, _semantic=semantic)
    return byte.to(core.float8e4b15, bitcast=True, _semantic=semantic)


def _as_half(value: Any, semantic: Any) -> Any:
    core: Any = late("language.core")
    if value.type.scalar.is_fp16():
        return value
    single = value.to(core.float32, _semantic=semantic)
    return single.to(core.float16, fp_downcast_rounding="rtz", _semantic=semantic)


def _masked(bits: Any, mask: int, semantic: Any) -> Any:
    return bits.__and__(mask, _semantic=semantic)


def _shifted_left(bits: Any, count: int, semantic: Any) -> Any:
    return bits.__lshift__(count, _semantic=semantic)
