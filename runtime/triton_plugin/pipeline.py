"""Triton's own passes, up to TTGIR: those that are for every GPU.

Left out is what is for one vendor's instructions: asynchronous copies (the software pipeliner), and
the passes that choose the layouts of tensor cores.
"""

from __future__ import annotations

from typing import Any

from trimetal.transpiler.target import get_target

from .options import MetalOptions
from .triton_api import Metadata, ir, passes, version


def make_ttir(module: Any, metadata: Metadata) -> Any:
    """Inlines, and removes what has another form: tensor descriptors and block pointers."""
    _rewrite_descriptors(module)
    manager = ir.pass_manager(module.context)
    manager.enable_debug()
    passes.common.add_canonicalizer(manager)
    passes.ttir.add_combine(manager)
    passes.ttir.add_reorder_broadcast(manager)
    passes.common.add_cse(manager)
    passes.ttir.add_triton_licm(manager)
    passes.common.add_symbol_dce(manager)
    passes.ttir.add_loop_unroll(manager)
    _run(manager, module, "make_ttir")
    return module


def _rewrite_descriptors(module: Any) -> None:
    manager = ir.pass_manager(module.context)
    manager.enable_debug()
    passes.common.add_inliner(manager)
    # Block pointers are ops up to Triton 3.7.
    if hasattr(passes.ttir, "add_rewrite_tensor_pointer"):
        passes.ttir.add_rewrite_tensor_pointer(manager)
    passes.ttir.add_rewrite_tensor_descriptor_to_pointer(manager)
    before = _number_of_arguments(module)
    _run(manager, module, "make_ttir")
    after = _number_of_arguments(module)
    # Up to Triton 3.5, hints stay at their number when a descriptor becomes several arguments.
    if after != before and version() < (3, 6):
        for index in range(after):
            _entry(module).set_arg_attr(index, "tt.divisibility", 1)


def _entry(module: Any) -> Any:
    return module.get_function(module.get_entry_func_name())


def _number_of_arguments(module: Any) -> int:
    return _entry(module).get_num_args()


def make_ttgir(module: Any, metadata: Metadata, *, options: MetalOptions) -> Any:
    """Gives every tensor a layout: coalesced accesses, few conversions."""
    manager = ir.pass_manager(module.context)
    manager.enable_debug()
    passes.ttir.add_convert_to_ttgpuir(
        manager,
        f"metal:apple{get_target(options.arch).family}",
        options.num_warps,
        options.warp_size,
        options.num_ctas,
    )
    passes.ttgpuir.add_coalesce(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttgpuir.add_optimize_thread_locality(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttir.add_loop_aware_cse(manager)
    # Loops that a kernel asks to be flattened.
    passes.ttgpuir.add_fuse_nested_loops(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttir.add_triton_licm(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttgpuir.add_combine_tensor_select_and_if(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttgpuir.add_reduce_data_duplication(manager)
    passes.ttgpuir.add_reorder_instructions(manager)
    passes.ttir.add_loop_aware_cse(manager)
    passes.common.add_symbol_dce(manager)
    passes.common.add_sccp(manager)
    passes.common.add_cse(manager)
    passes.common.add_canonicalizer(manager)
    _run(manager, module, "make_ttgir")
    return module


def _run(manager: Any, module: Any, name: str) -> None:
    try:
        # The name is for the file in which a crash is written down; Triton 3.4 and 3.5 want none.
        manager.run(module, name)
    except TypeError:
        manager.run(module)
