# pyright: basic
"""Flash attention, forward and backward: the algorithm of Triton's tutorial 06."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ..lower.support import Array
from .support import DTYPES, assert_close, empty, launch_for, normal, product

pytestmark = pytest.mark.triton

HEADS = 2
CAUSAL = pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])


@dataclass
class Attention:
    """What attention gives and takes, heads x context x dim; `delta` and `norm` a row each."""

    out: Array
    norm: Array
    dq: Array
    dk: Array
    dv: Array


def reference(
    q: Array, k: Array, v: Array, grad: Array, scale: float, causal: bool, rounding: str
) -> Attention:
    """Attention and its gradients, in double precision, or in float with the kernel's roundings.

    The kernels round to `rounding` what goes into a dot, and what they store.
    """
    wide = np.float64 if not rounding else np.float32

    def rounded(x: Array) -> Array:
        return x.astype(DTYPES[rounding]).astype(wide) if rounding else x

    def dot(a: Array, b: Array) -> Array:
        return np.stack([product(*pair) for pair in zip(a, b, strict=True)]) if rounding else a @ b

    def turned(x: Array) -> Array:
        return x.swapaxes(1, 2)

    q, k, v, grad = (x.astype(wide) for x in (q, k, v, grad))
    scores = dot(q, turned(k)) * (wide(scale) * wide(np.log2(np.e)))
    if causal:
        below = np.tril(np.ones(scores.shape[1:], bool))
        scores = np.where(below, scores, wide(-np.inf))
    largest = scores.max(2, keepdims=True)
    weights = np.exp2(scores - largest)
    total = weights.sum(2, keepdims=True)
    norm = largest + np.log2(total)
    out = rounded(dot(rounded(weights), v) / total)
    weights = np.exp2(scores - norm)
    delta = (out * grad).sum(2, keepdims=True)
    changes = weights * (dot(grad, turned(v)) - delta)
    dq = rounded(dot(rounded(changes), k) * wide(scale))
    dk = rounded(dot(rounded(turned(changes)), q) * wide(scale))
    dv = rounded(dot(rounded(turned(weights)), grad))
    return Attention(out, norm[:, :, 0], dq, dk, dv)


def run(
    kind: str,
    dim: int,
    causal: bool,
    context: int,
    block: int,
    *,
    backward: bool,
    target: str = "m3",
) -> None:
    """Forward, and from its results backward, against the reference."""

    def start(name: str, arguments: dict[str, object], **constants: object) -> None:
        shader = launch_for(target, name, grid, arguments, **constants)
        assert shader.threadgroup_memory <= 32768

    generator = np.random.default_rng()
    shape = (HEADS, context, dim)
    q, k, v, grad = (normal(shape, kind, generator) for _ in range(4))
    scale = dim**-0.5
    out, norm = empty(shape, kind), empty((HEADS, context), "f32")
    grid = (context // block, HEADS)
    inputs: dict[str, object] = {"q_ptr": q, "k_ptr": k, "v_ptr": v}
    sizes = {"context": context, "scale": scale}
    blocks = {"DIM": dim, "BLOCK_M": block, "BLOCK_N": block, "CAUSAL": causal}
    start("attention", {**inputs, "out_ptr": out, "norm_ptr": norm, **sizes}, **blocks)
    exact = reference(q, k, v, grad, scale, causal, "")
    single = reference(q, k, v, grad, scale, causal, kind)
    where = f"{kind} {dim} {'causal' if causal else 'all'}"
    assert_close(out, exact.out, single.out, f"out, {where}")
    np.testing.assert_allclose(out.astype(np.float64), exact.out, rtol=0, atol=1e-2)
    assert_close(norm, exact.norm, single.norm, f"norm, {where}")
    if not backward:
        return
    delta = empty((HEADS, context), "f32")
    known: dict[str, object] = {"out_ptr": out, "grad_ptr": grad, "delta_ptr": delta}
    start("row_products", {**known, "context": context}, DIM=dim, BLOCK=block)
    del known["out_ptr"]
    known = {**inputs, "grad_ptr": grad, "norm_ptr": norm, "delta_ptr": delta}
    dq, dk, dv = (empty(shape, kind) for _ in range(3))
    start("attention_grad_kv", {**known, "dk_ptr": dk, "dv_ptr": dv, **sizes}, **blocks)
    start("attention_grad_q", {**known, "dq_ptr": dq, **sizes}, **blocks)
    for name, found in (("dq", dq), ("dk", dk), ("dv", dv)):
        wanted, alike = getattr(exact, name), getattr(single, name)
        assert_close(found, wanted, alike, f"{name}, {where}")
        np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=0, atol=3e-2)


@CAUSAL
@pytest.mark.parametrize("kind", DTYPES)
def test_forward(kind: str, causal: bool) -> None:
    run(kind, 32, causal, 64, 32, backward=False)


@CAUSAL
def test_backward(causal: bool) -> None:
    run("f16", 32, causal, 64, 32, backward=True)


@pytest.mark.slow
@CAUSAL
@pytest.mark.parametrize("dim", [16, 32, 64, 128, 256])
@pytest.mark.parametrize("kind", DTYPES)
def test_dimensions(kind: str, dim: int, causal: bool) -> None:
    run(kind, dim, causal, 128, 32, backward=True)


@pytest.mark.slow
@pytest.mark.parametrize("block", [16, 64])
@pytest.mark.parametrize("dim", [64, 128, 256])
@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_blocks(kind: str, dim: int, block: int) -> None:
    """Some fit threadgroup memory, of some not all that is needed at once."""
    run(kind, dim, True, 128, block, backward=True)


@pytest.mark.slow
@pytest.mark.parametrize("block", [16, 32, 64])
@pytest.mark.parametrize("dim", [128, 256])
@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_where_all_is_staged(kind: str, dim: int, block: int) -> None:
    """M1 loads nothing directly: what does not fit goes in slices of K."""
    run(kind, dim, True, 128, block, backward=True, target="m1")


@pytest.mark.slow
@CAUSAL
@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_blocks_of_the_tutorial(kind: str, causal: bool) -> None:
    """128 x 64 and 64 x 64 are what it tries first for a dimension of 64."""
    run(kind, 64, causal, 256, 64, backward=False)
