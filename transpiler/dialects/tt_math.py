"""Triton's casts, arithmetic, dots, reductions and debug ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.core import Block, Op
from ..ir.fields import (
    boolean,
    flag,
    integer,
    integers,
    operand,
    optional,
    string,
    variadic,
    word,
)
from ..ir.traits import (
    is_float,
    is_integer,
    is_pointer,
    like,
    require_kind,
    require_same_layout,
    require_same_types,
    require_tensor,
    types_of,
)
from ..ir.types import I1, TensorType, Type, bit_width, element_of

if TYPE_CHECKING:
    from ..ir.core import Region, Value

INPUT_PRECISIONS = ("tf32", "tf32x3", "ieee", "bf16x3", "bf16x6")
SCALED_ELEMENTS = ("e4m3", "e5m2", "e2m3", "e3m2", "e2m1", "bf16", "fp16")


class _Elementwise(Op):
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0


class _Convert(_Elementwise):
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Only the element type changes."""
        require_same_layout(self, self.source, self.result)
        self.verify_elements(element_of(self.source.type), element_of(self.result.type))

    def verify_elements(self, source: Type, result: Type) -> None:
        """Check the element types."""


class IntToPtr(_Convert):
    """A 64-bit address as a pointer."""

    name = "tt.int_to_ptr"

    def verify_elements(self, source: Type, result: Type) -> None:
        """Integer to pointer."""
        fits = is_integer(source) and is_pointer(result)
        self.require(fits, f"expected an integer and a pointer, found {source} to {result}")


class PtrToInt(_Convert):
    """A pointer as a 64-bit address."""

    name = "tt.ptr_to_int"

    def verify_elements(self, source: Type, result: Type) -> None:
        """Pointer to integer."""
        fits = is_pointer(source) and is_integer(result)
        self.require(fits, f"expected a pointer and an integer, found {source} to {result}")


class Bitcast(_Convert):
    """The same bits as another type; also between pointers."""

    name = "tt.bitcast"

    def verify_elements(self, source: Type, result: Type) -> None:
        """The widths are equal."""
        same = bit_width(source) == bit_width(result)
        self.require(same, f"expected one width, found {source} to {result}")


class FpToFp(_Convert):
    """A float in another type, rounded as `rounding` says (`rtne`, `rtz`)."""

    name = "tt.fp_to_fp"
    rounding = word("", values=("rtz", "rtne"))
    format = (
        "$source attr-dict (`,` `rounding` `=` $rounding^)? `:` type($source) `->` type($result)"
    )

    def verify_elements(self, source: Type, result: Type) -> None:
        """Float to float; a narrowing says how to round."""
        fits = is_float(source) and is_float(result)
        self.require(fits, f"expected floats, found {source} to {result}")


