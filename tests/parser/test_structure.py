"""The structure of the text: modules, names, locations, blocks, generic form, types, attributes."""

from __future__ import annotations

import math

import pytest

from trimetal.transpiler.dialects import arith, scf, tt, ttg
from trimetal.transpiler.ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DenseAttr,
    DictAttr,
    FloatAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    SymbolAttr,
    TypeAttr,
    UnitAttr,
)
from trimetal.transpiler.ir.core import UnknownOp
from trimetal.transpiler.ir.encodings import BlockedEncoding, SliceEncoding
from trimetal.transpiler.ir.equal import equal
from trimetal.transpiler.ir.location import (
    UNKNOWN,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    Location,
    NameLoc,
)
from trimetal.transpiler.ir.types import (
    F16,
    F32,
    I1,
    I32,
    I64,
    FunctionType,
    IntegerType,
    MemDescType,
    OpaqueType,
    PointerType,
    TensorDescType,
    TensorType,
    Type,
)
from trimetal.transpiler.parser import parse

from .support import BLOCKED, HEAD, module_of, one, ops_of, text_of

LAYOUT = BlockedEncoding((1,), (32,), (4,), (0,))


def test_a_module_without_wrapper() -> None:
    module = parse("tt.func @f() {\n  tt.return\n}\ntt.func private @g() {\n  tt.return\n}\n")
    assert [tt.Func.sym_name.__get__(op, tt.Func) for op in module.functions] == ["f", "g"]
    assert (module.num_warps, module.threads_per_warp, module.target) == (4, 32, "")


def test_an_empty_text_is_an_empty_module() -> None:
    assert parse("\n// nothing\n").functions == []
    assert str(parse("module {\n}\n")) == "module {\n}\n"


def test_module_attributes_and_name() -> None:
    module = parse(
        'module @m attributes {"ttg.num-warps" = 8 : i32, ttg.target = "hip:gfx942", '
        '"ttg.threads-per-warp" = 64 : i32} {\n}\n'
    )
    assert (module.num_warps, module.threads_per_warp) == (8, 64)
    assert (module.target, module.sym_name) == ("hip:gfx942", "m")


def test_aliases_of_any_name_nested_and_used_before_their_definition() -> None:
    module = parse(
        f"{HEAD}\ntt.func @f(%x: !vector) {{\n  tt.return\n}}\n}}\n"
        "#outer = #ttg.slice<{dim = 0, parent = #P_1}>\n"
        "!vector = tensor<128xf32, #outer>\n"
        "#P_1 = #ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
        "warpsPerCTA = [4, 1], order = [1, 0]}>\n"
    )
    type_ = _func(module.functions[0]).entry.args[0].type
    parent = BlockedEncoding((1, 1), (1, 32), (4, 1), (1, 0))
    assert type_ == TensorType((128,), F32, SliceEncoding(0, parent))


def _func(op: object) -> tt.Func:
    assert isinstance(op, tt.Func)
    return op


@pytest.mark.parametrize("name", ["x", "0", "c-1_i32", "x_ptr.1", "a$b", "_"])
def test_names_of_values(name: str) -> None:
    module = module_of(f"  %{name} = arith.constant 1 : i32\n  tt.call @f() {{a = 1}} : () -> ()")
    assert one(module, "arith.constant").result.name == name


def test_groups_of_results() -> None:
    module = module_of(
        "  %a:2, %b = foo.bar : i32, f32, i64\n  foo.use %a#1, %b, %a#0 : f32, i64, i32"
    )
    made, used = one(module, "foo.bar"), one(module, "foo.use")
    assert [value.name for value in made.results] == ["a#0", "a#1", "b"]
    assert [value.type for value in made.results] == [I32, F32, I64]
    assert used.operands == [made.results[1], made.results[2], made.results[0]]


