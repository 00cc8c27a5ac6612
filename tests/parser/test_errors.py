"""What errors say: what was expected, what was found, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimetal.transpiler.errors import ParseError, TrimetalError, VerifyError
from trimetal.transpiler.parser import parse

from .support import BLOCKED, HEAD, text_of


def error_of(text: str) -> TrimetalError:
    with pytest.raises(TrimetalError) as caught:
        parse(text, name="k.ttgir")
    return caught.value


BODIES = {
    "undefined": (
        "  %y = arith.addi %x, %x : i32",
        "%x is not defined here",
        "%x",
    ),
    "twice": (
        "  %y = arith.constant 1 : i32\n  %y = arith.constant 2 : i32",
        "%y is defined twice",
        "%y =",
    ),
    "used as": (
        "  %y = arith.constant 1 : i32\n  %z = arith.addi %y, %y : i64",
        "%y has type i32, and is used as i64",
        None,
    ),
    "no value": ("  %y = arith.addi : i32", "expected a value, found ':'", ":"),
    "one operand": ("  %y = arith.addi %i : i32", "2 operands should stand here, found 1", "%i"),
    "too many": (
        "  %y = arith.addi %i, %i, %i : i32",
        "expected ':', found ','",
        ",",
    ),
    "no type": ("  %y = arith.addi %i, %i : foo", "there is no type 'foo'", "foo"),
    "no alias": (
        "  %y = ub.poison : tensor<4xi32, #nothing>",
        "there is no alias #nothing",
        "#nothing",
    ),
    "enum": (
        "  %y = arith.cmpi foo, %i, %i : i32",
        "'foo' is no predicate; there are eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge",
        "foo",
    ),
    "names": (
        "  %y, %z = arith.addi %i, %i : i32",
        "arith.addi has 1 results, and 2 names",
        "%y, %z =",
    ),
    "unknown regions": (
        "  foo.warp_group (%i) {\n  }",
        "foo.warp_group has regions: it can be read in the generic form only",
        "{\n  }",
    ),
    "unknown blocks": (
        "  foo.switch %i : i32, [default: ^bb1]\n^bb1:",
        "foo.switch has blocks: it can be read in the generic form only",
        "^bb1",
    ),
    "block": ("  cf.br ^nowhere", "there is no block ^nowhere in this region", "^nowhere"),
    "location": ("  foo.bar loc(#loc9)", "there is no location #loc9", None),
    "digits": (
        f"  %y = arith.constant {'9' * 50} : i32",
        "999999999999... has too many digits",
        None,
    ),
    "too large": ("  %y = arith.constant 300 : i8", "300 does not fit i8", "300"),
    "dense": (
        "  %y = arith.constant dense<[1, 2, 3]> : tensor<2xi32>",
        "3 entries where tensor<2xi32> has 2",
        "[1, 2, 3]",
    ),
    "parameter": (
        "  %y = ub.poison : tensor<4xi32, #ttg.blocked<{sizePerThread = [3]}>>",
        "'sizePerThread' of #ttg.blocked should be a power of two",
        "#ttg.blocked",
    ),
    "key twice": ("  foo.bar\n  tt.call @f() {a, a} : () -> ()", "'a' stands here twice", "a"),
    "no such parameter": (
        "  %y = ub.poison : tensor<4xi32, #ttg.dot_op<{opIdx = 0, parent = #blocked, x = 1}>>",
        "#ttg.dot_op has no parameter 'x'",
        "#ttg.dot_op",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_messages_and_places(name: str) -> None:
    body, message, place = BODIES[name]
    text = text_of(body, "%i: i32")
    error = error_of(text)
    assert isinstance(error, ParseError)
    assert error.message == message
    assert error.span is not None
    assert place is None or text[error.span.start : error.span.end] == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module {\n", "the text ends where '}' or a block or an op should stand here"),
        ("module {\n}\n}\n", "unexpected '}': an alias or an op or the end should stand here"),
        ("module {\n  ?\n}\n", "unexpected '?': '}' or a block or an op should stand here"),
        ("module {\n  foo.bar \x01\n}\n", "unexpected character '\\x01'"),
        ('module {\n  foo.bar "abc\n}\n', "a string without its end"),
        ("module {\n  foo.bar (\n}\n", "unexpected '}': ')' should stand here"),
    ],
)
def test_texts_that_are_no_mlir(text: str, message: str) -> None:
    error = error_of(text)
    assert isinstance(error, ParseError)
    assert error.message == message


def test_the_whole_message_has_a_caret() -> None:
    text = f"{HEAD}\ntt.func @f() {{\n  %y = arith.addi %x, %x : i32\n  tt.return\n}}\n}}\n"
    assert str(error_of(text)) == (
        "k.ttgir:3:19: error: %x is not defined here\n"
        "      %y = arith.addi %x, %x : i32\n"
        "                      ^^"
    )


def test_errors_inside_a_type_point_into_it() -> None:
    text = text_of("  %y = ub.poison : tensor<128xf32, #blocked, 3>")
    error = error_of(text)
    assert error.message == "unexpected ','"
    assert error.span is not None
    assert text[error.span.start :].startswith(", 3>")


def test_ttir_is_refused_by_name() -> None:
    text = (
        "module {\ntt.func public @f(%x: tensor<128xf32>) {\n"
        "  %0 = arith.addf %x, %x : tensor<128xf32>\n  tt.return\n}\n}\n"
    )
    error = error_of(text)
    assert isinstance(error, VerifyError)
    assert error.message == "this is TTIR: its tensors have no layouts"
    assert "convert-triton-to-tritongpu" in error.note
    assert ".ttgir" in str(error)


def test_a_tensor_without_layout_in_ttgir() -> None:
    error = error_of(
        text_of("  %0 = tt.make_range {end = 8 : i32, start = 0 : i32} : tensor<8xi32>")
    )
    assert isinstance(error, VerifyError)
    assert error.message == "tensor<8xi32> has no layout"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "k.ttgir"
    path.write_text(text_of("  %0 = arith.constant 1 : i32"), encoding="utf-8")
    assert str(parse(path)) == str(parse(str(path))) == str(parse(path.read_text("utf-8")))
    path.write_text("module {\n", encoding="utf-8")
    with pytest.raises(ParseError, match=r"k\.ttgir:2:1: error"):
        parse(path)


@pytest.mark.parametrize("path", ["nowhere.ttgir", "/", "a\0b"])
def test_paths_that_cannot_be_read(path: str) -> None:
    with pytest.raises(ParseError, match="cannot read"):
        parse(path)


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "k.ttgir"
    path.write_bytes(b"module {\xff\n}\n")
    with pytest.raises(ParseError, match="cannot read"):
        parse(path)


def test_a_name_for_text() -> None:
    with pytest.raises(ParseError, match="<ttgir>:1:1"):
        parse("?\n")
    assert parse(f"{BLOCKED}\nmodule {{\n}}\n").span is not None


@pytest.mark.parametrize("text", ["4xf32, constant", "2x4xf32, thread", "f32, thread"])
def test_arrays_that_do_not_exist(text: str) -> None:
    with pytest.raises(ParseError, match="expected one dimension, and one of thread, simdgroup"):
        parse(text_of(f"%y = ub.poison : !metal.array<{text}>"))
