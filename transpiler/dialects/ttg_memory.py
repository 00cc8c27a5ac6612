"""Triton's shared memory: buffers, views, loads, stores and asynchronous copies."""

from __future__ import annotations

from ..ir.assembly import ASYNC_TOKEN
from ..ir.core import Op, Value
from ..ir.fields import attribute, flag, integer, integers, operand, optional, variadic, word
from ..ir.traits import (
    bool_of,
    fixed,
    is_integer,
    pointee,
    require_kind,
    require_memdesc,
    require_tensor,
    require_type,
)
from ..ir.types import I32, MemDescType, TensorType
from .tt_memory import RMW_KINDS


class LocalAlloc(Op):
    """A buffer in shared memory; with a source it is filled, and stays as it is."""

    name = "ttg.local_alloc"
    results_defined = 1
    regions_held = 0
    source = optional()
    alignment = attribute()
    format = "($source^)? attr-dict `:` functional-type(operands, results)"

    def verify(self) -> None:
        """The buffer fits its source."""
        result = require_memdesc(self, self.result)
        source = self.source
        if source is not None:
            _check_contents(self, require_tensor(self, source), result)


def _check_contents(op: Op, tensor: TensorType, view: MemDescType) -> None:
    same = tensor.shape == view.shape and tensor.element == view.element
    op.require(same, f"{tensor} does not fit {view}")


class LocalDealloc(Op):
    """The end of a buffer's life."""

    name = "ttg.local_dealloc"
    results_defined = 0
    regions_held = 0
    source = operand()
    format = "$source attr-dict `:` type($source)"

    def verify(self) -> None:
        """The operand is a view of memory."""
        require_memdesc(self, self.source)


class LocalLoad(Op):
    """Shared memory into registers; `token` says which asynchronous copy has to be over."""

    name = "ttg.local_load"
    results_defined = 1
    regions_held = 0
    source = operand()
    token = optional()
    format = "$source (`token` $token^)? attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The tensor fits the view."""
        _check_contents(self, require_tensor(self, self.result), require_memdesc(self, self.source))


class LocalStore(Op):
    """Registers into shared memory."""

    name = "ttg.local_store"
    results_defined = 0
    regions_held = 0
    source = operand()
    target = operand()
    format = "$source `,` $target attr-dict `:` type($source) `->` type($target)"

    def verify(self) -> None:
        """The tensor fits the view."""
        _check_contents(self, require_tensor(self, self.source), require_memdesc(self, self.target))


class LocalGather(Op):
    """Element i along `axis` is element indices[i] of a buffer."""

    name = "ttg.local_gather"
    results_defined = 1
    regions_held = 0
    source = operand()
    indices = operand()
    token = optional()
    axis = integer(required=True)
    format = (
        "$source `[` $indices `]` (`token` $token^)? attr-dict"
        " `:` type($source) `,` type($indices) `->` type($result)"
    )

    def verify(self) -> None:
        """The result has the indices' shape."""
        _check_indices(self, self.source, self.indices, self.result, self.axis)


class LocalScatter(Op):
    """Element i along `axis` goes to element indices[i] of a buffer."""

    name = "ttg.local_scatter"
    results_defined = 0
    regions_held = 0
    target = operand()
    values = operand()
    indices = operand()
    token = optional()
    axis = integer(required=True)
    format = (
        "$target `[` $indices `]` `,` $values (`token` $token^)? attr-dict"
        " `:` type($target) `,` type($indices) `,` type($values)"
    )

    def verify(self) -> None:
        """The values have the indices' shape."""
        _check_indices(self, self.target, self.indices, self.values, self.axis)


class LocalAtomicScatterRmw(Op):
    """Combines elements of a buffer with values; the result is what was there before."""

    name = "ttg.local_atomic_scatter_rmw"
    results_defined = 1
    regions_held = 0
    kind = word(key="atomic_rmw_op", values=RMW_KINDS, first=1, required=True)
    target = operand()
    values = operand()
    indices = operand()
    mask = optional()
    axis = integer(required=True)
    format = (
        "$kind `,` $target `[` $indices `]` `,` $values (`,` $mask^)? attr-dict"
        " `:` functional-type(operands, results)"
    )

    def verify(self) -> None:
        """Values, mask and result have the indices' shape."""
        _check_indices(self, self.target, self.indices, self.values, self.axis)
        require_type(self, self.result, self.values.type, "the result")
        mask = self.mask
        if mask is not None:
            require_type(self, mask, bool_of(self.values.type), "the mask")


def _check_indices(op: Op, memory: Value, indices: Value, values: Value, axis: int) -> None:
    view = require_memdesc(op, memory)
    listed, tensor = require_tensor(op, indices), require_tensor(op, values)
    require_kind(op, indices, is_integer, "integer indices")
    op.require(0 <= axis < len(view.shape), f"axis {axis} of {view}")
    same = listed.shape == tensor.shape and tensor.element == view.element
    op.require(same, f"{view} at {listed} gives no {tensor}")


