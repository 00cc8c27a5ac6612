"""Printing what passes have changed: free names, aliases, blocks."""

from __future__ import annotations

from trimetal.transpiler.dialects import arith, tt
from trimetal.transpiler.ir.attributes import IntegerAttr, OpaqueAttr, StringAttr, UnitAttr
from trimetal.transpiler.ir.core import Module, Op
from trimetal.transpiler.ir.encodings import BlockedEncoding, SliceEncoding
from trimetal.transpiler.ir.equal import difference, equal
from trimetal.transpiler.ir.location import FileLineColLoc, NameLoc
from trimetal.transpiler.ir.printer import print_module
from trimetal.transpiler.ir.types import F32, I32, TensorType
from trimetal.transpiler.parser import parse

TEXT = "tt.func @f(%a: i32, %b: i32, %c: i1) {\n%body\n  tt.return\n}\n"


def module_of(body: str = "") -> Module:
    return parse(TEXT.replace("%body", body))


def add_ops(module: Module, *ops: Op) -> Module:
    block = module.functions[0].regions[0].block
    for op in ops:
        block.insert_before(block.terminator, op)
    return module


def body_of(module: Module) -> list[str]:
    """The lines of the function, without its head and end."""
    return [line.strip() for line in str(module).splitlines()[2:-3]]


def test_values_without_names_are_numbered() -> None:
    module = module_of()
    a, b, _ = module.functions[0].regions[0].block.args
    first = arith.Addi([a, b], [I32])
    second = arith.Addi([first.result, b], [I32])
    assert body_of(add_ops(module, first, second)) == [
        "%0 = arith.addi %a, %b : i32",
        "%1 = arith.addi %0, %b : i32",
    ]


def test_a_name_that_is_taken_gets_a_number() -> None:
    module = module_of("  %x = arith.constant 1 : i32")
    a, b, _ = module.functions[0].regions[0].block.args
    ops = [arith.Addi([a, b], [I32]) for _ in range(2)]
    for op in ops:
        op.result.name = "x"
    assert body_of(add_ops(module, *ops))[1:] == [
        "%x_0 = arith.addi %a, %b : i32",
        "%x_1 = arith.addi %a, %b : i32",
    ]


def test_numbers_of_the_text_are_not_given_twice() -> None:
    module = module_of("  %0 = arith.constant 1 : i32")
    a, b, _ = module.functions[0].regions[0].block.args
    assert body_of(add_ops(module, arith.Addi([a, b], [I32])))[1].startswith("%1 = ")


def test_several_results_without_names() -> None:
    module = module_of()
    a, b, _ = module.functions[0].regions[0].block.args
    op = arith.MuluiExtended([a, b], [I32, I32])
    use = arith.Addi([op.results[1], op.results[0]], [I32])
    assert body_of(add_ops(module, op, use)) == [
        "%0:2 = arith.mului_extended %a, %b : i32",
        "%1 = arith.addi %0#1, %0#0 : i32",
    ]


def test_regions_see_all_names_of_the_region_around() -> None:
    module = module_of(
        "  scf.if %c {\n    %x = arith.addi %a, %a : i32\n  }\n  %y = arith.addi %a, %b : i32"
    )
    inner = next(op for op in module.walk() if op.op_name == "arith.addi")
    inner.result.name = "y"
    assert "%y_0 = arith.addi %a, %a : i32" in str(module)
    assert equal(module, parse(str(module)))


def test_new_layouts_get_aliases_in_the_order_of_the_text() -> None:
    module = module_of()
    flat = BlockedEncoding((1, 1), (1, 32), (4, 1), (1, 0))
    line = BlockedEncoding((1,), (32,), (4,), (0,))
    values = [
        tt.MakeRange(
            [],
            [TensorType((32,), I32, encoding)],
            {"start": IntegerAttr(0, I32), "end": IntegerAttr(32, I32)},
        )
        for encoding in (SliceEncoding(0, flat), line)
    ]
    text = str(add_ops(module, *values))
    assert text.index("#blocked = #ttg.blocked<{sizePerThread = [1, 1]") < text.index("#blocked1 =")
    assert "tensor<32xi32, #ttg.slice<{dim = 0, parent = #blocked}>>" in text
    assert "tensor<32xi32, #blocked1>" in text


def test_attributes_are_sorted_and_quoted() -> None:
    module = module_of()
    op = arith.Constant(
        [],
        [I32],
        {
            "z": UnitAttr(),
            "value": IntegerAttr(1, I32),
            "a-b": StringAttr('"\n\\é'),
            "c.d": UnitAttr(),
        },
    )
    expected = '%0 = arith.constant {"a-b" = "\\22\\0A\\\\\\C3\\A9", c.d, z} 1 : i32'
    assert body_of(add_ops(module, op)) == [expected]
    assert equal(module, parse(str(module)))


def test_defaults_are_left_out() -> None:
    module = module_of()
    a, b, _ = module.functions[0].regions[0].block.args
    op = arith.Addi([a, b], [I32], {"overflowFlags": OpaqueAttr("none")})
    assert body_of(add_ops(module, op)) == ["%0 = arith.addi %a, %b : i32"]


def test_locations_when_asked_for() -> None:
    module = module_of("  %x = arith.constant 1 : i32")
    op = next(op for op in module.walk() if op.op_name == "arith.constant")
    op.location = op.result.location = NameLoc("x", FileLineColLoc("f.py", 3, 7))
    assert "loc" not in str(module)
    text = print_module(module, locations=True)
    assert '#loc1 = loc("f.py":3:7)\n' in text
    assert '#loc2 = loc("x"(#loc1))\n' in text
    assert "arith.constant 1 : i32 loc(#loc2)\n" in text
    assert equal(module, parse(text), names=True, locations=True)


def test_equal_sees_differences() -> None:
    base = "  %x = arith.addi %a, %b : i32"
    assert equal(module_of(base), module_of(base.replace("x", "y")))
    assert not equal(module_of(base), module_of(base.replace("x", "y")), names=True)
    for other, reason in (
        ("  %x = arith.addi %b, %a : i32", "operands"),
        ("  %x = arith.subi %a, %b : i32", "name"),
        ("  %x = arith.addi %a, %b {k} : i32", "attributes"),
        (f"{base}\n  foo.bar", "number of ops"),
        ("  scf.if %c {\n  }", "name"),
    ):
        found = difference(module_of(base), module_of(other))
        assert found is not None
        assert found[2] == reason


def test_unknown_types_and_f32() -> None:
    module = parse("tt.func private @f(!foo.bar<1x2, a>, f32)\n")
    function = module.functions[0]
    assert isinstance(function, tt.Func)
    assert function.type.inputs[1] == F32
    assert "(!foo.bar<1x2, a>, f32)" in str(module)


def test_a_value_named_after_one_of_several_results() -> None:
    module = parse(
        "tt.func @f(%i: i32) {\n  %pair:2 = foo.bar %i : i32, i32\n"
        "  %x = arith.addi %pair#0, %pair#1 : i32\n  tt.return\n}\n"
    )
    (add,) = (op for op in module.walk() if isinstance(op, arith.Addi))
    add.result.name = "pair#1"
    assert "%pair_1 = arith.addi %pair#0, %pair#1" in str(module)
    add.result.name = "7#1"
    assert "%0 = arith.addi" in str(module)
