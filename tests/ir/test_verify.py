"""What the verifier refuses, and how it says so."""

from __future__ import annotations

import pytest

from trimetal.transpiler.dialects import arith, scf, tt
from trimetal.transpiler.errors import VerifyError
from trimetal.transpiler.ir.attributes import DenseArrayAttr, IntegerAttr, OpaqueAttr, StringAttr
from trimetal.transpiler.ir.core import Block, Module, Op, Region, Value
from trimetal.transpiler.ir.dominance import dominator_tree, immediate_dominators
from trimetal.transpiler.ir.types import F32, I32, I64
from trimetal.transpiler.ir.verify import verify
from trimetal.transpiler.parser import parse, parse_unverified

FLAT = (
    "#flat = #ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
BLOCKED = (
    "#blocked = #ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4], "
    "order = [0]}>"
)
SHARED = "#s = #ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [1, 0]}>"
ARGUMENTS = (
    "%i: i32, %l: i64, %f: f32, %c: i1, %p: !tt.ptr<f32>, %x: tensor<128xf32, #blocked>, "
    "%n: tensor<128xi32, #blocked>, %k: tensor<64xi1, #half>, "
    "%ps: tensor<128x!tt.ptr<f32>, #blocked>, %m: tensor<32x32xf32, #flat>, "
    "%v: !ttg.memdesc<32x32xf32, #s, #ttg.shared_memory, mutable>, "
    "%d: !tt.tensordesc<32x32xf32>"
)
HALF = (
    "#half = #ttg.blocked<{sizePerThread = [2], threadsPerWarp = [32], warpsPerCTA = [4], "
    "order = [0]}>"
)
T, N, M = "tensor<128xf32, #blocked>", "tensor<128xi32, #blocked>", "tensor<32x32xf32, #flat>"
V = "!ttg.memdesc<32x32xf32, #s, #ttg.shared_memory, mutable>"


def text_of(body: str) -> str:
    head = 'module attributes {"ttg.num-warps" = 4 : i32} {'
    aliases = "\n".join((BLOCKED, HALF, FLAT, SHARED))
    return f"{aliases}\n{head}\ntt.func @f({ARGUMENTS}) {{\n{body}\n  tt.return\n}}\n}}\n"


def error_of(body: str) -> VerifyError:
    with pytest.raises(VerifyError) as caught:
        parse(text_of(body))
    return caught.value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            '"arith.addi"(%i, %l) : (i32, i64) -> i32',
            "arith.addi: expected one type, found i32 and i64",
        ),
        ("%0 = arith.addi %f, %f : f32", "arith.addi: expected integers, found f32"),
        ("%0 = arith.addf %i, %i : i32", "arith.addf: expected floats, found i32"),
        (
            '%0 = "arith.cmpi"(%i, %i) <{predicate = 99 : i64}> : (i32, i32) -> i1',
            "arith.cmpi: the attribute 'predicate' cannot be 99 : i64",
        ),
        (
            '%0 = "arith.cmpi"(%i, %i) : (i32, i32) -> i1',
            "arith.cmpi: needs the attribute 'predicate'",
        ),
        (
            '%0 = "arith.cmpi"(%i, %i) <{predicate = 2 : i64}> : (i32, i32) -> i32',
            "arith.cmpi: the result should be i1, found i32",
        ),
        ('%0 = "arith.addi"(%i) : (i32) -> i32', "arith.addi: expected 2 operands, found 1"),
        ('"arith.addi"(%i, %i) : (i32, i32) -> ()', "arith.addi: expected 1 results, found 0"),
        (
            '%0 = "arith.addi"(%i, %i) ({\n}) : (i32, i32) -> i32',
            "arith.addi: expected 0 regions, found 1",
        ),
        (
            "%0 = arith.extsi %l : i64 to i32",
            "arith.extsi: expected a wider result, found i64 to i32",
        ),
        (
            "%0 = arith.select %k, %x, %x : tensor<64xi1, #half>, " + T,
            "arith.select: expected one shape and layout",
        ),
        ('%0 = "arith.constant"() <{value = 1 : i32}> : () -> i64', "the result should be i32"),
        ("%0 = tt.splat %i : i32 -> " + T, "tt.splat: the scalar should be f32, found i32"),
        (
            "%0 = tt.make_range {end = 64 : i32, start = 0 : i32} : " + N,
            "tt.make_range: 64 numbers from 0 to 64 as tensor<128xi32",
        ),
        (
            "%0 = tt.expand_dims %x {axis = 2 : i32} : " + T + " -> " + M,
            "tt.expand_dims: axis 2 of tensor<128xf32",
        ),
        ("%0 = tt.broadcast %m : " + M + " -> tensor<64x32xf32, #flat>", "cannot be broadcast"),
        ("%0 = tt.reshape %x : " + T + " -> " + M, "tt.reshape: tensor<128xf32"),
        (
            "%0 = tt.trans %m {order = array<i32: 0, 0>} : " + M + " -> " + M,
            "tt.trans: order (0, 0) of tensor<32x32xf32",
        ),
        ("%0 = ttg.convert_layout %x : " + T + " -> " + M, "ttg.convert_layout: tensor<128xf32"),
        (
            "%0 = tt.load %ps, %k : tensor<128x!tt.ptr<f32>, #blocked>",
            "tt.load: the mask should be",
        ),
        ("tt.store %ps, %n : tensor<128x!tt.ptr<f32>, #blocked>", "tt.store: the stored value"),
        ("%0 = tt.addptr %f, %i : f32, i32", "tt.addptr: expected a pointer, found f32"),
        ("%0 = tt.dot %m, %m, %x : " + f"{M} * {M} -> {T}", "tt.dot: operands of ranks (2, 2, 1)"),
        (
            "%0 = tt.descriptor_load %d[%i] : !tt.tensordesc<32x32xf32> -> " + M,
            "tt.descriptor_load: 1 indices for",
        ),
        (
            "%0 = ttg.local_load %v : " + V + " -> " + T,
            "ttg.local_load: tensor<128xf32",
        ),
        (
            f"%0 = ttg.memdesc_subslice %v[16, 0] : {V} -> {V}",
            "ttg.memdesc_subslice: !ttg.memdesc<32x32xf32",
        ),
        (
            '%0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({\n^bb0(%a: f32):\n'
            f"  tt.reduce.return %a : f32\n}}) : ({T}) -> f32",
            "tt.reduce: block arguments of types (f32), expected (f32, f32)",
        ),
        (
            '%0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({\n^bb0(%a: f32, %b: f32):\n'
            f"  %y = arith.addf %a, %b : f32\n}}) : ({T}) -> f32",
            "arith.addf: a block should end with tt.reduce.return",
        ),
        (
            f'%0 = "tt.reduce"(%x) <{{axis = 0 : i32}}> ({{\n}}) : ({T}) -> f32',
            "tt.reduce: region 0 has no block",
        ),
        (
            "scf.for %j = %i to %i step %i iter_args(%a = %f) -> (f32)  : i32 {\n"
            "  scf.yield %j : i32\n}",
            "scf.for: the yielded values have types (i32), the inits (f32)",
        ),
        (
            "%0 = scf.if %c -> (f32) {\n  scf.yield %f : f32\n}",
            "scf.if: an if with results needs an else",
        ),
        (
            "scf.if %c {\n  scf.yield\n  %0 = arith.addi %i, %i : i32\n  scf.yield\n}",
            "scf.yield: ends a block, and ops follow",
        ),
        (
            "cf.br ^bb1(%i : i32)\n^bb1(%a: f32):",
            "cf.br: passes 1 values (i32) to a block with 1 arguments (f32)",
        ),
        ("cf.br ^bb1\n^bb1:\n  foo.bar\n^bb2:", "foo.bar: a block should end with a branch"),
        ("tt.call @nowhere() : () -> ()", "tt.call: there is no function"),
        ("tt.call @f(%i) : (i32) -> ()", "tt.call: called as (i32) -> (), the function is"),
        (
            "%0 = ub.poison : tensor<64x64xf32, #blocked>",
            "a layout of 1 dimensions",
        ),
        ("%0 = ub.poison : tensor<48xf32, #blocked>", "the number of elements is no power of two"),
        (
            "%0 = ub.poison : tensor<128xf32, #ttg.blocked<{sizePerThread = [1], "
            "threadsPerWarp = [64], warpsPerCTA = [2], order = [0]}>>",
            "a layout for 2 warps of 64 lanes, the module has 4 of 32",
        ),
        (
            "%0 = ub.poison : tensor<2097152xf32, #blocked>",
            "sizes should be positive, and 1048576 elements are the limit",
        ),
        ("tt.return %i : i32", "tt.return: "),
    ],
)
def test_refused(body: str, message: str) -> None:
    error = error_of(body)
    assert message in error.message
    assert error.span is not None