class Clampf(_Elementwise):
    """min(max(x, low), high); `propagate_nan` says what NaN gives."""

    name = "tt.clampf"
    x = operand()
    low = operand()
    high = operand()
    propagate_nan = word(key="propagateNan", values=("none", "all"), required=True)
    infer = like("x")
    format = "$x `,` $low `,` $high `,` `propagateNan` `=` $propagate_nan attr-dict `:` type($x)"

    def verify(self) -> None:
        """Operands and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.x, is_float, "floats")


class PreciseSqrt(_Elementwise):
    """Square root, rounded to nearest."""

    name = "tt.precise_sqrt"
    x = operand()
    infer = like("x")
    format = "$x attr-dict `:` type($x)"

    def verify(self) -> None:
        """Operand and result have one float type."""
        require_same_types(self, (*self.operands, *self.results))
        require_kind(self, self.x, is_float, "floats")


class _Pair(_Elementwise):
    x = operand()
    y = operand()
    infer = like("x")
    format = "$x `,` $y attr-dict `:` type($x)"

    def verify(self) -> None:
        """Operands and result have one type."""
        require_same_types(self, (*self.operands, *self.results))


class PreciseDivf(_Pair):
    """Quotient, rounded to nearest."""

    name = "tt.precise_divf"


class ApproxDivf(_Pair):
    """Quotient, about 2 ulp off at most."""

    name = "tt.approx_divf"


class Mulhiui(_Pair):
    """The high half of the unsigned product."""

    name = "tt.mulhiui"


class ExternElementwise(Op):
    """A function of a device library, by name. Those with effects are refused first of all."""

    name = "tt.extern_elementwise"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    inputs = variadic()
    libname = string(required=True)
    libpath = string(required=True)
    symbol = string(required=True)
    is_pure = boolean(key="pure")
    format = "operands attr-dict `:` functional-type(operands, results)"


class ElementwiseInlineAsm(Op):
    """Assembly of the target that the dump was made for."""

    name = "tt.elementwise_inline_asm"
    elementwise = True
    regions_held = 0
    result_names = ("results",)
    inputs = variadic()
    asm_string = string(required=True)
    constraints = string(required=True)
    is_pure = boolean(key="pure")
    packed_element = integer(required=True)
    format = "$asm_string attr-dict ($inputs^ `:` type($inputs))? `->` type(results)"


class Dot(Op):
    """a times b plus c, on the last two dimensions; `input_precision` says how f32 is treated."""

    name = "tt.dot"
    pure = True
    results_defined = 1
    regions_held = 0
    a = operand()
    b = operand()
    c = operand()
    input_precision = word("ieee", key="inputPrecision", values=INPUT_PRECISIONS)
    max_num_imprecise_acc = integer(0, key="maxNumImpreciseAcc")
    format = (
        "$a `,` $b `,` $c (`,` `inputPrecision` `=` $input_precision^)? attr-dict"
        " `:` type($a) `*` type($b) `->` type($result)"
    )

    def verify(self) -> None:
        """Shapes multiply; c and the result have one type."""
        a, b = require_tensor(self, self.a), require_tensor(self, self.b)
        require_same_types(self, (self.c, self.result))
        verify_dot_shapes(self, a, b, require_tensor(self, self.c))


def verify_dot_shapes(op: Op, a: TensorType, b: TensorType, c: TensorType) -> None:
    """[batch x] M x K times K x N is M x N."""
    ranks = (a.rank, b.rank, c.rank)
    op.require(ranks in ((2, 2, 2), (3, 3, 3)), f"operands of ranks {ranks}")
    fits = (
        a.shape[:-2] == b.shape[:-2] == c.shape[:-2]
        and a.shape[-1] == b.shape[-2]
        and c.shape[-2:] == (a.shape[-2], b.shape[-1])
    )
    op.require(fits, f"{a} times {b} is no {c}")


class DotScaled(Op):
    """A dot of operands with block scales (the MX formats); e2m1 comes two in an i8."""

    name = "tt.dot_scaled"
    pure = True
    results_defined = 1
    regions_held = 0
    segmented = True
    a = operand()
    b = operand()
    c = operand()
    a_scale = optional()
    b_scale = optional()
    a_elem_type = word(values=SCALED_ELEMENTS, required=True)
    b_elem_type = word(values=SCALED_ELEMENTS, required=True)
    fast_math = boolean(key="fastMath")
    lhs_k_pack = flag(default=True)
    rhs_k_pack = flag(default=True)
    format = (
        "$a (`scale` $a_scale^)? `,` $b (`scale` $b_scale^)? `,` $c"
        " `lhs` `=` $a_elem_type `rhs` `=` $b_elem_type attr-dict"
        " `:` type($a) (`,` type($a_scale)^)? `*` type($b) (`,` type($b_scale)^)?"
        " `->` type($result)"
    )

    def verify(self) -> None:
        """c and the result have one type."""
        require_same_types(self, (self.c, self.result))


class _Combining(Op):
    pure = True
    regions_held = 1

    @property
    def combine(self) -> Block:
        """The block that combines: two elements of each input in, one of each out."""
        return self.regions[0].block

    def verify_inputs(self, inputs: list[Value], axis: int) -> TensorType:
        """Inputs of one shape; a region that takes each element twice and returns it once."""
        self.require(bool(inputs), "there are no inputs")
        first = require_tensor(self, inputs[0])
        for value in inputs[1:]:
            require_same_layout(self, inputs[0], value)
        self.require(0 <= axis < first.rank, f"axis {axis} of {first}")
        elements = [element_of(value.type) for value in inputs]
        arguments = types_of(self.combine.args)
        self.require(arguments == elements * 2, _found("block arguments", arguments, elements * 2))
        returned = types_of(self.combine.terminator.operands)
        self.require(returned == elements, _found("returned values", returned, elements))
        return first


def _found(what: str, found: list[Type], expected: list[Type]) -> str:
    names = (", ".join(map(str, types)) for types in (found, expected))
    return "{} of types ({}), expected ({})".format(what, *names)


class Reduce(_Combining):
    """Combines along `axis`; a scalar comes out of rank 1."""

    name = "tt.reduce"
    region_terminator = ("tt.reduce.return",)
    inputs = variadic()
    axis = integer(required=True)

    def verify(self) -> None:
        """The results have the inputs' shape without `axis`."""
        first = self.verify_inputs(self.inputs, self.axis)
        shape = (*first.shape[: self.axis], *first.shape[self.axis + 1 :])
        same = len(self.results) == len(self.inputs)
        self.require(same, f"{len(self.inputs)} inputs with {len(self.results)} results")
        for value, result in zip(self.inputs, self.results, strict=True):
            found = result.type.shape if isinstance(result.type, TensorType) else ()
            fits = found == shape and element_of(result.type) == element_of(value.type)
            self.require(fits, f"{value.type} along {self.axis} gives no {result.type}")


