"""Splats, ranges, broadcasts, transpositions, reshapes, joins, splits, cats and conversions."""

from __future__ import annotations

import random

import numpy as np
import pytest

import trimetal

from ..lower.support import poison, run
from .support import (
    NUMPY,
    Layout,
    blocked_layout,
    kernel,
    linear_layout,
    mixed_layout,
    numbers,
    tensor,
)

SHAPES = [(256,), (16, 32), (4, 8, 16), (2, 4, 4, 8), (2, 2, 4, 4, 8)]


@pytest.mark.parametrize("seed", range(12))
def test_convert_layout(seed: int) -> None:
    source = random.Random(seed)
    shape = source.choice(SHAPES)
    make = mixed_layout if seed % 3 == 0 else linear_layout
    before, after = make(shape, source), linear_layout(shape, source)
    body = f"%y = ttg.convert_layout %x0 : {tensor(before, 'i32')} -> {tensor(after, 'i32')}"
    x, out = numbers(shape, "i32"), poison(shape, "int32")
    run(kernel([(before, "i32")], body, [("%y", after, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("seed", range(8))
def test_trans(seed: int) -> None:
    source = random.Random(seed)
    shape = source.choice(SHAPES[1:])
    order = source.sample(range(len(shape)), len(shape))
    before = linear_layout(shape, source)
    turned = tuple(shape[dim] for dim in order)
    after = linear_layout(turned, source)
    if seed % 2:  # as Triton infers it: only a renaming
        move = [
            [tuple(b[d] for d in order) for b in part]
            for part in (before.registers, before.lanes, before.warps)
        ]
        after = Layout(turned, *map(tuple, move))
    body = f"""%y = tt.trans %x0 {{order = array<i32: {", ".join(map(str, order))}>}} :
        {tensor(before, "i16")} -> {tensor(after, "i16")}"""
    x, out = numbers(shape, "i16"), poison(turned, "int16")
    run(kernel([(before, "i16")], body, [("%y", after, "i16")]), (1,), x, out)
    np.testing.assert_array_equal(out, np.transpose(x, order))


@pytest.mark.parametrize("seed", range(8))
def test_reshape(seed: int) -> None:
    source = random.Random(seed)
    shape, other = source.sample([(512,), (16, 32), (4, 8, 16), (2, 4, 8, 8)], 2)
    before, after = linear_layout(shape, source), linear_layout(other, source)
    body = f"%y = tt.reshape %x0 : {tensor(before, 'i32')} -> {tensor(after, 'i32')}"
    x, out = numbers(shape, "i32"), poison(other, "int32")
    run(kernel([(before, "i32")], body, [("%y", after, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(out, np.reshape(x, other))


@pytest.mark.parametrize("seed", range(4))
def test_reshape_in_any_order_keeps_every_element(seed: int) -> None:
    source = random.Random(seed)
    before, after = linear_layout((16, 32), source), linear_layout((512,), source)
    body = f"%y = tt.reshape %x0 allow_reorder : {tensor(before, 'i32')} -> {tensor(after, 'i32')}"
    x, out = np.reshape(np.arange(512, dtype=np.int32), (16, 32)), poison(512, "int32")
    run(kernel([(before, "i32")], body, [("%y", after, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(np.sort(out), np.arange(512))


def test_reshape_in_any_order_moves_nothing_between_threads_of_alike_layouts() -> None:
    before = blocked_layout((16, 32), [1, 1], [4, 8], [4, 1])
    after = blocked_layout((512,), [4], [32], [4])
    body = f"%y = tt.reshape %x0 allow_reorder : {tensor(before, 'i32')} -> {tensor(after, 'i32')}"
    x, out = np.reshape(np.arange(512, dtype=np.int32), (16, 32)), poison(512, "int32")
    shader = run(kernel([(before, "i32")], body, [("%y", after, "i32")]), (1,), x, out)
    assert shader.threadgroup_memory == 0
    np.testing.assert_array_equal(np.sort(out), np.arange(512))


@pytest.mark.parametrize("dtype", ["i1", "i8", "i64", "f16", "f32"])
@pytest.mark.parametrize("seed", range(3))
def test_join_then_split(seed: int, dtype: str) -> None:
    source = random.Random(seed)
    shape = source.choice(SHAPES[:4])
    layout = linear_layout(shape, source)
    joined = linear_layout((*shape, 2), source)
    if seed == 0:  # as Triton infers it: the last dimension in registers
        join = tuple((*basis, 0) for basis in layout.registers)
        more = [tuple((*b, 0) for b in part) for part in (layout.lanes, layout.warps)]
        joined = Layout((*shape, 2), (*((0,) * len(shape) + (1,),), *join), *more)
    body = f"""
    %j = tt.join %x0, %x1 : {tensor(layout, dtype)} -> {tensor(joined, dtype)}
    %l, %r = tt.split %j : {tensor(joined, dtype)} -> {tensor(layout, dtype)}"""
    a, b = numbers(shape, dtype), numbers(shape, dtype)
    outputs = [("%j", joined, dtype), ("%l", layout, dtype), ("%r", layout, dtype)]
    outs = [poison(o[1].shape, NUMPY[dtype]) for o in outputs]
    shader = run(kernel([(layout, dtype)] * 2, body, outputs), (1,), a, b, *outs)
    np.testing.assert_array_equal(outs[0], np.stack([a, b], -1))
    np.testing.assert_array_equal(outs[1], a)
    np.testing.assert_array_equal(outs[2], b)
    if seed == 0:
        assert shader.threadgroup_memory == 0


@pytest.mark.parametrize("dtype", ["i1", "i8", "i32", "f16"])
@pytest.mark.parametrize("size", [32, 128, 1024])
def test_cat_puts_the_first_operand_first(size: int, dtype: str) -> None:
    layout = blocked_layout((size,), [2], [32], [4])
    result = blocked_layout((2 * size,), [4], [32], [4])
    body = f"%y = tt.cat %x0, %x1 : {tensor(layout, dtype)} -> {tensor(result, dtype)}"
    a, b = numbers((size,), dtype), numbers((size,), dtype)
    out = poison(2 * size, NUMPY[dtype])
    run(kernel([(layout, dtype)] * 2, body, [("%y", result, dtype)]), (1,), a, b, out)
    np.testing.assert_array_equal(out, np.concatenate([a, b]))


@pytest.mark.parametrize("seed", range(6))
def test_expand_dims_then_broadcast(seed: int) -> None:
    source = random.Random(seed)
    layout, axis = linear_layout((16, 8), source), source.randrange(3)

    def with_axis(basis: tuple[int, ...], extent: int = 0) -> tuple[int, ...]:
        return (*basis[:axis], extent, *basis[axis:])

    thin, wide = with_axis((16, 8), 1), with_axis((16, 8), 4)
    bases = [tuple(map(with_axis, b)) for b in (layout.registers, layout.lanes, layout.warps)]
    between = Layout(thin, *bases)
    copies = (with_axis((0, 0), 2), with_axis((0, 0), 1))
    result = Layout(wide, (*copies, *bases[0]), bases[1], bases[2])
    if seed % 2:  # not as Triton infers it: elements move
        between = linear_layout(thin, source)
        bases = [between.registers, between.lanes, between.warps]
        result = Layout(wide, (*copies, *bases[0]), bases[1], bases[2])
    types = [tensor(each, "i32") for each in (layout, between, result)]
    body = f"""
    %e = tt.expand_dims %x0 {{axis = {axis} : i32}} : {types[0]} -> {types[1]}
    %y = tt.broadcast %e : {types[1]} -> {types[2]}"""
    x, out = numbers((16, 8), "i32"), poison(wide, "int32")
    run(kernel([(layout, "i32")], body, [("%y", result, "i32")]), (1,), x, out)
    np.testing.assert_array_equal(out, np.broadcast_to(np.expand_dims(x, axis), wide))


def test_unsplat_and_splat() -> None:
    one = blocked_layout((1, 1), [1, 1], [4, 8], [4, 1])
    result = blocked_layout((8, 16), [1, 1], [4, 8], [4, 1])
    body = f"""
    %s = tt.unsplat %x0 : {tensor(one, "f32")}
    %two = arith.addf %s, %s : f32
    %y = tt.splat %two : f32 -> {tensor(result, "f32")}"""
    x, out = np.array([[1.5]], np.float32), poison((8, 16), "float32")
    run(kernel([(one, "f32")], body, [("%y", result, "f32")]), (1,), x, out)
    np.testing.assert_array_equal(out, np.full((8, 16), 3.0, np.float32))


def test_waves_of_64_lanes() -> None:
    source = random.Random(0)
    before, after = (linear_layout((16, 64), source, 2, 64) for _ in range(2))
    body = f"%y = ttg.convert_layout %x0 : {tensor(before, 'i32')} -> {tensor(after, 'i32')}"
    x, out = numbers((16, 64), "i32"), poison((16, 64), "int32")
    run(kernel([(before, "i32")], body, [("%y", after, "i32")], 2, 64), (1,), x, out)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("dtype", ["i1", "i8", "i16", "i64", "f16", "f32"])
@pytest.mark.parametrize("seed", range(3))
def test_what_stays_in_a_simdgroup_is_shuffled(seed: int, dtype: str) -> None:
    source = random.Random(seed)
    shape = (16, 8, 4)
    before = linear_layout(shape, source)
    while len(before.registers) > 3 or not all(map(any, before.lanes)):
        before = linear_layout(shape, source)
    lanes, registers = list(before.lanes), list(before.registers)
    source.shuffle(lanes)
    source.shuffle(registers)
    if registers:  # which lane an element is fetched from depends on its register too
        mixed = (x ^ y for x, y in zip(registers[0], lanes[0], strict=True))
        registers[0] = tuple(mixed)
    after = Layout(shape, tuple(registers), tuple(lanes), before.warps)
    body = f"%y = ttg.convert_layout %x0 : {tensor(before, dtype)} -> {tensor(after, dtype)}"
    x, out = numbers(shape, dtype), poison(shape, NUMPY[dtype])
    shader = run(kernel([(before, dtype)], body, [("%y", after, dtype)]), (1,), x, out)
    np.testing.assert_array_equal(out, x)
    assert shader.threadgroup_memory == 0
    assert "simd_shuffle" in shader.source


def test_an_exchange_in_rounds_of_several_tensors() -> None:
    """A join of 64 KB whose halves are in the wrong threads."""
    layout = blocked_layout((8192,), [4], [32], [4])
    joined = blocked_layout((8192, 2), [1, 1], [16, 2], [4, 1])
    body = f"%j = tt.join %x0, %x1 : {tensor(layout, 'i32')} -> {tensor(joined, 'i32')}"
    a, b = numbers((8192,), "i32"), numbers((8192,), "i32")
    out = poison((8192, 2), "int32")
    text = kernel([(layout, "i32")] * 2, body, [("%j", joined, "i32")])
    assert trimetal.transpile(text).threadgroup_memory <= 32768
    run(text, (1,), a, b, out)
    np.testing.assert_array_equal(out, np.stack([a, b], -1))