def test_sibling_regions_use_names_again() -> None:
    module = module_of(
        "  scf.if %c {\n    %0 = arith.constant 1 : i32\n  } else {\n"
        "    %0 = arith.constant 2 : i64\n  }\n  %0 = arith.constant 3 : i8",
        "%c: i1",
    )
    types = [op.result.type for op in ops_of(module, "arith.constant")]
    assert types == [I32, I64, IntegerType(8)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loc(unknown)", UNKNOWN),
        ('loc("f.py":3:7)', FileLineColLoc("f.py", 3, 7)),
        ('loc("f.py":3:7 to 4:9)', FileLineColLoc("f.py", 3, 7)),
        ('loc("x")', NameLoc("x", UNKNOWN)),
        ('loc("x"("f.py":3:7))', NameLoc("x", FileLineColLoc("f.py", 3, 7))),
        (
            'loc(callsite("a.py":1:2 at "b.py":3:4))',
            CallSiteLoc(FileLineColLoc("a.py", 1, 2), FileLineColLoc("b.py", 3, 4)),
        ),
        (
            'loc(fused<"meta">["a.py":1:2, unknown])',
            FusedLoc((FileLineColLoc("a.py", 1, 2), UNKNOWN), '"meta"'),
        ),
        ('loc(fused["a.py":1:2])', FusedLoc((FileLineColLoc("a.py", 1, 2),))),
        ("loc(#later)", NameLoc("late", UNKNOWN)),
        ('loc("quote \\22 and \\0A")', NameLoc('quote " and \n', UNKNOWN)),
    ],
)
def test_locations(text: str, expected: Location) -> None:
    module = parse(text_of(f"  %x = arith.constant 1 : i32 {text}") + '#later = loc("late")\n')
    assert one(module, "arith.constant").location == expected
    assert one(module, "arith.constant").result.location == expected


def test_locations_of_arguments_and_regions() -> None:
    module = parse(
        f'{HEAD}\ntt.func @f(%c: i1 {{tt.x}} loc("c"), %d: i32 loc(unknown)) {{\n'
        '  scf.if %c {\n  } loc("if")\n'
        '  cf.br ^bb1(%d : i32) loc("br")\n^bb1(%e: i32 loc("e")):\n'
        '  tt.return loc("return")\n} loc("func")\n} loc("module")\n'
    )
    func = _func(module.functions[0])
    assert func.location == NameLoc("func", UNKNOWN)
    assert module.location == NameLoc("module", UNKNOWN)
    assert func.entry.args[0].location == NameLoc("c", UNKNOWN)
    assert func.body.blocks[1].args[0].location == NameLoc("e", UNKNOWN)
    assert one(module, "scf.if").location == NameLoc("if", UNKNOWN)


def test_spans_point_into_the_text() -> None:
    text = text_of("  %x = arith.constant 1 : i32\n  %y = arith.addi %x, %x : i32")
    op = one(parse(text, name="k.ttgir"), "arith.addi")
    assert op.span is not None
    assert text[op.span.start : op.span.end] == "arith.addi %x, %x : i32"
    assert (op.span.source.name, op.span.line, op.span.column) == ("k.ttgir", 5, 8)


def test_blocks_and_branches() -> None:
    module = module_of(
        "  cf.cond_br %c, ^bb2(%i, %i : i32, i32),\n    ^last // wrapped\n"
        "^bb2(%a: i32, %b: i32):  // pred: ^bb0\n  cf.br ^last\n^last:\n",
        "%c: i1, %i: i32",
    )
    branch = one(module, "cf.cond_br")
    first, second = branch.successors
    assert first.arguments(branch) == [branch.operands[1], branch.operands[2]]
    assert [value.type for value in first.block.args] == [I32, I32]
    assert second.block is _func(module.functions[0]).body.blocks[2]


def test_a_definition_may_follow_its_use_in_another_block() -> None:
    module = module_of(
        "  cf.br ^bb2\n^bb1:\n  %y = arith.addi %x, %x : i32\n  cf.br ^bb3\n"
        "^bb2:\n  %x = arith.constant 1 : i32\n  cf.br ^bb1\n^bb3:\n"
    )
    assert one(module, "arith.addi").operands[0] is one(module, "arith.constant").result


def test_generic_form_of_any_op() -> None:
    module = module_of(
        '  %r:2 = "foo.bar"(%i, %f) <{a = 1 : i32}> ({\n  ^bb0(%x: i32):\n'
        '    "foo.yield"(%x) : (i32) -> ()\n  }, {\n  }) {b} : (i32, f32) -> (i64, f16)\n'
        '  "use"(%r#1) : (f16) -> ()\n',
        "%i: i32, %f: f32",
    )
    op = one(module, "foo.bar")
    assert isinstance(op, UnknownOp)
    assert op.attributes == {"a": IntegerAttr(1, I32), "b": UnitAttr()}
    assert [value.type for value in op.results] == [I64, F16]
    assert [len(region.blocks) for region in op.regions] == [1, 0]
    assert equal(module, parse(str(module)))