class ReduceReturn(Op):
    """End of a reduction's block."""

    name = "tt.reduce.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "$values attr-dict `:` type($values)"


class Scan(_Combining):
    """Inclusive scan along `axis`, from the end if `reverse`."""

    name = "tt.scan"
    region_terminator = ("tt.scan.return",)
    inputs = variadic()
    axis = integer(required=True)
    reverse = boolean()

    def verify(self) -> None:
        """The results have the inputs' types."""
        self.verify_inputs(self.inputs, self.axis)
        found, expected = types_of(self.results), types_of(self.inputs)
        self.require(found == expected, _found("results", found, expected))


class ScanReturn(Op):
    """End of a scan's block."""

    name = "tt.scan.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "$values attr-dict `:` type($values)"


class MapElementwise(Op):
    """A scalar program for every `pack` elements; input 0's elements come first, then input 1's."""

    name = "tt.map_elementwise"
    regions_held = 1
    single_block = False
    branching = True
    inputs = variadic()
    pack = integer(required=True)

    @property
    def body(self) -> Region:
        """The scalar program, which may branch."""
        return self.regions[0]

    def verify(self) -> None:
        """Arguments and returned values come `pack` for each input and result."""
        values = [*self.inputs, *self.results]
        self.require(bool(values), "there are no inputs")
        for value in values:
            require_same_layout(self, values[0], value)
        expected = _packed(self.inputs, self.pack)
        arguments = types_of(self.body.blocks[0].args)
        self.require(arguments == expected, _found("block arguments", arguments, expected))
        expected = _packed(self.results, self.pack)
        for block in self.body.blocks:
            if isinstance(block.terminator, MapElementwiseReturn):
                returned = types_of(block.terminator.operands)
                self.require(returned == expected, _found("returned values", returned, expected))


def _packed(values: list[Value], pack: int) -> list[Type]:
    return [element_of(value.type) for value in values for _ in range(pack)]


class MapElementwiseReturn(Op):
    """End of a scalar program."""

    name = "tt.map_elementwise.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "attr-dict ($values^ `:` type($values))?"


class Print(Op):
    """Prints a prefix and values."""

    name = "tt.print"
    results_defined = 0
    regions_held = 0
    prefix = string(required=True)
    hex = boolean()
    args = variadic()
    is_signed = integers(key="isSigned")
    format = "$prefix attr-dict (`:` $args^ `:` type($args))?"


class Assert(Op):
    """Stops the program where the condition does not hold."""

    name = "tt.assert"
    results_defined = 0
    regions_held = 0
    condition = operand()
    message = string(required=True)
    format = "$condition `,` $message attr-dict `:` type($condition)"

    def verify(self) -> None:
        """The condition is i1."""
        require_kind(self, self.condition, lambda t: element_of(t) == I1, "an i1 condition")
