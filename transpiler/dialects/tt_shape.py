"""Triton's ops that make, move and reshape tensors without arithmetic."""

from __future__ import annotations

from ..ir.assembly import Parts
from ..ir.core import Op
from ..ir.fields import flag, integer, integers, operand, optional
from ..ir.traits import (
    bool_of,
    element_like,
    is_integer,
    require_kind,
    require_same_types,
    require_tensor,
    require_type,
)
from ..ir.types import I32, TensorType, Type


class _Shape(Op):
    pure = True
    results_defined = 1
    regions_held = 0

    def tensors(self) -> tuple[TensorType, TensorType]:
        """The types of the first operand and the result, which have one element type."""
        source = require_tensor(self, self.operands[0])
        result = require_tensor(self, self.results[0])
        same = source.element == result.element
        self.require(same, f"expected one element type, found {source} and {result}")
        return source, result


class Splat(Op):
    """A tensor full of one scalar."""

    name = "tt.splat"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The scalar is the tensor's element."""
        result = require_tensor(self, self.result)
        require_type(self, self.source, result.element, "the scalar")


class Unsplat(Op):
    """The only element of a tensor."""

    name = "tt.unsplat"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    infer = element_like("source")
    format = "$source attr-dict `:` type($source)"

    def verify(self) -> None:
        """The tensor has one element, of the result's type."""
        source = require_tensor(self, self.source)
        self.require(source.size == 1, f"expected one element, found {source}")
        require_type(self, self.result, source.element, "the result")


class MakeRange(Op):
    """start, start + 1, ..., end - 1."""

    name = "tt.make_range"
    pure = True
    results_defined = 1
    regions_held = 0
    start = integer(required=True)
    end = integer(required=True)
    format = "attr-dict `:` type($result)"

    def verify(self) -> None:
        """As many elements as numbers."""
        result = require_tensor(self, self.result)
        size = self.end - self.start
        fits = result.rank == 1 and result.size == size and result.element == I32
        self.require(fits, f"{size} numbers from {self.start} to {self.end} as {result}")


class ExpandDims(_Shape):
    """A dimension of size 1 put in at `axis`."""

    name = "tt.expand_dims"
    source = operand()
    axis = integer(required=True)
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The result's shape has a 1 at `axis`."""
        source, result = self.tensors()
        axis = self.axis
        self.require(0 <= axis <= source.rank, f"axis {axis} of {source}")
        shape = (*source.shape[:axis], 1, *source.shape[axis:])
        self.require(result.shape == shape, f"axis {axis} of {source} gives no {result}")


class Broadcast(_Shape):
    """Dimensions of size 1 repeated."""

    name = "tt.broadcast"
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Only sizes of 1 change; each thread keeps its elements."""
        source, result = self.tensors()
        fits = source.rank == result.rank and all(
            a in (1, b) for a, b in zip(source.shape, result.shape, strict=False)
        )
        self.require(fits, f"{source} cannot be broadcast to {result}")
        self.require(same_threads(source, result), f"the layout changes from {source} to {result}")


def same_threads(source: TensorType, result: TensorType) -> bool:
    """Whether a tensor has, on its own shape, the layout of the result's encoding."""
    if source.encoding == result.encoding:
        return True
    if source.encoding is None or result.encoding is None:
        return False
    return source.encoding.to_linear(source.shape) == result.encoding.to_linear(source.shape)


class Reshape(_Shape):
    """Another shape; the row-major order stays unless `allow_reorder`."""

    name = "tt.reshape"
    source = operand()
    allow_reorder = flag()
    efficient_layout = flag()
    format = (
        "$source (`allow_reorder` $allow_reorder^)? (`efficient_layout` $efficient_layout^)?"
        " attr-dict `:` type($source) `->` type($result)"
    )

    def verify(self) -> None:
        """The number of elements stays."""
        source, result = self.tensors()
        self.require(source.size == result.size, f"{source} cannot become {result}")


class Trans(_Shape):
    """Dimension i of the result is dimension order[i] of the operand."""

    name = "tt.trans"
    source = operand()
    order = integers(required=True)
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The order is a permutation that gives the result's shape."""
        source, result = self.tensors()
        order = self.order
        self.require(sorted(order) == list(range(source.rank)), f"order {order} of {source}")
        shape = tuple(source.shape[dim] for dim in order)
        self.require(result.shape == shape, f"order {order} of {source} gives no {result}")


class Cat(Op):
    """The elements of both operands, in any order."""

    name = "tt.cat"
    pure = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    format = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)"

    def verify(self) -> None:
        """As many elements as both operands."""
        lhs, rhs = require_tensor(self, self.lhs), require_tensor(self, self.rhs)
        result = require_tensor(self, self.result)
        fits = lhs.size + rhs.size == result.size and lhs.element == rhs.element == result.element
        self.require(fits, f"{lhs} and {rhs} do not make {result}")


class Join(Op):
    """A last dimension of 2: the first operand, then the second."""

    name = "tt.join"
    pure = True
    results_defined = 1
    regions_held = 0
    lhs = operand()
    rhs = operand()
    format = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)"

    def verify(self) -> None:
        """Two tensors of one type, and a result with a 2 behind their shape."""
        require_same_types(self, self.operands)
        source, result = require_tensor(self, self.lhs), require_tensor(self, self.result)
        fits = result.shape == (*source.shape, 2) and result.element == source.element
        self.require(fits, f"two {source} do not join to {result}")


def _halves(parts: Parts) -> list[Type]:
    """Both halves have one type."""
    assert parts.result_types is not None
    return parts.result_types * 2


class Split(Op):
    """The two halves of a last dimension of 2."""

    name = "tt.split"
    pure = True
    results_defined = 2
    regions_held = 0
    result_names = ("lhs", "rhs")
    source = operand()
    infer = staticmethod(_halves)
    format = "$source attr-dict `:` type($source) `->` type($lhs)"

    def verify(self) -> None:
        """The operand has a 2 behind the results' shape."""
        require_same_types(self, self.results)
        source, result = require_tensor(self, self.source), require_tensor(self, self.results[0])
        fits = source.shape == (*result.shape, 2) and result.element == source.element
        self.require(fits, f"{source} does not split into {result}")


class Gather(Op):
    """Element i along `axis` of the result is element indices[i] of the operand."""

    name = "tt.gather"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    indices = operand()
    axis = integer(required=True)
    efficient_layout = flag()
    format = "$source `[` $indices `]` attr-dict `:` functional-type(operands, results)"

    def verify(self) -> None:
        """The result has the indices' shape; other dimensions are the operand's."""
        source, indices = require_tensor(self, self.source), require_tensor(self, self.indices)
        result = require_tensor(self, self.result)
        require_kind(self, self.indices, is_integer, "integer indices")
        self.require(0 <= self.axis < source.rank, f"axis {self.axis} of {source}")
        fits = (
            result.shape == indices.shape
            and result.element == source.element
            and indices.rank == source.rank
            and all(
                a == b
                for dim, (a, b) in enumerate(zip(source.shape, indices.shape, strict=False))
                if dim != self.axis
            )
        )
        self.require(fits, f"{source} at {indices} gives no {result}")


class Histogram(Op):
    """How often each number occurs, where the mask holds."""

    name = "tt.histogram"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    mask = optional()
    format = "$source (`,` $mask^)? attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Integers in, a list of integers out."""
        require_kind(self, self.source, is_integer, "integers")
        require_kind(self, self.result, is_integer, "integers")
        require_tensor(self, self.source)
        require_tensor(self, self.result)
        mask = self.mask
        if mask is not None:
            require_type(self, mask, bool_of(self.source.type), "the mask")
