"""Products that are added to something, as fma; on text."""

from __future__ import annotations

from pathlib import Path

import pytest

import trimetal
from trimetal.transpiler.passes.contraction import contract

from .support import after, lines

ROOT = Path(__file__).resolve().parents[2]
# Three numbers that no pass knows, and a place for results.
NUMBERS = """
    %a = arith.sitofp %n : i32 to f32
    %b = math.exp %a : f32
    %d = math.log %a : f32
    %out = tt.bitcast %p : !tt.ptr<i32> -> !tt.ptr<f32>"""


def found(ops: str, *results: str) -> str:
    """What becomes of ops whose results are stored."""
    stores = [f"    tt.store %out, %{name} : !tt.ptr<f32>" for name in results]
    text = "\n".join([NUMBERS, ops, *stores, "    tt.return"])
    return "\n".join(after(text, contract).split("\n")[4 : -1 - len(stores)])


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("arith.addf %x, %d", ["%s = math.fma %a, %b, %d : f32"]),
        ("arith.addf %d, %x", ["%s = math.fma %a, %b, %d : f32"]),
        ("arith.subf %x, %d", ["%0 = arith.negf %d : f32", "%s = math.fma %a, %b, %0 : f32"]),
        ("arith.subf %d, %x", ["%0 = arith.negf %a : f32", "%s = math.fma %0, %b, %d : f32"]),
    ],
)
def test_a_sum_and_a_difference(op: str, expected: list[str]) -> None:
    assert found(f"%x = arith.mulf %a, %b : f32\n%s = {op} : f32", "s").split("\n") == expected


def test_a_product_of_two_sums_goes_into_both() -> None:
    ops = """
    %x = arith.mulf %a, %b : f32
    %s = arith.addf %x, %d : f32
    %t = arith.subf %x, %a : f32"""
    assert found(ops, "s", "t") == lines("""
        %s = math.fma %a, %b, %d : f32
        %0 = arith.negf %a : f32
        %t = math.fma %a, %b, %0 : f32
    """)


def test_of_two_products_the_one_with_fewer_uses_else_the_first() -> None:
    ops = """
    %x = arith.mulf %a, %b : f32
    %y = arith.mulf %b, %d : f32
    %s = arith.addf %x, %y : f32"""
    assert found(ops, "s") == lines("""
        %y = arith.mulf %b, %d : f32
        %s = math.fma %a, %b, %y : f32
    """)
    assert found(f"{ops}\n%t = arith.addf %x, %d : f32", "s", "t") == lines("""
        %x = arith.mulf %a, %b : f32
        %s = math.fma %b, %d, %x : f32
        %t = math.fma %a, %b, %d : f32
    """)


@pytest.mark.parametrize(
    "ops",
    [
        # The product is needed as it is: stored, multiplied, negated.
        "%s = arith.mulf %a, %b : f32\n%t = arith.addf %s, %d : f32",
        "%x = arith.mulf %a, %b : f32\n%s = arith.addf %x, %d : f32\n%t = math.log %x : f32",
        "%x = arith.mulf %a, %b : f32\n%s = arith.addf %x, %d : f32\n%t = math.fma %a, %x, %b "
        ": f32",
        # The sum is in another block.
        "%x = arith.mulf %a, %b : f32\n%t = scf.if %c -> (f32) {\n  %s = arith.addf %x, %d : f32\n"
        "  scf.yield %s : f32\n} else {\n  scf.yield %a : f32\n}",
        # No product, but something that rounds by itself.
        "%x = tt.precise_divf %a, %b : f32\n%t = arith.addf %x, %d : f32",
    ],
)
def test_what_stays(ops: str) -> None:
    results = [name for name in ("s", "t") if f"\n%{name} =" in f"\n{ops}"]
    assert found(ops, *results) == ops


def test_bfloat_stays() -> None:
    ops = """
    %i = arith.truncf %a : f32 to bf16
    %x = arith.mulf %i, %i : bf16
    %y = arith.addf %x, %i : bf16
    %s = arith.extf %y : bf16 to f32"""
    assert "math.fma" not in found(ops, "s")


def test_the_option_leaves_the_pass_out() -> None:
    dump = ROOT / "examples/layer_norm/kernel.f16.ttgir"
    with_fma, without = (
        trimetal.transpile(dump, enable_fp_fusion=fusion).source for fusion in (True, False)
    )
    assert "fma(centered, centered, squares)" in with_fma
    assert "fma(" not in without
    assert "squares += centered * centered;" in without
