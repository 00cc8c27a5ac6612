"""From parameters to arguments, without Triton."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trimetal import Argument, LaunchError, Shader
from trimetal.runtime.triton_plugin.parameters import argument_getters
from trimetal.runtime.triton_plugin.shader_text import (
    SHADER,
    describe,
    read_shader,
    write_shader,
)


def arguments(*dtypes: str) -> tuple[Argument, ...]:
    return tuple(
        Argument(f"a{i}", "buffer" if dtype.startswith("*") else "scalar", dtype.strip("*"), i)
        for i, dtype in enumerate(dtypes)
    )


def values(types: list[object], kernel: tuple[Argument, ...], *given: object) -> list[Any]:
    return [get(given) for get in argument_getters(types, kernel)]


def test_what_is_known_at_compile_time_is_left_out():
    kernel = arguments("*f32", "i32")
    assert values(["*fp32", "constexpr", "i32", "constexpr"], kernel, "p", 1, 5, 2) == ["p", 5]


def test_tuples_are_flattened():
    kernel = arguments("i32", "*f32", "f32", "i64")
    types: list[object] = ["i32", ("*fp32", "constexpr", ("fp32", "i64"))]
    assert values(types, kernel, 5, ("p", None, (1.5, 7))) == [5, "p", 1.5, 7]


@pytest.mark.parametrize("flags", [0, 1, 2])
def test_descriptors_have_more_flags_in_later_versions(flags: int):
    kernel = arguments("*f32", *["i64"] * 4, *["i1"] * flags, *["i32"] * 2, *["i64"] * 2, "i32")
    descriptor = SimpleNamespace(
        base="p", shape=[8, 16], strides=[16, 1], padding="nan", round_f32_to_tf32=False
    )
    found = values(["tensordesc<fp32[4, 4]>", "i32"], kernel, descriptor, 3)
    assert found == ["p", 8, 16, 16, 1, *[True, False][:flags], 8, 16, 16, 1, 3]


def test_a_kernel_with_other_arguments_is_refused():
    with pytest.raises(LaunchError, match="the kernel has 2 arguments, a launch passes 1"):
        argument_getters(["i32"], arguments("i32", "i32"))


def test_a_shader_survives_the_cache():
    shader = Shader("kernel void k() {}", "k", arguments("*f32", "i32"), 128, 64, "m3")
    metadata: dict[str, object] = {SHADER: describe(shader)}
    assert read_shader(write_shader(shader.source, metadata)) == shader
