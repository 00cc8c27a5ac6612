"""The one list of passes, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .errors import VerifyError
from .ir.core import Module
from .ir.verify import verify
from .lower.kernel import lower
from .passes.accelerate import accelerate
from .passes.barriers import place_barriers
from .passes.buffers import lower_buffers
from .passes.canonicalize import canonicalize
from .passes.cleanup import (
    eliminate_common_subexpressions,
    eliminate_dead_code,
    forward_values,
    hoist_loop_invariants,
)
from .passes.coherence import mark_coherent
from .passes.contraction import contract
from .passes.coverage import note_coverage
from .passes.debugging import record_debugging
from .passes.dequantize import dequantize
from .passes.descriptors import lower_descriptors
from .passes.guards import merge_guards
from .passes.inline import inline_calls
from .passes.layouts import place_layouts
from .passes.memory_order import order_memory
from .passes.merge_dots import merge_dots
from .passes.numbers import refuse_doubles, split_results
from .passes.plain_axes import make_axes_plain
from .passes.plain_dots import make_dots_plain
from .passes.pointers import carry_distances
from .passes.rings import empty_rings
from .passes.shared_memory import plan_shared_memory
from .passes.simdgroups import add_simdgroups
from .passes.staging import stage_operands
from .passes.structure import structure_control_flow
from .passes.threadgroup_memory import plan_threadgroup_memory
from .target import Target


@dataclass(frozen=True)
class Pass:
    """A named step; `run` changes the module in place or gives another one."""

    name: str
    run: Callable[[Module, Target], Module]


def _in_place(function: Callable[[Module], None]) -> Callable[[Module, Target], Module]:
    def run(module: Module, target: Target) -> Module:
        function(module)
        return module

    return run


CONTRACTION = "contraction"


def verify_passes(module: Module) -> None:
    """What the passes on tensors made: a mistake of theirs must not become a wrong kernel."""
    try:
        verify(module)
    except VerifyError as error:
        note = "the text is right, a pass of Trimetal made this of it: please report it"
        raise VerifyError(error.message, error.span, note) from None


# On tensors: one function without branches between blocks, then smaller, so that the plan sees
# every value once. `lower` makes one thread's program. On threads: what each register loop
# recomputes is shared (cse) and moved out of it (hoist), before guards are merged, since a mask
# computed twice would give two guards.
PASSES: tuple[Pass, ...] = (
    Pass("structure", _in_place(structure_control_flow)),
    Pass("inline", _in_place(inline_calls)),
    Pass("descriptors", _in_place(lower_descriptors)),
    Pass("buffers", _in_place(lower_buffers)),
    Pass("debugging", _in_place(record_debugging)),
    Pass("plain-dots", _in_place(make_dots_plain)),
    Pass("rings", _in_place(empty_rings)),
    Pass("merge-dots", _in_place(merge_dots)),  # each buffer is filled once now
    Pass("shared-memory", plan_shared_memory),
    Pass("split-results", _in_place(split_results)),
    Pass("canonicalize", _in_place(canonicalize)),
    Pass("coverage", _in_place(note_coverage)),  # before pointers become distances
    Pass("pointers", _in_place(carry_distances)),
    Pass("cse", _in_place(eliminate_common_subexpressions)),
    Pass("dce", _in_place(eliminate_dead_code)),
    Pass("refuse-doubles", _in_place(refuse_doubles)),
    Pass("dequantize", _in_place(dequantize)),
    Pass("simdgroups", add_simdgroups),
    Pass("accelerate", accelerate),
    Pass("layouts", place_layouts),
    Pass("cse-layouts", _in_place(eliminate_common_subexpressions)),
    Pass("dce-layouts", _in_place(eliminate_dead_code)),
    Pass("stage", stage_operands),
    Pass("dce-stage", _in_place(eliminate_dead_code)),
    Pass("plain-axes", make_axes_plain),
    Pass("memory-order", _in_place(order_memory)),  # every access has its threads now
    Pass("verify-tensors", _in_place(verify_passes)),
    Pass("lower", lower),
    Pass("forward", _in_place(forward_values)),
    Pass("hoist", _in_place(hoist_loop_invariants)),
    Pass("cse-threads", _in_place(eliminate_common_subexpressions)),
    Pass("dce-threads", _in_place(eliminate_dead_code)),
    Pass(CONTRACTION, _in_place(contract)),  # no product has a use any more that comes to nothing
    Pass("guards", _in_place(merge_guards)),
    Pass("threadgroup-memory", plan_threadgroup_memory),
    Pass("barriers", _in_place(place_barriers)),
    Pass("coherence", _in_place(mark_coherent)),
)
PASS_NAMES: tuple[str, ...] = tuple(each.name for each in PASSES)


def passes(*, enable_fp_fusion: bool) -> Iterator[Pass]:
    """The passes of a compilation: without fusion, products and sums round by themselves."""
    return (each for each in PASSES if enable_fp_fusion or each.name != CONTRACTION)
