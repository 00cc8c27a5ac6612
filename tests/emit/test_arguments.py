"""Kernels with more arguments than Metal has slots: the scalars share one, in a struct."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal
from tests.lower.support import module, poison, run
from trimetal.transpiler.errors import OutOfResourcesError

KINDS = ("i32", "i1", "i64", "f16", "i8", "f32", "i16", "bf16")
# MLIR's op that makes a float of a value, if one is needed.
WIDEN = {"f16": "extf", "bf16": "extf", "f32": ""}


def text_of(scalars: int, buffers: int) -> str:
    """out[k] = scalar k, as float; the other buffers are not used."""
    kinds = [KINDS[k % len(KINDS)] for k in range(scalars)]
    # The scalars stand on both sides of the buffers.
    arguments = [f"%n{k}: {kind}" for k, kind in enumerate(kinds)]
    between = ["%out: !tt.ptr<f32>", *(f"%b{k}: !tt.ptr<f32>" for k in range(buffers - 1))]
    arguments[scalars // 2 : scalars // 2] = between
    lines: list[str] = []
    for k, kind in enumerate(kinds):
        widen = WIDEN.get(kind, "uitofp" if kind == "i1" else "sitofp")
        value = f"%f{k}" if widen else f"%n{k}"
        lines += [f"%f{k} = arith.{widen} %n{k} : {kind} to f32"] * bool(widen)
        lines += [
            f"%c{k} = arith.constant {k} : i32",
            f"%p{k} = tt.addptr %out, %c{k} : !tt.ptr<f32>, i32",
            f"tt.store %p{k}, {value} : !tt.ptr<f32>",
        ]
    body = "\n    ".join([*lines, "tt.return"])
    return module(f"  tt.func public @many({', '.join(arguments)}) {{\n    {body}\n  }}")


def values_of(scalars: int) -> list[float]:
    """Numbers that each kind holds exactly."""
    random = np.random.default_rng()
    drawn = random.integers(-100, 100, scalars)
    return [
        float(number % 2 if KINDS[k % len(KINDS)] == "i1" else number)
        for k, number in enumerate(drawn)
    ]


@pytest.mark.parametrize(("scalars", "buffers"), [(30, 1), (31, 1), (53, 1), (29, 30)])
def test_scalars_share_a_slot_where_slots_run_out(scalars: int, buffers: int) -> None:
    values = values_of(scalars)
    given: list[object] = [
        value if "f" in KINDS[k % len(KINDS)] else int(value) for k, value in enumerate(values)
    ]
    out = poison(scalars, "float32")
    given[scalars // 2 : scalars // 2] = [out, *(poison(1, "float32") for _ in range(buffers - 1))]
    shader = run(text_of(scalars, buffers), (1,), *given)
    assert out.tolist() == values
    slots = {argument.index for argument in shader.arguments}
    packs = scalars + buffers > 31
    assert slots == set(range(buffers + 1 if packs else scalars + buffers))
    assert ("struct Scalars" in shader.source) == packs


def test_more_buffers_than_slots_are_refused() -> None:
    with pytest.raises(OutOfResourcesError, match="buffer arguments: 32 needed, 31 available"):
        trimetal.transpile(text_of(2, 31))


def test_the_members_have_their_sizes_as_alignment() -> None:
    shader = trimetal.transpile(text_of(32, 1))
    scalars = [argument for argument in shader.arguments if argument.kind == "scalar"]
    assert [argument.offset for argument in scalars[:9]] == [0, 4, 8, 16, 18, 20, 24, 26, 28]
