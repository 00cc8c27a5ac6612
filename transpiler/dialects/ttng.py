"""Triton's NVIDIA ops (sm90 and later), as far as dumps hold them.

They are read, checked for their shape and printed; what can be lowered is decided later, by name.
"""

from __future__ import annotations

from ..ir.assembly import ASYNC_TOKEN, Parts
from ..ir.core import Op
from ..ir.fields import (
    attribute,
    boolean,
    flag,
    integer,
    operand,
    optional,
    variadic,
    word,
)
from ..ir.traits import fixed, require_same_types, types_of
from ..ir.types import I1, IntegerType, Type
from .tt_func import AXES
from .tt_math import INPUT_PRECISIONS, SCALED_ELEMENTS
from .tt_memory import REDUCE_KINDS

PACKED_KINDS = ("add", "sub", "mul", "fma", "min", "max")


def _with_token(parts: Parts) -> list[Type]:
    """The printed result types, with a token behind the first one where the text has brackets."""
    types = list(parts.result_types or [])
    return [*types[:1], ASYNC_TOKEN, *types[1:]] if parts.token else types


class _Effect(Op):
    results_defined = 0
    regions_held = 0


class WarpGroupDot(Op):
    """wgmma: a (registers or shared memory) times b (shared memory) plus c."""

    name = "ttng.warp_group_dot"
    results_defined = 1
    regions_held = 0
    a = operand()
    b = operand()
    c = operand()
    use_c = optional()
    input_precision = word("ieee", key="inputPrecision", values=INPUT_PRECISIONS)
    max_num_imprecise_acc = integer(0, key="maxNumImpreciseAcc")
    is_async = flag(default=False, key="isAsync")
    format = (
        "$a `,` $b `,` $c (`,` $use_c^)? attr-dict `:` type($a) `*` type($b) `->` type($result)"
    )

    def verify(self) -> None:
        """c and the result have one type."""
        require_same_types(self, (self.c, self.result))


def _like_inputs(parts: Parts) -> list[Type]:
    """The operands' types."""
    return types_of(parts.operands["inputs"])


class WarpGroupDotWait(Op):
    """Waits until at most `pendings` dots are under way; gives its operands on."""

    name = "ttng.warp_group_dot_wait"
    regions_held = 0
    inputs = variadic()
    pendings = integer(required=True)
    warp_group_local = flag(key="warpGroupLocal")
    infer = staticmethod(_like_inputs)
    format = "$inputs attr-dict `:` type($inputs)"

    def verify(self) -> None:
        """Results are the operands."""
        same = types_of(self.results) == types_of(self.operands)
        self.require(same, "the results should have the operands' types")


class PackedArith(Op):
    """Arithmetic on pairs of numbers."""

    name = "ttng.packed_arith"
    pure = True
    results_defined = 1
    regions_held = 0
    kind = word(key="op_kind", values=PACKED_KINDS, required=True)
    inputs = variadic()
    format = "$kind $inputs attr-dict `:` functional-type($inputs, results)"


class FenceAsyncShared(_Effect):
    """Orders shared memory between threads and the asynchronous units."""

    name = "ttng.fence_async_shared"
    b_cluster = boolean(key="bCluster")
    format = "attr-dict"


class FenceMbarrierInitReleaseCluster(_Effect):
    """Makes barriers known to the cluster."""

    name = "ttng.fence_mbarrier_init_release_cluster"
    format = "attr-dict"


class ClusterBarrier(_Effect):
    """Waits for the cluster."""

    name = "ttng.cluster_barrier"
    relaxed = flag(default=False)
    format = "attr-dict"


class ClcTryCancelSync(Op):
    """Asks for the work of another program."""

    name = "ttng.clc_try_cancel_sync"
    results_defined = 1
    regions_held = 0
    format = "attr-dict `:` type($result)"


class ClcTryCancel(_Effect):
    """Asks for the work of another program, asynchronously."""

    name = "ttng.clc_try_cancel"
    target = operand()
    mbarrier = operand()
    format = "$target `,` $mbarrier attr-dict `:` type($target) `,` type($mbarrier)"


class ClcLoadResult(Op):
    """The answer to such a request."""

    name = "ttng.clc_load_result"
    results_defined = 1
    regions_held = 0
    source = operand()
    infer = fixed(IntegerType(128))
    format = "$source attr-dict `:` type($source) `->` type($result)"


class ClcIsCanceled(Op):
    """Whether there was work."""

    name = "ttng.clc_is_canceled"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    infer = fixed(I1)
    format = "$source attr-dict `:` type($source) `->` type($result)"


class ClcGetProgramId(Op):
    """Which program's work it is."""

    name = "ttng.clc_get_program_id"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    dim = word(values=AXES, required=True)
    format = "$source `,` $dim attr-dict `:` type($source) `->` type($result)"


