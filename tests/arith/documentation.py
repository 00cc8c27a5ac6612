"""The text of docs/functions.md, from the tables that the compiler itself uses."""

from __future__ import annotations

from trimetal.transpiler.emit.device_library import SYMBOLS
from trimetal.transpiler.emit.functions import FUNCTIONS, Function

_HEAD = """\
# Arithmetic and functions

What each function becomes in Metal, and how exact it is. The tables are made from the compiler's
own (`make golden` writes this file, a test compares it).

## Functions of floats

"Ours" stands for a function in `templates/functions`, which is printed in front of a kernel that
calls it. The error is in units in the last place (ulp) of float:

- Of Metal's functions it is the bound in the Metal Shading Language Specification, chapter
  "Numerical Compliance", section "ULPs and Relative Error", table 8.1.
  It holds for the `precise::` variants, which are written out since a runtime may compile with fast
  math functions.
- Of ours it is the largest that `tests/arith` sees on the CPU device, rounded up. On an Apple GPU
  the errors of the Metal functions that they call come on top; no such GPU was at hand.
- "of 1" means ulps of 1 rather than of the result, for functions whose zeros are irrational.

Half and bfloat arguments become float, and the result is rounded to nearest even; "half" marks
functions whose result in half is exact or correctly rounded, so that half is not left.

| function | in Metal | error (ulp) | on half |
|---|---|---|---|
"""

_TAIL = """
## Operators

| op | rule |
|---|---|
| `+` `-` `*` `/` on half, bfloat, float | each rounds to nearest even |
| `x * y + z` of half, float | `fma`, one rounding; with `enable_fp_fusion=False` two |
| `arith.divf`, `tt.approx_divf` | `/`; `tt.precise_divf` is `precise::divide` on float |
| `arith.remf` | `precise::fmod`: exact, with the sign of the dividend |
| `arith.maxnumf`, `minnumf` | of a number and NaN, the number; of two zeros, either |
| `arith.maximumf`, `minimumf` | NaN if either is NaN |
| `tt.clampf` | NaN gives the lower bound; with `propagateNan = all` NaN gives NaN |
| `arith.cmpf` | ordered predicates are false of NaN, unordered ones true |
| `math.fma` | one rounding; of bfloat a second one, from float |
| integer `+` `-` `*` `<<` | wrap; written unsigned where signed arithmetic might overflow |
| integer `/` and `%` | toward zero; by zero anything, but the kernel goes on |
| shifts past the width | anything, but the kernel goes on |
| i1 | one bit: the sum is exclusive or; as a signed number, true is -1 |

Metal may flush denormal floats to zero, in operands and results.

## Conversions

| from, to | rule |
|---|---|
| float to half, bfloat | to nearest even, or with `rtz` toward zero |
| half, bfloat to each other | by way of float, which holds both |
| 8-bit float to another float | exact |
| float to 8-bit float, to nearest | ties to even; what is too large becomes the largest |
| float to 8-bit float, `rtz` | toward zero; an infinity stays one where the type has it |
| NaN to 8-bit float | NaN |
| integer to float, half | to nearest even |
| integer to bfloat, 8-bit float | by way of float |
| float to integer | toward zero; what does not fit gives anything |

The 8-bit floats are f8E4M3FN, f8E5M2, f8E4M3FNUZ, f8E5M2FNUZ, f8E4M3B11FNUZ and f8E4M3. They are
converted; arithmetic on them is refused, except for `math.absf`, comparisons and selections. 64-bit
floats are refused.

## Device libraries

These symbols of `tt.extern_elementwise` are known, besides those of the table above (as
`__nv_...f`, `__ocml_..._f32`). Others are refused.

"""


def functions_document() -> str:
    """The whole file."""
    rows = "".join(_row(name, function) for name, function in sorted(FUNCTIONS.items()))
    return _HEAD + rows + _TAIL + _symbols()


def _row(name: str, function: Function) -> str:
    shown = f"`{function.call}`" + (" (ours)" if function.is_ours else "")
    half = "half" if function.exact_in_half else "float"
    return f"| {name} | {shown} | {function.error} | {half} |\n"


def _symbols() -> str:
    plain = {f"__nv_{name}f" for name in FUNCTIONS} | {f"__ocml_{name}_f32" for name in FUNCTIONS}
    plain |= {f"__ocml_{name}_f16" for name in FUNCTIONS}
    lines: list[str] = []
    line = ""
    for symbol in sorted(symbol for symbol in SYMBOLS if symbol not in plain):
        piece = f"`{symbol}`"
        if line and len(line) + len(piece) + 2 > 100:
            lines.append(line + ",")
            line = piece
        else:
            line = f"{line}, {piece}" if line else piece
    return "\n".join([*lines, line + "."]) + "\n"
