# pyright: basic
# pyright: reportCallIssue=false
"""The bases of every layout are libtriton's own, and so is their text."""
# pyright: basic, reportMissingImports=false, reportCallIssue=false

from __future__ import annotations

import pytest

from trimetal.transpiler.ir.encodings import (
    AmdMfmaEncoding,
    AmdWmmaEncoding,
    BlockedEncoding,
    DotOperandEncoding,
    Encoding,
    GenericLinearEncoding,
    LinearEncoding,
    NvidiaMmaEncoding,
    NvmmaSharedEncoding,
    SharedEncoding,
    SharedLinearEncoding,
    SliceEncoding,
    SwizzledSharedEncoding,
)

from .layouts import Shape, distributed, shared

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def builder():
    from triton._C.libtriton import amd, gluon_ir, ir, nvidia

    context = ir.context()
    ir.load_dialects(context)
    nvidia.load_dialects(context)
    amd.load_dialects(context)
    made = gluon_ir.GluonOpBuilder(context)
    made.kept = context
    return made


def lists(value):
    return [lists(v) for v in value] if isinstance(value, tuple) else value


def in_gluon(layout: Encoding | SharedEncoding, shape: Shape):
    """Triton's own object for a layout; None where Gluon has none."""
    if isinstance(layout, SharedEncoding):
        return shared_in_gluon(layout)
    if isinstance(layout, AmdMfmaEncoding | AmdWmmaEncoding):
        return amd_in_gluon(layout)
    from triton.experimental.gluon.language import _layouts as gluon

    match layout:
        case BlockedEncoding():
            fields = layout.size_per_thread, layout.threads_per_warp, layout.warps_per_cta
            return gluon.BlockedLayout(*map(list, fields), list(layout.order))  # pyright: ignore[reportCallIssue]
        case SliceEncoding():
            return gluon.SliceLayout(layout.dim, in_gluon(layout.parent, shape))
        case DotOperandEncoding():
            parent = in_gluon(layout.parent, shape)
            return gluon.DotOperandLayout(layout.op_idx, parent, layout.k_width)
        case LinearEncoding() if not isinstance(layout, GenericLinearEncoding):
            bases = (layout.register, layout.lane, layout.warp, layout.block)
            return gluon.DistributedLinearLayout(*map(lists, bases), layout.sizes())  # pyright: ignore[reportCallIssue]
        case NvidiaMmaEncoding():
            version = [layout.version_major, layout.version_minor]
            shape_ = list(layout.instr_shape)
            return gluon.NVMMADistributedLayout(version, list(layout.warps_per_cta), shape_)
        case _:
            return None


def amd_in_gluon(layout: AmdMfmaEncoding | AmdWmmaEncoding):
    from triton.experimental.gluon.language.amd import _layouts as amd

    if isinstance(layout, AmdMfmaEncoding):
        return amd.AMDMFMALayout(
            layout.version,
            list(layout.instr_shape),
            layout.is_transposed,
            list(layout.warps_per_cta),
            layout.element_bit_width,
            list(layout.tiles),
        )
    return amd.AMDWMMALayout(
        layout.version,
        layout.is_transposed,
        lists(layout.cta_warp),
        lists(layout.cta_register),
        list(layout.instr_shape),
        [],
        layout.rank,
    )


def shared_in_gluon(layout: SharedEncoding):
    from triton.experimental.gluon.language import _layouts as gluon

    if isinstance(layout, NvmmaSharedEncoding):
        return gluon.NVMMASharedLayout(
            layout.swizzling_byte_width,
            layout.element_bit_width,
            layout.dims,
            layout.transposed,
        )
    if type(layout) is SwizzledSharedEncoding:
        order = list(layout.order)
        return gluon.SwizzledSharedLayout(layout.vec, layout.per_phase, layout.max_phase, order)
    if isinstance(layout, SharedLinearEncoding):
        return gluon.SharedLinearLayout(lists(layout.offset), lists(layout.block), layout.alignment)
    return None


def _tuples(bases):
    return tuple(map(tuple, bases))


def test_distributed_layouts(builder) -> None:
    compared = 0
    for layout, shape in distributed():
        other = in_gluon(layout, shape)
        if other is None:
            continue
        theirs = builder.to_linear_layout(other._to_ir(builder), list(shape))
        ours = layout.to_linear(shape)
        expected = (theirs.reg_bases, theirs.lane_bases, theirs.warp_bases)
        assert (ours.register, ours.lane, ours.warp) == tuple(map(_tuples, expected)), (
            str(layout),
            shape,
        )
        compared += 1
    assert compared > 500


def test_layouts_of_shared_memory(builder) -> None:
    compared = 0
    for layout, shape in shared():
        other = in_gluon(layout, shape)
        if other is None:
            continue
        theirs = builder.to_linear_layout(other._to_ir(builder), list(shape))
        expected = _tuples(theirs.offset_bases)
        assert layout.to_linear(shape).offset == expected, (str(layout), shape)
        compared += 1
    assert compared > 100
