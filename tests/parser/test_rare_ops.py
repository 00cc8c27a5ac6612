# pyright: basic, reportMissingImports=false
"""Ops of arith, math, cf and scf that no kernel of Triton's has: text, checks, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

import trimetal
from trimetal.transpiler.dialects import cf, scf_parallel
from trimetal.transpiler.errors import ParseError, UnsupportedError, VerifyError
from trimetal.transpiler.ir.core import UnknownOp
from trimetal.transpiler.ir.equal import equal
from trimetal.transpiler.parser import parse

from .support import BLOCKED, HEAD, module_of, one, text_of

T, S, Q = (f"tensor<128x{kind}, #blocked>" for kind in ("f32", "bf16", "f8E4M3FN"))
ARGUMENTS = (
    f"%h: f16, %f: f32, %i: i32, %l: i64, %n: index, %t: {T}, %s: {S}, %q: {Q},"
    " %b: tensor<128xbf16, #blocked>"
)
LINES = [
    "%0 = arith.convertf %h : f16 to bf16",
    "%0 = arith.convertf %b upward fastmath<contract> {k} : tensor<128xbf16, #blocked>"
    " to tensor<128xf16, #blocked>",
    "%difference, %borrow = arith.subui_extended %i, %i {k} : i32, i1",
    f"%0 = arith.scaling_extf %q, %s : {Q}, {S} to {T}",
    f"%0 = arith.scaling_extf %q, %s fastmath<nnan,contract> {{k = 1 : i32}} : {Q}, {S} to {T}",
    f"%0 = arith.scaling_truncf %t, %s : {T}, {S} to {Q}",
    f"%0 = arith.scaling_truncf %t, %s downward fastmath<fast> {{k}} : {T}, {S} to {Q}",
    f"%0 = arith.flush_denormals %t : {T}",
    "%0 = arith.flush_denormals %f {k} : f32",
    "%0 = math.clampf %f to [%f, %f] : f32",
    f"%0 = math.clampf %t to [%t, %t] fastmath<contract> {{k}} : {T}",
    "scf.parallel (%a, %c) = (%n, %n) to (%n, %n) step (%n, %n) {\n      scf.reduce \n    } {k}",
    "%0:2 = scf.parallel (%a) = (%n) to (%n) step (%n) init (%f, %l) -> (f32, i64) {\n"
    "      scf.reduce(%f, %l : f32, i64) {\n      ^bb0(%x: f32, %y: f32):\n"
    "        %1 = arith.addf %x, %y : f32\n        scf.reduce.return %1 {k} : f32\n      }, {\n"
    "      ^bb0(%x: i64, %y: i64):\n        scf.reduce.return %y : i64\n      } {m}\n    }",
    "scf.forall (%a, %c) in (%n, 4) {\n      %0 = arith.addi %a, %c : index\n    }",
    "scf.forall (%a, %c) = (0, %n) to (%n, 8) step (2, %n) {\n    } {k}",
    "scf.forall () in () {\n    }",
    f"%0 = scf.forall (%a) in (%n) shared_outs(%o = %t) -> ({T}) {{\n"
    "      scf.forall.in_parallel {\n      }\n    } {mapping = []}",
]
SWITCH = """    cf.switch %i : i32, [
      default: ^bb1(%i : i32),
      42: ^bb2(%l, %i : i64, i32),
      4294967289: ^bb1(%i : i32)
    ] {k}
  ^bb1(%0: i32):  // 2 preds: ^bb0, ^bb0
    cf.switch %l : i64, [
      default: ^bb2(%l, %i : i64, i32)]
  ^bb2(%1: i64, %2: i32):  // 2 preds: ^bb0, ^bb1"""


@pytest.mark.parametrize("line", LINES)
def test_text_is_given_back(line: str) -> None:
    module = module_of(f"    {line}", ARGUMENTS)
    printed = str(module)
    assert f"    {line}\n    tt.return\n" in printed
    assert not any(isinstance(op, UnknownOp) for op in module.walk())
    assert equal(parse(printed), module, names=True)


def test_the_text_of_a_switch_is_given_back() -> None:
    module = module_of(SWITCH, ARGUMENTS)
    assert f"{SWITCH}\n    tt.return\n" in str(module)
    first, second = (op for op in module.walk() if isinstance(op, cf.Switch))
    assert (first.cases, second.cases) == ((42, -7), ())
    assert [len(target.arguments(first)) for target in first.successors] == [1, 2, 1]


def test_generic_forms() -> None:
    switch = (
        '  "cf.switch"(%i, %i, %l, %i)[^bb1, ^bb2, ^bb3] <{case_operand_segments ='
        " array<i32: 0, 2>, case_values = dense<[42, -7]> : tensor<2xi32>, operandSegmentSizes ="
        " array<i32: 1, 1, 2>}> : (i32, i32, i64, i32) -> ()\n"
        "^bb1(%0: i32):\n  tt.return\n^bb2:\n  tt.return\n^bb3(%1: i64, %2: i32):"
    )
    module = module_of(switch, ARGUMENTS)
    op = one(module, "cf.switch")
    assert [[v.name for v in t.arguments(op)] for t in op.successors] == [["i"], [], ["l", "i"]]
    assert equal(parse(str(module)), module, names=True)
    forall = (
        f'  "scf.forall"(%n, %t) <{{operandSegmentSizes = array<i32: 0, 1, 0, 1>, staticLowerBound'
        " = array<i64: 1>, staticUpperBound = array<i64: -9223372036854775808>, staticStep ="
        f" array<i64: 3>}}> ({{\n^bb0(%a: index, %o: {T}):\n"
        '  "scf.forall.in_parallel"() ({\n  ^bb0:\n  }) : () -> ()\n'
        f"}}) : (index, {T}) -> {T}"
    )
    module = module_of(f"%0 = {forall}", ARGUMENTS)
    loop = one(module, "scf.forall")
    assert isinstance(loop, scf_parallel.Forall)
    assert "scf.forall (%a) = (1) to (%n) step (3) shared_outs(%o = %t)" in str(module)
    assert equal(parse(str(module)), module, names=True)


