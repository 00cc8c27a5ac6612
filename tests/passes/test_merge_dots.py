"""Dots of neighbouring parts of K become one, on text."""

from __future__ import annotations

import pytest

from trimetal.transpiler.passes.merge_dots import merge_dots

from .support import HEAD, whole

ROWS = (
    "#ttg.blocked<{sizePerThread = [1, 4], threadsPerWarp = [4, 8], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
SHARED = "#ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [1, 0]}>"


def tensor(height: int, width: int, element: str = "f16") -> str:
    return f"tensor<{height}x{width}x{element}, {ROWS}>"


def view(height: int, width: int, whole_of: str = "", mutable: str = "") -> str:
    return f"!ttg.memdesc<{height}x{width}xf16, {SHARED}, #ttg.shared_memory{mutable}{whole_of}>"


def part(name: str, start: int, depth: int, mutable: str = "") -> str:
    """`depth` of 64 columns of %m and rows of %n, loaded, from a start on."""
    a = view(32, depth, ", 32x64", mutable)
    b = view(depth, 32, ", 64x32", mutable)
    return f"""
  %{name}_u = ttg.memdesc_subslice %m[0, {start}] : {view(32, 64, "", mutable)} -> {a}
  %{name}_a = ttg.local_load %{name}_u : {a} -> {tensor(32, depth)}
  %{name}_v = ttg.memdesc_subslice %n[{start}, 0] : {view(64, 32, "", mutable)} -> {b}
  %{name}_b = ttg.local_load %{name}_v : {b} -> {tensor(depth, 32)}"""


def dot(name: str, c: str, depth: int, sums: str) -> str:
    types = f"{tensor(32, depth)} * {tensor(depth, 32)} -> {tensor(32, 32, sums)}"
    return f"\n  %{name} = tt.dot %{name}_a, %{name}_b, {c} : {types}"


def kernel(
    starts: tuple[int, ...], depth: int, *, sums: str = "f32", mutable: str = "", last: str = ""
) -> str:
    """Dots of parts of K, one after the other."""
    names = [f"d{number}" for number in range(len(starts))]
    befores = ["%zero", *(f"%{name}" for name in names)]
    body = "".join(
        part(name, start, depth, mutable) + dot(name, c, depth, sums)
        for name, start, c in zip(names, starts, befores, strict=False)
    )
    pointers = tensor(32, 32, f"!tt.ptr<{sums}>")
    return f"""{HEAD}tt.func public @kernel(%x: {tensor(32, 64)}, %y: {tensor(64, 32)},
    %out: {pointers}) {{
  %zero = arith.constant dense<0.0> : {tensor(32, 32, sums)}
  %m = ttg.local_alloc %x : ({tensor(32, 64)}) -> {view(32, 64, "", mutable)}
  %n = ttg.local_alloc %y : ({tensor(64, 32)}) -> {view(64, 32, "", mutable)}
  {body}
  tt.store %out, %{last or names[-1]} : {pointers}
  tt.store %out, %{names[-1]} : {pointers}
  tt.return
}}
}}
"""


def test_all_parts_are_the_whole() -> None:
    """No part of the buffers is left: each is loaded as it was stored."""
    text = whole(kernel((0, 16, 32, 48), 16), merge_dots)
    assert text.count("tt.dot") == 1
    assert "subslice" not in text


def test_some_parts() -> None:
    """The second and the third of four; what K is stays a power of two."""
    text = whole(kernel((16, 32), 16), merge_dots)
    assert text.count("tt.dot") == 1
    assert "%m[0, 16]" in text
    assert "%n[16, 0]" in text
    assert text.count("subslice") == 2


@pytest.mark.parametrize(
    "text",
    [
        kernel((0, 32), 16),  # something is left out
        kernel((32, 0), 32),  # the sums would be in another order
        kernel((0, 32), 32, sums="f16"),  # the first dot rounds
        kernel((0, 32), 32, mutable=", mutable"),  # a buffer that may change
        kernel((0, 32), 32, last="d0"),  # the first sums are needed, too
    ],
)
def test_what_is_not_the_same_stays(text: str) -> None:
    assert whole(text, merge_dots).count("tt.dot") == 2
