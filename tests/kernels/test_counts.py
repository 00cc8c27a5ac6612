# pyright: basic
"""What the loops of kernels with dots do, counted while they run."""

from __future__ import annotations

import numpy as np
import pytest

from trimetal.runtime import Profile

from .support import DTYPES, empty, normal, profile
from .test_matmul import operands

pytestmark = pytest.mark.triton


def matmul_step(kind: str, size: int, k: int) -> Profile:
    """The counts of a product of `size` rows and columns by four threadgroups of 4 simdgroups."""
    arguments = operands(kind, size, size, k)
    blocks = {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32}
    return profile("matmul", (4,), arguments, **blocks, GROUP=8, EPILOGUE="none")


@pytest.mark.parametrize("size", [128, 99], ids=["full blocks", "masked"])
@pytest.mark.parametrize("kind", ["f32", "f16", "bf16"])
def test_a_step_of_matmul(kind: str, size: int) -> None:
    """64 x 64 blocks: two multiplies a fragment load at least; two barriers where it is staged."""
    few, many = matmul_step(kind, size, 64), matmul_step(kind, size, 256)
    turns = (256 - 64) // 32 * many.threadgroups
    multiplies = many.multiply_accumulates - few.multiply_accumulates
    assert multiplies == turns * 8 * 8 * 4
    assert multiplies >= 2 * (many.fragment_loads - few.fragment_loads)
    written = many.threadgroup.bytes_stored - few.threadgroup.bytes_stored
    least = turns * 2 * 64 * 32 * DTYPES[kind].itemsize
    assert written <= least
    assert many.barriers - few.barriers <= (2 * turns if written else 0)
    # Once a threadgroup; straight from memory, once each of the two simdgroups that share it.
    read = many.device.bytes_loaded - few.device.bytes_loaded
    assert read <= (least if written else 2 * least)


def test_sums_stay_in_fragments() -> None:
    """Nothing but the product itself is stored, once."""
    found = matmul_step("f32", 128, 64)
    assert found.device.bytes_stored == 128 * 128 * 4
    assert found.threadgroup.fragment_stores == 0


@pytest.mark.parametrize("kind", ["f16", "f32"])
def test_attention_keeps_its_weights_in_registers(kind: str) -> None:
    """A step of the loop writes k and v to threadgroup memory, and nothing else."""
    dim, block = 32, 32
    element = 2 if kind == "f16" else 4

    def counted(context: int) -> Profile:
        generator = np.random.default_rng()
        shape = (1, context, dim)
        names = ("q_ptr", "k_ptr", "v_ptr")
        arguments: dict[str, object] = {name: normal(shape, kind, generator) for name in names}
        arguments |= {"out_ptr": empty(shape, kind), "norm_ptr": empty((1, context), "f32")}
        arguments |= {"context": context, "scale": 0.5}
        blocks = {"DIM": dim, "BLOCK_M": block, "BLOCK_N": block, "CAUSAL": False}
        return profile("attention", (1,), arguments, **blocks)

    few, many = counted(64), counted(256)
    turns = (256 - 64) // block
    written = many.threadgroup.bytes_stored - few.threadgroup.bytes_stored
    assert written <= turns * 2 * block * dim * element
    assert many.threadgroup.fragment_stores == 0
    assert many.multiply_accumulates - few.multiply_accumulates == turns * 2 * 4 * 4 * 4


@pytest.mark.parametrize("kind", ["f16", "f32"])
def test_a_matrix_and_its_transpose_share_threadgroup_memory(kind: str) -> None:
    """q and grad are operands of two dots each, once transposed: written once a step at most."""
    dim, block = 32, 16
    element = DTYPES[kind].itemsize

    def counted(context: int) -> Profile:
        generator = np.random.default_rng()
        shape = (1, context, dim)
        names = ("q_ptr", "k_ptr", "v_ptr", "grad_ptr")
        arguments: dict[str, object] = {name: normal(shape, kind, generator) for name in names}
        rows = {name: normal((1, context), "f32", generator) for name in ("norm_ptr", "delta_ptr")}
        arguments |= {**rows, "dk_ptr": empty(shape, kind), "dv_ptr": empty(shape, kind)}
        arguments |= {"context": context, "scale": 0.5}
        blocks = {"DIM": dim, "BLOCK_M": block, "BLOCK_N": block, "CAUSAL": False}
        return profile("attention_grad_kv", (1,), arguments, **blocks)

    few, many = counted(64), counted(256)
    turns = (256 - 64) // block
    written = many.threadgroup.bytes_stored - few.threadgroup.bytes_stored
    # And weights and changes, which are left operands of dots as their own transposes.
    assert written <= turns * (2 * block * dim + 2 * block * block) * element
    assert many.threadgroup_bytes <= 16384
