"""Kernels of every kind under the address, undefined behaviour and thread sanitizers.

They are those of other tests, which check the results too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.dot import test_one_dot
from tests.lower import test_reduce
from tests.memory import test_atomics, test_descriptors, test_shared_memory, test_spinning
from tests.shape import test_indexed, test_scan, test_views
from tests.shape import test_reduce as test_any_reduce
from trimetal import runtime
from trimetal.transpiler.shader import Argument, Shader

from .support import SANITIZERS, Watched, is_there

KERNELS: dict[str, Callable[[], object]] = {
    "reduce": lambda: test_reduce.test_shapes((256, 16), 0),
    "reduce large": lambda: test_any_reduce.test_tiles_far_over_1024_elements(1),
    "reduce in rounds": test_any_reduce.test_more_partial_results_than_threadgroup_memory,
    "scan": lambda: test_scan.test_linear_layouts(1),
    "scan of waves": lambda: test_scan.test_waves_of_64_lanes(True),
    "convert layout": lambda: test_views.test_convert_layout(2),
    "convert in rounds": test_views.test_an_exchange_in_rounds_of_several_tensors,
    "reshape": lambda: test_views.test_reshape(1),
    "gather": lambda: test_indexed.test_gather(0, "f32"),
    "gather in rounds": test_indexed.test_a_gather_from_more_than_threadgroup_memory,
    "histogram": lambda: test_indexed.test_histogram(1024, 64, True),
    "shared memory": lambda: test_shared_memory.test_gather_and_scatter(0),
    "buffers in turn": test_shared_memory.test_buffers_in_turn_carried_through_a_loop,
    "descriptors": test_descriptors.test_a_loop_carries_descriptors,
    "atomics": lambda: test_atomics.test_many_threads_meet_at_few_places("f16"),
    "tickets": test_atomics.test_each_program_gets_a_ticket_of_its_own,
    "lock": test_spinning.test_a_lock_lets_one_program_in_at_a_time,
    "dot": lambda: test_one_dot.test_f32((32, 64, 32), 4),
}


@pytest.fixture(params=SANITIZERS)
def watched(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Watched:
    """The sanitizer in the place of the CPU device."""
    if not is_there(request.param, tmp_path):
        pytest.skip(f"this machine's compiler has no such sanitizer: {request.param}")
    found = Watched(request.param, tmp_path)
    monkeypatch.setattr(runtime, "compile", found.compile)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_nothing_is_reported(name: str, watched: Watched) -> None:
    KERNELS[name]()
    assert watched.launches > 0


WRONG = """#include <metal_stdlib>
using namespace metal;
kernel void wrong(device int* out [[buffer(0)]],
                  uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup int shared[64];
    shared[thread_index] = int(thread_index);
    %s
    const int other = shared[63 - thread_index];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[thread_index%s] = other;
}
"""


def launch_wrong(watched: Watched, barrier: str, further: str) -> None:
    """A kernel with a barrier or without, and stores where they should be or behind that."""
    arguments = (Argument("out", "buffer", "i32", 0, written=True),)
    shader = Shader(WRONG % (barrier, further), "wrong", arguments, 64, 256, "m3")
    watched.compile(shader)((1,), np.zeros(64, np.int32))


@pytest.mark.slow
@pytest.mark.parametrize("watched", ["threads"], indirect=True)
def test_a_missing_barrier_is_reported(watched: Watched) -> None:
    launch_wrong(watched, "threadgroup_barrier(mem_flags::mem_threadgroup);", "")
    with pytest.raises(AssertionError, match="data race"):
        launch_wrong(watched, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("watched", ["address"], indirect=True)
def test_a_store_behind_a_buffer_is_reported(watched: Watched) -> None:
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        launch_wrong(watched, "threadgroup_barrier(mem_flags::mem_threadgroup);", " + 1")