def test_the_place_of_an_error() -> None:
    assert str(error_of("  %0 = arith.addi %f, %f : f32")).splitlines() == [
        "<ttgir>:7:8: error: arith.addi: expected integers, found f32",
        "      %0 = arith.addi %f, %f : f32",
        "           ^^^^^^^^^^^^^^^^^^^^^^^",
    ]


def test_a_definition_has_to_reach_its_uses() -> None:
    body = (
        "  cf.cond_br %c, ^bb1, ^bb2\n^bb1:\n  %y = arith.addi %i, %i : i32\n  cf.br ^bb2\n"
        "^bb2:\n  %z = arith.addi %y, %y : i32"
    )
    assert "%y is used where its definition does not reach" in error_of(body).message


def test_blocks_that_nothing_reaches_may_use_anything() -> None:
    body = "  cf.br ^bb2\n^bb1:\n  foo.bar %y : i32\n  cf.br ^bb2\n^bb2:\n  %y = ub.poison : i32"
    assert isinstance(parse(text_of(body)), Module)


def test_loops_of_blocks() -> None:
    body = (
        "  cf.br ^bb1(%i : i32)\n^bb1(%a: i32):\n  %b = arith.addi %a, %i : i32\n"
        "  cf.cond_br %c, ^bb1(%b : i32), ^bb2\n^bb2:\n  foo.bar %b : i32"
    )
    module = parse(text_of(body))
    region = module.functions[0].regions[0]
    entry, loop, end = region.blocks
    assert immediate_dominators(region) == {loop: entry, end: loop}
    assert dominator_tree(region) == {entry: [loop], loop: [end], end: []}