class _View(Op):
    pure = True
    results_defined = 1
    regions_held = 0

    def views(self) -> tuple[MemDescType, MemDescType]:
        """The types of the operand and the result."""
        return require_memdesc(self, self.operands[0]), require_memdesc(self, self.result)

    def verify(self) -> None:
        """The element stays."""
        source, result = self.views()
        self.require(source.element == result.element, f"{source} cannot become {result}")


class MemdescIndex(_View):
    """Element `index` along the first dimension."""

    name = "ttg.memdesc_index"
    source = operand()
    index = operand()
    format = "$source `[` $index `]` attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The result is the source without its first dimension."""
        super().verify()
        source, result = self.views()
        require_type(self, self.index, I32, "the index")
        # A one-dimensional buffer gives views of one element.
        fits = result.shape == (source.shape[1:] or (1,))
        self.require(fits, f"an element of {source} is no {result}")


class MemdescSubslice(_View):
    """A part of a view, from static offsets on; addresses still follow the allocation."""

    name = "ttg.memdesc_subslice"
    source = operand()
    offsets = integers(required=True)
    format = "$source `[` offsets($offsets) `]` attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The part lies inside."""
        super().verify()
        source, result = self.views()
        fits = len(self.offsets) == len(source.shape) == len(result.shape) and all(
            offset >= 0 and offset + part <= whole
            for offset, part, whole in zip(self.offsets, result.shape, source.shape, strict=True)
        )
        self.require(fits, f"{result} at {self.offsets} is not inside {source}")


class MemdescTrans(_View):
    """A view with its dimensions in another order."""

    name = "ttg.memdesc_trans"
    source = operand()
    order = integers(required=True)
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """The order gives the result's shape."""
        super().verify()
        source, result = self.views()
        order = self.order
        known = sorted(order) == list(range(len(source.shape)))
        self.require(known, f"order {order} of {source}")
        shape = tuple(source.shape[dim] for dim in order)
        self.require(shape == result.shape, f"order {order} of {source} gives no {result}")


class MemdescReshape(_View):
    """A view of another shape."""

    name = "ttg.memdesc_reshape"
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"


class MemdescReinterpret(_View):
    """A view of another shape and element type on the same bytes."""

    name = "ttg.memdesc_reinterpret"
    source = operand()
    format = "$source attr-dict `:` type($source) `->` type($result)"

    def verify(self) -> None:
        """Both are views."""
        self.views()


class AsyncCopyGlobalToLocal(Op):
    """Starts a masked copy from global into shared memory."""

    name = "ttg.async_copy_global_to_local"
    results_defined = 1
    regions_held = 0
    segmented = True
    result_names = ("token",)
    source = operand()
    target = operand()
    mask = optional()
    other = optional()
    cache_policy = attribute(key="cachePolicy")
    is_volatile = flag(default=False, key="isVolatile")
    contiguity = integer(1)
    infer = fixed(ASYNC_TOKEN)
    format = (
        "$source `,` $target (`mask` $mask^)? (`other` $other^)? attr-dict"
        " `:` type($source) `->` stripped(ttg.memdesc $target)"
    )

    def verify(self) -> None:
        """The pointers fit the view; mask and other have their shape."""
        source, view = require_tensor(self, self.source), require_memdesc(self, self.target)
        loaded = pointee(source)
        assert isinstance(loaded, TensorType)
        _check_contents(self, loaded, view)
        mask, other = self.mask, self.other
        if mask is not None:
            require_type(self, mask, bool_of(source), "the mask")
        if other is not None:
            require_type(self, other, loaded, "the value of masked lanes")


class AsyncCommitGroup(Op):
    """Closes a group of asynchronous copies."""

    name = "ttg.async_commit_group"
    results_defined = 1
    regions_held = 0
    inputs = variadic()
    infer = fixed(ASYNC_TOKEN)
    format = "(`tokens` $inputs^)? attr-dict"


class AsyncWait(Op):
    """Waits until at most `num` groups of copies are under way."""

    name = "ttg.async_wait"
    results_defined = 1
    regions_held = 0
    inputs = variadic()
    num = integer(required=True)
    infer = fixed(ASYNC_TOKEN)
    format = "($inputs^)? attr-dict"


class GlobalScratchAlloc(Op):
    """A workspace of the program in global memory."""

    name = "ttg.global_scratch_alloc"
    results_defined = 1
    regions_held = 0
    nbytes = integer(required=True)
    alignment = integer(required=True)
    third_party_allocation = flag()
    shared_cluster_state = flag()
    format = "attr-dict `:` type($result)"