def test_generic_form_of_known_ops_with_enums_as_numbers() -> None:
    module = module_of(
        '  %a = "arith.cmpi"(%i, %i) <{predicate = 2 : i64}> : (i32, i32) -> i1\n'
        '  %b = "arith.addi"(%i, %i) <{overflowFlags = #arith.overflow<nsw>}> '
        ": (i32, i32) -> i32\n"
        '  %c = "tt.get_program_id"() <{axis = 1 : i32}> : () -> i32\n'
        '  %d = "tt.load"(%p) <{isVolatile = false}> : (!tt.ptr<f32>) -> f32\n',
        "%i: i32, %p: !tt.ptr<f32>",
    )
    compare, add = one(module, "arith.cmpi"), one(module, "arith.addi")
    assert isinstance(compare, arith.Cmpi)
    assert isinstance(add, arith.Addi)
    assert (compare.predicate, add.overflow) == ("slt", "nsw")
    assert "arith.cmpi slt, %i, %i : i32" in str(module)
    assert "tt.get_program_id y : i32" in str(module)
    assert "tt.load %p : !tt.ptr<f32>" in str(module)


def test_generic_branches_with_segments() -> None:
    module = module_of(
        '  "cf.cond_br"(%c, %i)[^bb1, ^bb2] <{operandSegmentSizes = array<i32: 1, 1, 0>}> '
        ": (i1, i32) -> ()\n^bb1(%x: i32):\n  cf.br ^bb2\n^bb2:\n",
        "%c: i1, %i: i32",
    )
    assert "cf.cond_br %c, ^bb1(%i : i32), ^bb2" in str(module)


@pytest.mark.parametrize(
    "text",
    [
        "foo.bar",
        'foo.bar %i "text" {a = 1 : i32} : i32',
        "foo.bar %i, %i -> tensor<4xf32, #blocked>",
        "foo.bar [%i, 3] <@sym, #blocked> key = word | other : (i32) -> ()",
        "foo.bar %i[%i] (%i) : !foo.type<i32, [1x2]> to i32",
    ],
)
def test_unknown_ops_are_printed_as_they_were(text: str) -> None:
    module = module_of(f"  {text}", "%i: i32")
    assert isinstance(one(module, "foo.bar"), UnknownOp)
    assert f"    {text}\n" in str(module)
    assert equal(module, parse(str(module)))


def test_results_of_unknown_ops_have_types() -> None:
    module = module_of(
        "  %a = foo.cast %i : i32 to f32\n  %b, %c = foo.pair : (i32) -> (f32, i64)\n"
        "  %d = foo.same %i : i32\n  %e = foo.none\n",
        "%i: i32",
    )
    types = {name: one(module, f"foo.{name}").results for name in ("cast", "pair", "same", "none")}
    assert [v.type for v in types["cast"]] == [F32]
    assert [v.type for v in types["pair"]] == [F32, I64]
    assert [v.type for v in types["same"]] == [I32]
    assert [v.type for v in types["none"]] == [OpaqueType("?")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i1", I1),
        ("ui16", IntegerType(16, "u")),
        ("f16", F16),
        ("!tt.ptr<f32>", PointerType(F32)),
        ("!tt.ptr<f32, 1>", PointerType(F32)),
        ("!tt.ptr<f32, 4>", PointerType(F32, "4")),
        ('!tt.ptr<f32, "constant">', PointerType(F32, "constant")),
        ("tensor<2x128x32x!tt.ptr<f16>>", TensorType((2, 128, 32), PointerType(F16))),
        ("tensor<128xf32, #blocked>", TensorType((128,), F32, LAYOUT)),
        ("tensor<\n  128xf32,\n  #blocked>", TensorType((128,), F32, LAYOUT)),
        ("!tt.tensordesc<64x64xsi8>", TensorDescType((64, 64), IntegerType(8, "s"))),
        ("!tt.tensordesc<tensor<64x64xf16>>", TensorDescType((64, 64), F16)),
        ("!ttg.async.token", OpaqueType("!ttg.async.token")),
        ("!nvws.aref<[!ttg.memdesc<1xi32, #blocked>]>", None),
        ("(i32, f32) -> (f16, i64)", FunctionType((I32, F32), (F16, I64))),
        ("() -> (() -> i32)", FunctionType((), (FunctionType((), (I32,)),))),
    ],
)
def test_types(text: str, expected: Type | None) -> None:
    module = parse(f"{BLOCKED}\ntt.func private @f({text})\n")
    (found,) = _func(module.functions[0]).type.inputs
    assert expected is None or found == expected
    assert equal(module, parse(str(module)))


def test_memory_views() -> None:
    text = "!ttg.memdesc<64x32xf16, #s, #ttg.shared_memory, mutable, 2x64x32>"
    aliases = "#s = #ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [1, 0]}>"
    (found,) = _func(parse(f"{aliases}\ntt.func private @f({text})\n").functions[0]).type.inputs
    assert isinstance(found, MemDescType)
    assert (found.shape, found.mutable, found.alloc_shape) == ((64, 32), True, (2, 64, 32))


