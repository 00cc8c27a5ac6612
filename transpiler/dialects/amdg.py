"""Triton's AMD ops: buffer accesses (a scalar pointer and offsets), slices, and what is refused."""

from __future__ import annotations

from ..ir.assembly import ASYNC_TOKEN
from ..ir.core import Op, Value
from ..ir.fields import attribute, integer, integers, operand, optional, variadic, word
from ..ir.traits import (
    bool_of,
    fixed,
    is_integer,
    is_pointer,
    pointee,
    require_kind,
    require_same_layout,
    require_tensor,
    require_type,
)
from .tt_memory import RMW_KINDS, SCOPES, SEMANTICS


def _check_buffer(op: Op, ptr: Value, offsets: Value, value: Value, mask: Value | None) -> None:
    require_kind(op, ptr, is_pointer, "a pointer")
    require_kind(op, offsets, is_integer, "integer offsets")
    require_same_layout(op, offsets, value)
    tensor = require_tensor(op, value)
    same = pointee(ptr.type) == tensor.element
    op.require(same, f"{ptr.type} does not point to the elements of {tensor}")
    if mask is not None:
        require_type(op, mask, bool_of(value.type), "the mask")


class BufferLoad(Op):
    """Loads base + offsets, where the mask holds."""

    name = "amdg.buffer_load"
    results_defined = 1
    regions_held = 0
    segmented = True
    ptr = operand()
    offsets = operand()
    stride = optional()
    mask = optional()
    other = optional()
    cache_policy = attribute(key="cachePolicy")
    contiguity = integer(1)
    format = (
        "$ptr `[` $offsets `]` (`,` $mask^)? (`,` $other^)? (`stride` `=` $stride^)? attr-dict"
        " `:` type($ptr) `->` type($result)"
    )

    def verify(self) -> None:
        """The result has the offsets' shape and the pointer's element."""
        _check_buffer(self, self.ptr, self.offsets, self.result, self.mask)
        other = self.other
        if other is not None:
            require_type(self, other, self.result.type, "the value of masked lanes")


class BufferStore(Op):
    """Stores to base + offsets, where the mask holds."""

    name = "amdg.buffer_store"
    results_defined = 0
    regions_held = 0
    segmented = True
    value = operand()
    ptr = operand()
    offsets = operand()
    stride = optional()
    mask = optional()
    cache_policy = attribute(key="cachePolicy")
    contiguity = integer(1)
    format = (
        "$value `,` $ptr `[` $offsets `]` (`,` $mask^)? (`stride` `=` $stride^)? attr-dict"
        " `:` type($ptr) `->` type($value)"
    )

    def verify(self) -> None:
        """The value has the offsets' shape and the pointer's element."""
        _check_buffer(self, self.ptr, self.offsets, self.value, self.mask)


class BufferLoadToLocal(Op):
    """Copies from base + offsets into shared memory."""

    name = "amdg.buffer_load_to_local"
    results_defined = 1
    regions_held = 0
    segmented = True
    result_names = ("token",)
    target = operand()
    ptr = operand()
    offsets = operand()
    mask = optional()
    other = optional()
    stride = optional()
    cache_policy = attribute(key="cachePolicy")
    contiguity = integer(1)
    infer = fixed(ASYNC_TOKEN)
    format = (
        "$ptr `[` $offsets `]` (`mask` `=` $mask^)? (`other` `=` $other^)?"
        " (`stride` `=` $stride^)? `into` $target attr-dict"
        " `:` type($ptr) `[` type($offsets) `]` ` ` (type($other)^)?"
        " `->` stripped(ttg.memdesc $target)"
    )