def test_two_functions_of_one_name() -> None:
    text = "tt.func @f() {\n  tt.return\n}\n"
    with pytest.raises(VerifyError, match="two functions @f"):
        parse(text * 2)


def test_module_attributes() -> None:
    with pytest.raises(VerifyError, match=r"ttg\.num-warps is 0"):
        parse('module attributes {"ttg.num-warps" = 0 : i32} {\n}\n')


def test_unverified_modules_can_be_looked_at() -> None:
    module = parse_unverified(text_of("  %0 = arith.addi %f, %f : f32"))
    with pytest.raises(VerifyError):
        verify(module)


# Modules that passes made, without a text.


def made(*ops: Op) -> Module:
    """A module with a function of two i32 that holds these ops."""
    module = parse("tt.func @f(%a: i32, %b: i32) {\n  tt.return\n}\n")
    block = module.functions[0].regions[0].block
    for op in ops:
        block.insert_before(block.terminator, op)
    return module


def arguments() -> tuple[Module, Value, Value]:
    module = made()
    a, b = module.functions[0].regions[0].block.args
    return module, a, b


def test_an_op_of_a_pass_is_checked_too() -> None:
    module, a, b = arguments()
    block = module.functions[0].regions[0].block
    block.insert_before(block.terminator, arith.Addi([a, b], [I64]))
    with pytest.raises(VerifyError, match="expected one type, found i32 and i64"):
        verify(module)


def test_a_use_before_its_definition() -> None:
    module, a, b = arguments()
    block = module.functions[0].regions[0].block
    first = arith.Addi([a, b], [I32])
    second = arith.Addi([first.result, b], [I32])
    block.insert_before(block.terminator, second)
    block.insert_before(block.terminator, first)
    with pytest.raises(VerifyError, match="definition does not reach"):
        verify(module)


def test_a_value_of_another_function() -> None:
    _, a, b = arguments()
    with pytest.raises(VerifyError, match="definition does not reach"):
        verify(made(arith.Addi([a, b], [I32])))


def test_segments_have_to_add_up() -> None:
    module, a, _ = arguments()
    op = tt.MakeTensorDescriptor([a], [F32], segments=(1, 1, 0))
    module.functions[0].regions[0].block.ops.insert(0, op)
    with pytest.raises(VerifyError, match="operands in groups of"):
        verify(module)


def test_attributes_of_the_wrong_kind() -> None:
    op = tt.GetProgramId([], [I32], {"axis": IntegerAttr(7, I32)})
    with pytest.raises(VerifyError, match="'axis' cannot be 7 : i32"):
        verify(made(op))
    for attribute in (StringAttr("x"), OpaqueAttr("w"), DenseArrayAttr(I32, (1,))):
        with pytest.raises(VerifyError, match="'axis' cannot be"):
            verify(made(tt.GetProgramId([], [I32], {"axis": attribute})))
    assert isinstance(tt.GetProgramId([], [I32], {"axis": OpaqueAttr("y")}), tt.GetProgramId)


def test_a_loop_without_its_yield() -> None:
    module, a, b = arguments()
    loop = scf.For([a, b, a], regions=[Region([Block([I32])])])
    module.functions[0].regions[0].block.ops.insert(0, loop)
    with pytest.raises(VerifyError, match=r"should end with scf\.yield"):
        verify(module)