VECTOR = TensorType((2,), I32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 : i32", IntegerAttr(1, I32)),
        ("-1", IntegerAttr(-1, I64)),
        ("4294967295 : i32", IntegerAttr(-1, I32)),
        ("true", IntegerAttr(-1, I1)),
        ("0xFF : i32", IntegerAttr(255, I32)),
        ("0x7FC00000 : f32", FloatAttr(0x7FC00000, F32)),
        ("1.5 : f16", FloatAttr(0x3E00, F16)),
        ("-2.5e-3 : f32", FloatAttr(0xBB23D70A, F32)),
        ('"a \\22b\\22 \\0A"', StringAttr('a "b" \n')),
        ("unit", UnitAttr()),
        ("i32", TypeAttr(I32)),
        ("tensor<2xi32>", TypeAttr(VECTOR)),
        ("(i32) -> i32", TypeAttr(FunctionType((I32,), (I32,)))),
        ("@name", SymbolAttr("name")),
        ('@"name with spaces"', SymbolAttr("name with spaces")),
        ("@a::@b :: @c", SymbolAttr("a::b::c")),
        ("[1 : i32, []]", ArrayAttr((IntegerAttr(1, I32), ArrayAttr(())))),
        ("{}", DictAttr(())),
        ("{b = 1 : i32, c}", DictAttr((("b", IntegerAttr(1, I32)), ("c", UnitAttr())))),
        ("array<i32: 1, -2>", DenseArrayAttr(I32, (1, -2))),
        ("array<i64>", DenseArrayAttr(I64, ())),
        ("array<i1: true, false>", DenseArrayAttr(I1, (True, False))),
        ("array<f32: 1.0, 2.5>", DenseArrayAttr(F32, (1.0, 2.5))),
        ("dense<3> : tensor<2xi32>", DenseAttr((3,), VECTOR)),
        ("dense<[1, -2]> : tensor<2xi32>", DenseAttr((1, -2), VECTOR)),
        ('dense<"0x01000000FEFFFFFF"> : tensor<2xi32>', DenseAttr((1, -2), VECTOR)),
        ("dense<1.0> : tensor<2xf16>", DenseAttr((0x3C00,), TensorType((2,), F16))),
        ("dense<0xFF800000> : tensor<2xf32>", DenseAttr((0xFF800000,), TensorType((2,), F32))),
        ("#blocked", LAYOUT),
        ("#foo.bar", OpaqueAttr("#foo.bar")),
        ("#foo.bar<a = [1, 2], b = <c>>", OpaqueAttr("#foo.bar<a = [1, 2], b = <c>>")),
        ("word", OpaqueAttr("word")),
    ],
)
def test_attributes(text: str, expected: Attribute) -> None:
    module = module_of(f'  foo.bar\n  tt.call @f() {{a = {text}, "b-c" = 1}} : () -> ()')
    call = one(module, "tt.call")
    assert call.attributes["a"] == expected
    assert call.attributes["b-c"] == IntegerAttr(1, I64)
    assert equal(module, parse(str(module)))


def test_a_float_keeps_its_bits() -> None:
    for text in ("0x7FC12345", "0xFFC00000", "0x80000000", "0x00000001", "0x7F800000"):
        module = module_of(f"  %x = arith.constant {text} : f32")
        value = one(module, "arith.constant").attributes["value"]
        assert isinstance(value, FloatAttr)
        assert value.bits == int(text, 16)
        assert equal(module, parse(str(module)))
    assert math.isnan(FloatAttr(0x7FC00000, F32).value)


def test_large_constants_are_hexadecimal() -> None:
    numbers = list(range(128))
    module = module_of(f"  %x = arith.constant dense<{numbers}> : tensor<128xi16, #blocked>")
    value = one(module, "arith.constant").attributes["value"]
    assert isinstance(value, DenseAttr)
    assert value.entries == tuple(numbers)
    assert 'dense<"0x000001000200' in str(module)
    assert equal(module, parse(str(module)))


def test_loops_without_yield() -> None:
    module = module_of(
        "  scf.for %i = %n to %n step %n  : i32 {\n    foo.bar\n  }\n  scf.if %c {\n  }\n",
        "%n: i32, %c: i1",
    )
    loop, branch = one(module, "scf.for"), one(module, "scf.if")
    assert isinstance(loop, scf.For)
    assert isinstance(branch, scf.If)
    assert isinstance(loop.body.terminator, scf.Yield)
    assert isinstance(branch.then_block.terminator, scf.Yield)
    assert branch.else_block is None