class BufferAtomicRmw(Op):
    """Combines base + offsets with a value; the result is what was there before."""

    name = "amdg.buffer_atomic_rmw"
    results_defined = 1
    regions_held = 0
    segmented = True
    kind = word(key="atomic_rmw_op", values=RMW_KINDS, first=1, required=True)
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    offsets = operand()
    value = operand()
    stride = optional()
    mask = optional()
    format = (
        "$kind `,` $sem `,` $scope `,` $value `,` $ptr `[` $offsets `]` (`,` $mask^)?"
        " (`stride` `=` $stride^)? attr-dict `:` type($ptr) `->` type($result)"
    )

    def verify(self) -> None:
        """Value and result have the offsets' shape and the pointer's element."""
        _check_buffer(self, self.ptr, self.offsets, self.value, self.mask)
        require_type(self, self.result, self.value.type, "the result")


class BufferAtomicCas(Op):
    """Stores `value` where base + offsets equals `compare`; gives what was there before."""

    name = "amdg.buffer_atomic_cas"
    results_defined = 1
    regions_held = 0
    segmented = True
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    offsets = operand()
    compare = operand()
    value = operand()
    stride = optional()
    format = (
        "$sem `,` $scope `,` $compare `,` $value `,` $ptr `[` $offsets `]`"
        " (`stride` `=` $stride^)? attr-dict `:` type($ptr) `->` type($result)"
    )

    def verify(self) -> None:
        """Values and result have the offsets' shape and the pointer's element."""
        _check_buffer(self, self.ptr, self.offsets, self.value, None)
        for value in (self.compare, self.result):
            require_type(self, value, self.value.type, "compared and stored values")


class ExtractSlice(Op):
    """A part of a tensor whose elements each thread has already."""

    name = "amdg.extract_slice"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    offsets = integers(key="static_offsets", required=True)
    format = "$source ` ` `[` offsets($offsets) `]` attr-dict `:` type($source) `to` type($result)"

    def verify(self) -> None:
        """The part lies inside."""
        source, result = require_tensor(self, self.source), require_tensor(self, self.result)
        fits = len(self.offsets) == source.rank == result.rank and all(
            offset >= 0 and offset + part <= whole
            for offset, part, whole in zip(self.offsets, result.shape, source.shape, strict=True)
        )
        self.require(fits, f"{result} at {self.offsets} is not inside {source}")


class Concat(Op):
    """Tensors of one shape side by side, as row-major tiles."""

    name = "amdg.concat"
    pure = True
    results_defined = 1
    regions_held = 0
    sources = variadic()
    format = "$sources attr-dict `:` type($sources) `->` type($result)"

    def verify(self) -> None:
        """As many elements as the sources."""
        size = sum(require_tensor(self, value).size for value in self.sources)
        result = require_tensor(self, self.result)
        self.require(size == result.size, f"{size} elements do not make {result}")


class InThreadTranspose(Op):
    """The same tensor, with each thread's registers in another order."""

    name = "amdg.in_thread_transpose"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Shape and element stay."""
        source, result = require_tensor(self, self.source), require_tensor(self, self.result)
        same = source.shape == result.shape and source.element == result.element
        self.require(same, f"{source} cannot become {result}")


class ScaledUpcastFp8(Op):
    """fp8 numbers times their scales, in a wider float."""

    name = "amdg.scaled_upcast_fp8"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    source = operand()
    scale = operand()
    format = (
        "$source `scale` $scale attr-dict `:` type($source) `,` type($scale) `->` type($result)"
    )


class ScaledUpcastFp4(Op):
    """Pairs of fp4 numbers times their scales, in a wider float, along `axis`."""

    name = "amdg.scaled_upcast_fp4"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    scale = operand()
    axis = integer(required=True)
    format = (
        "$source `scale` $scale attr-dict `:` type($source) `,` type($scale) `->` type($result)"
    )


class AsyncWait(Op):
    """Waits until at most `num_inst` copies are under way."""

    name = "amdg.async_wait"
    results_defined = 1
    regions_held = 0
    inputs = variadic()
    num_inst = integer(required=True)
    infer = fixed(ASYNC_TOKEN)
    format = "($inputs^)? attr-dict"


class InstructionSchedHint(Op):
    """A wish for the scheduler (3.2 to 3.5); nothing elsewhere."""

    name = "amdg.instruction_sched_hint"
    results_defined = 0
    regions_held = 0
    format = "attr-dict"