class InitBarrier(_Effect):
    """A barrier that waits for `count` arrivals."""

    name = "ttng.init_barrier"
    alloc = operand()
    count = integer(required=True)
    format = "$alloc `,` $count attr-dict `:` type($alloc)"


class InvalBarrier(_Effect):
    """The end of a barrier."""

    name = "ttng.inval_barrier"
    alloc = operand()
    format = "$alloc attr-dict `:` type($alloc)"


class BarrierExpect(_Effect):
    """A barrier that also waits for bytes."""

    name = "ttng.barrier_expect"
    alloc = operand()
    size = integer(required=True)
    predicate = operand()
    format = "$alloc `,` $size attr-dict `,` $predicate `:` type($alloc)"


class WaitBarrier(_Effect):
    """Waits for a phase of a barrier."""

    name = "ttng.wait_barrier"
    segmented = True
    alloc = operand()
    phase = operand()
    predicate = optional()
    deps = variadic()
    format = (
        "$alloc `,` $phase (`,` $predicate^)? (`deps` $deps^)? attr-dict"
        " `:` type($alloc) (`,` type($deps)^)?"
    )


class ArriveBarrier(_Effect):
    """Arrives at a barrier."""

    name = "ttng.arrive_barrier"
    alloc = operand()
    predicate = optional()
    count = integer(required=True)
    format = "$alloc `,` $count (`,` $predicate^)? attr-dict `:` type($alloc)"


class AsyncCopyMbarrierArrive(_Effect):
    """Arrives when this thread's copies are over."""

    name = "ttng.async_copy_mbarrier_arrive"
    barrier = operand()
    no_increment = flag(key="noIncrement")
    format = "$barrier attr-dict `:` type($barrier)"


class AsyncSharedStore(_Effect):
    """A store to shared memory that a barrier waits for."""

    name = "ttng.async_shared_store"
    source = operand()
    target = operand()
    mbarrier = operand()
    format = (
        "$source `,` $target `,` $mbarrier attr-dict"
        " `:` type($source) `->` type($target) `,` type($mbarrier)"
    )


class AsyncTmaCopyGlobalToLocal(_Effect):
    """A tile of a descriptor into shared memory."""

    name = "ttng.async_tma_copy_global_to_local"
    segmented = True
    desc = operand()
    coord = variadic()
    offsets = variadic()
    barrier = operand()
    target = operand()
    predicate = operand()
    multicast = flag()
    cache_policy = attribute(key="cachePolicy")
    is_volatile = flag(default=False, key="isVolatile")
    format = (
        "$desc `[` $coord `]` (`offsets` `=` `[` $offsets^ `]`)? $target `,` $barrier `,`"
        " $predicate attr-dict `:` type($desc) `,` type($barrier) `->` type($target)"
    )


class AsyncTmaCopyLocalToGlobal(_Effect):
    """Shared memory into a tile of a descriptor."""

    name = "ttng.async_tma_copy_local_to_global"
    desc = operand()
    coord = variadic()
    source = operand()
    cache_policy = attribute(key="cachePolicy")
    format = "$desc `[` $coord `]` $source attr-dict `:` type($desc) `,` type($source)"


class AsyncTmaReduce(_Effect):
    """Shared memory combined with a tile of a descriptor."""

    name = "ttng.async_tma_reduce"
    kind = word(values=REDUCE_KINDS, first=1, required=True)
    desc = operand()
    coord = variadic()
    source = operand()
    format = "$kind `,` $desc `[` $coord `]` $source attr-dict `:` type($desc) `,` type($source)"


class AsyncTmaGather(_Effect):
    """Rows of a descriptor into shared memory."""

    name = "ttng.async_tma_gather"
    desc = operand()
    x_offsets = operand()
    y_offset = operand()
    barrier = operand()
    target = operand()
    predicate = operand()
    multicast = flag()
    format = (
        "$desc `[` $x_offsets `,` $y_offset `]` $target `,` $barrier `,` $predicate attr-dict"
        " `:` type(operands)"
    )


class AsyncTmaScatter(_Effect):
    """Shared memory into rows of a descriptor."""

    name = "ttng.async_tma_scatter"
    desc = operand()
    x_offsets = operand()
    y_offset = operand()
    source = operand()
    format = "$desc `[` $x_offsets `,` $y_offset `]` $source attr-dict `:` type(operands)"


class AsyncTmaStoreWait(_Effect):
    """Waits until at most `pendings` stores are under way."""

    name = "ttng.async_tma_store_wait"
    pendings = integer(required=True)
    read_only = flag()
    format = "attr-dict"