def _parallel(inside: str, results: str = " init (%f) -> f32") -> str:
    return f"%0 = scf.parallel (%a) = (%n) to (%n) step (%n){results} {{\n{inside}\n}}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("%0 = arith.convertf %h : f16 to f32", "expected two floats of one width"),
        ("%0 = arith.convertf %h : f16 to f16", "expected two floats of one width"),
        ("%a, %c = arith.subui_extended %i, %i : i32, i32", "the second result should be i1"),
        (f"%0 = arith.scaling_extf %t, %s : {T}, {S} to {T}", "expected a wider result"),
        (f"%0 = arith.scaling_extf %q, %f : {Q}, f32 to {T}", "expected one shape and layout"),
        (f"%0 = arith.scaling_truncf %q, %s : {Q}, {S} to {T}", "expected a narrower result"),
        ("%0 = arith.flush_denormals %i : i32", "expected floats, found i32"),
        ("%0 = math.clampf %i to [%i, %i] : i32", "expected floats, found i32"),
        ("cf.switch %i : i32, [\ndefault: ^bb1\n]\n^bb1(%x: i32):", "passes 0 values"),
        ("scf.parallel () = () to () step () {\n}", "needs at least one counter"),
        (_parallel("scf.reduce"), "the combined values have types (), the inits (f32)"),
        (
            _parallel("scf.reduce(%f : f32) {\n^bb0(%x: f32):\n  scf.reduce.return %x : f32\n}"),
            "arguments (f32), expected (f32, f32)",
        ),
        (
            _parallel(
                "scf.reduce(%f : f32) {\n^bb0(%x: f32, %y: f32):\n  scf.reduce.return %i : i32\n}"
            ),
            "gives (i32) for (f32)",
        ),
        (
            "%0 = scf.forall (%a) in (%n) shared_outs(%o = %f) -> (f32) {\n}",
            "expected a tensor, found f32",
        ),
    ],
)
def test_verified(body: str, message: str) -> None:
    with pytest.raises(VerifyError) as caught:
        module_of(body, ARGUMENTS)
    assert message in caught.value.message
    assert caught.value.span is not None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("cf.switch %i : i32, [\ndefault: ^b,\n4294967296: ^b\n]\n^b:", "does not fit i32"),
        ("cf.switch %n : index, [\ndefault: ^b\n]\n^b:", "expected an integer type"),
        ("scf.parallel (%a) = (%n, %n) to (%n) step (%n) {\n}", "2 operands with 1 types"),
        ("scf.parallel (%a) = (%l) to (%n) step (%n) {\n}", "%l has type i64"),
    ],
)
def test_misread(body: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        module_of(body, ARGUMENTS)
    assert message in caught.value.message


_P = "%p: !tt.ptr<f32>, %i: i32"
_F = "  %f = tt.load %p : !tt.ptr<f32>\n"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("arith.flush_denormals", f"{_F}  %0 = arith.flush_denormals %f : f32\n"),
        ("math.clampf", f"{_F}  %0 = math.clampf %f to [%f, %f] : f32\n"),
        (
            "arith.scaling_extf",
            f"{_F}  %h = arith.truncf %f : f32 to f16\n"
            "  %0 = arith.scaling_extf %h, %f : f16, f32 to f32\n",
        ),
        (
            "arith.scaling_truncf",
            f"{_F}  %h = arith.scaling_truncf %f, %f : f32, f32 to f16\n"
            "  %0 = arith.extf %h : f16 to f32\n",
        ),
        (
            "cf.switch",
            f"{_F}  %0 = arith.negf %f : f32\n"
            "  cf.switch %i : i32, [\n    default: ^bb1,\n    1: ^bb1\n  ]\n^bb1:\n",
        ),
        (
            "scf.parallel",
            f"{_F}  %n = arith.index_cast %i : i32 to index\n"
            "  %0 = scf.parallel (%a) = (%n) to (%n) step (%n) init (%f) -> f32 {\n"
            "    scf.reduce(%f : f32) {\n    ^bb0(%x: f32, %y: f32):\n"
            "      scf.reduce.return %y : f32\n    }\n  }\n",
        ),
        (
            "scf.forall",
            f"{_F}  %0 = arith.negf %f : f32\n"
            "  %n = arith.index_cast %i : i32 to index\n  scf.forall (%a) in (%n) {\n  }\n",
        ),
    ],
)
def test_refused_when_lowered(name: str, body: str) -> None:
    text = f"{HEAD}\ntt.func public @f({_P}) {{\n{body}  tt.store %p, %0 : !tt.ptr<f32>\n"
    with pytest.raises(UnsupportedError, match=name) as caught:
        trimetal.transpile(f"{text}  tt.return\n}}\n}}\n")
    assert caught.value.span is not None


@pytest.mark.triton
@pytest.mark.parametrize(
    "body", [*(f"    {line}" for line in LINES), SWITCH.replace("4294967289", "77")]
)
def test_text_is_libtritons(body: str, tmp_path: Path) -> None:
    from triton._C.libtriton import ir

    assert BLOCKED in text_of("", ARGUMENTS)
    context = ir.context()
    ir.load_dialects(context)
    path = tmp_path / "rare.ttgir"
    path.write_text(str(module_of(body, ARGUMENTS)), encoding="utf-8")
    theirs = ir.parse_mlir_module(str(path), context).str_nodebug()
    assert str(parse(theirs)).rstrip() == theirs.rstrip()