def test_iter_args() -> None:
    module = module_of(
        "  %r:2 = scf.for %i = %n to %m step %n iter_args(%a = %m, %b = %n) "
        "-> (i32, i32)  : i32 {\n"
        "    scf.yield %b, %a : i32, i32\n  } {tt.num_stages = 3 : i32}\n",
        "%n: i32, %m: i32",
    )
    loop = one(module, "scf.for")
    assert isinstance(loop, scf.For)
    assert loop.inits == [loop.upper, loop.lower]
    assert loop.yields == [loop.iter_args[1], loop.iter_args[0]]
    assert loop.counter.name == "i"
    assert loop.attributes == {"tt.num_stages": IntegerAttr(3, I32)}


def test_optional_operands_before_others() -> None:
    module = parse(
        f"{HEAD}\ntt.func @f(%q: tensor<32x32xf8E5M2, #b>, %s: tensor<32x1xi8, #b>, "
        "%c: tensor<32x32xf32, #b>) {\n"
        "  %d = tt.dot_scaled %q, %q scale %s, %c lhs = e5m2 rhs = e5m2 {fastMath = true} : "
        "tensor<32x32xf8E5M2, #b> * tensor<32x32xf8E5M2, #b>, tensor<32x1xi8, #b> -> "
        "tensor<32x32xf32, #b>\n  tt.return\n}\n}\n"
        "#b = #ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
        "warpsPerCTA = [4, 1], order = [1, 0]}>\n"
    )
    dot = one(module, "tt.dot_scaled")
    assert isinstance(dot, tt.DotScaled)
    assert dot.a_scale is None
    assert dot.b_scale is not None
    assert dot.b_scale.name == "s"
    assert dot.lhs_k_pack
    assert dot.fast_math


def test_comments_and_wrapped_lines() -> None:
    module = module_of(
        "  // a comment\n  %x = arith.addi // another\n     %i, // and one more\n     %i\n"
        "       : i32  // last",
        "%i: i32",
    )
    assert one(module, "arith.addi").result.name == "x"


def test_resources_behind_the_module_are_skipped() -> None:
    text = text_of("") + "{-#\n  external_resources: { mlir_reproducer: { a: #b } }\n#-}\n"
    assert len(parse(text).functions) == 1


def test_several_functions_and_declarations() -> None:
    module = parse(
        f"{HEAD}\ntt.func public @k(%x: f32) {{\n"
        '  %0 = tt.call @"helper (1)"(%x) : (f32) -> f32\n  tt.return\n}\n'
        'tt.func private @"helper (1)"(%a: f32 {tt.divisibility = 1 : i64}) -> f32 '
        "attributes {noinline = true} {\n  tt.return %a : f32\n}\n"
        "tt.func private @mod.fn__fp32_c3.0(f32, !tt.ptr<i8> {tt.x}) -> (f32, i32)\n}\n"
    )
    kernel, helper, declared = map(_func, module.functions)
    assert [f.is_public for f in (kernel, helper, declared)] == [True, False, False]
    assert helper.sym_name == "helper (1)"
    assert helper.arg_attrs == [{"tt.divisibility": IntegerAttr(1, I64)}]
    assert helper.type == FunctionType((F32,), (F32,))
    assert declared.body.blocks == []
    assert declared.arg_attrs == [{}, {"tt.x": UnitAttr()}]
    assert module.function("helper (1)") is helper
    assert equal(module, parse(str(module)))


def test_warp_specialisation_holds_its_partitions() -> None:
    module = module_of(
        "  %r = ttg.warp_specialize(%i)\n  default {\n    ttg.warp_yield %i : i32\n  }\n"
        "  partition0(%a: i32) num_warps(2) {\n    %b = arith.addi %a, %a : i32\n"
        "    ttg.warp_return\n  } : (i32) -> i32\n",
        "%i: i32",
    )
    op = one(module, "ttg.warp_specialize")
    assert isinstance(op, ttg.WarpSpecialize)
    assert op.partition_num_warps == (2,)
    (region,) = op.partitions.regions
    assert op.partitions.captured(region) == [(region.blocks[0].args[0], op.partitions.operands[0])]


def test_a_branch_without_a_class_ends_its_block() -> None:
    module = module_of(
        '"foo.switch"(%i)[^bb1, ^bb2] <{cases = [1]}> : (i32) -> ()\n^bb1:\n  cf.br ^bb2\n^bb2:',
        "%i: i32",
    )
    branch = one(module, "foo.switch")
    assert [s.block.label for s in branch.successors] == ["bb1", "bb2"]
    assert equal(module, parse(str(module)))