class TcGen5Mma(Op):
    """Blackwell's dot on tensor memory."""

    name = "ttng.tc_gen5_mma"
    regions_held = 0
    segmented = True
    a = operand()
    b = operand()
    d = operand()
    acc_dep = optional()
    use_d = operand()
    predicate = operand()
    barriers = variadic()
    barrier_preds = variadic()
    is_async = flag()
    two_ctas = flag()
    multicast = flag()
    is_unsigned = flag()
    infer = staticmethod(_with_token)
    format = (
        "$a `,` $b `,` $d token($acc_dep) `,` $use_d `,` $predicate"
        " barriers($barriers, $barrier_preds) attr-dict"
        " `:` type($a) `,` type($b) `,` type($d) (`,` type($barriers)^)?"
    )


class TcGen5MmaScaled(Op):
    """Blackwell's dot with block scales."""

    name = "ttng.tc_gen5_mma_scaled"
    regions_held = 0
    segmented = True
    a = operand()
    b = operand()
    d = operand()
    acc_dep = optional()
    a_scale = operand()
    b_scale = operand()
    use_d = operand()
    predicate = operand()
    barriers = variadic()
    barrier_preds = variadic()
    a_type = word(values=SCALED_ELEMENTS, required=True)
    b_type = word(values=SCALED_ELEMENTS, required=True)
    is_async = flag()
    two_ctas = flag()
    multicast = flag()
    infer = staticmethod(_with_token)
    format = (
        "$a `,` $b `,` $d token($acc_dep) `,` $a_scale `,` $b_scale `,` $use_d `,` $predicate"
        " `lhs` `=` $a_type `rhs` `=` $b_type barriers($barriers, $barrier_preds) attr-dict"
        " `:` type($a) `,` type($b) `,` type($d) `,` type($a_scale) `,` type($b_scale)"
        " (`,` type($barriers)^)?"
    )


class TcGen5Commit(_Effect):
    """A barrier that waits for the dots before it."""

    name = "ttng.tc_gen5_commit"
    segmented = True
    barrier = operand()
    predicate = optional()
    descs = variadic()
    format = (
        "$barrier (`,` $predicate^)? (`descs` $descs^)? attr-dict"
        " `:` type($barrier) (`,` type($descs)^)?"
    )


class TmemWait(_Effect):
    """Waits for loads or stores of tensor memory."""

    name = "ttng.tmem_wait"
    kind = word(values=("load", "store"), required=True)
    format = "$kind attr-dict"


class TmemLoad(Op):
    """Tensor memory into registers."""

    name = "ttng.tmem_load"
    regions_held = 0
    result_names = ("result", "red")
    source = operand()
    dep = optional()
    red_op = attribute(key="redOp")
    infer = staticmethod(_with_token)
    format = "$source token($dep) attr-dict `:` type($source) `->` type(results)"

    # The token stands between the results that the text names.


class TmemStore(Op):
    """Registers into tensor memory."""

    name = "ttng.tmem_store"
    regions_held = 0
    segmented = True
    target = operand()
    dep = optional()
    source = operand()
    predicate = operand()
    infer = staticmethod(_with_token)
    format = (
        "$source `,` $target token($dep) `,` $predicate attr-dict"
        " `:` type($source) `->` type($target)"
    )


class TmemAlloc(Op):
    """A buffer in tensor memory."""

    name = "ttng.tmem_alloc"
    regions_held = 0
    source = optional()
    format = "($source^)? attr-dict `:` functional-type(operands, results)"


class TmemSubslice(Op):
    """A part of a buffer in tensor memory."""

    name = "ttng.tmem_subslice"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    offset = integer(required=True)
    dim = integer(1)
    format = "$source attr-dict `:` type($source) `->` type($result)"


class TmemCopy(_Effect):
    """Shared memory into tensor memory."""

    name = "ttng.tmem_copy"
    source = operand()
    target = operand()
    format = "$source `,` $target attr-dict `:` type(operands)"


class ReinterpretTensorDescriptor(Op):
    """A descriptor that stands in global memory."""

    name = "ttng.reinterpret_tensor_descriptor"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    format = "$source attr-dict `:` type($source) `to` type($result)"


class TensormapCreate(_Effect):
    """Writes a descriptor into global memory."""

    name = "ttng.tensormap_create"
    segmented = True
    desc_ptr = operand()
    global_address = operand()
    box_dim = variadic()
    global_dim = variadic()
    global_stride = variadic()
    element_stride = variadic()
    format = (
        "$desc_ptr `,` $global_address `,` `[` $box_dim `]` `,` `[` $global_dim `]` `,`"
        " `[` $global_stride `]` `,` `[` $element_stride `]` attr-dict"
        " `:` functional-type(operands, results)"
    )


class TensormapFenceproxyAcquire(_Effect):
    """Makes such a descriptor known to the copy unit."""

    name = "ttng.tensormap_fenceproxy_acquire"
    desc_ptr = operand()
    format = "$desc_ptr attr-dict `:` type($desc_ptr)"
