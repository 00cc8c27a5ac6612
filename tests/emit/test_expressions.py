"""How expressions are written: as a Metal programmer would write them."""

from __future__ import annotations

import trimetal
from tests.lower.support import module
from tests.shape.support import blocked_layout, kernel, tensor

LINE = blocked_layout((512,), [4], [32], [4])
INTS, BOOLS = tensor(LINE, "i32"), tensor(LINE, "i1")


def text_of(body: str, inputs: int = 1) -> str:
    """The MSL of a kernel that loads %x0, ... and stores %y."""
    text = kernel([(LINE, "i32")] * inputs, body, [("%y", LINE, "i32")])
    source = trimetal.transpile(text).source
    assert not trimetal.check(source)
    return source


def scalar(body: str, arguments: str) -> str:
    """The MSL of a kernel of scalars; %p: !tt.ptr<i32>."""
    text = module(f"tt.func public @k(%p: !tt.ptr<i32>, {arguments}) {{\n{body}\n tt.return\n}}")
    source = trimetal.transpile(text).source
    assert not trimetal.check(source)
    return source


def test_a_negative_constant_that_wraps_is_written_unsigned() -> None:
    body = f"""
    %c = arith.constant dense<-766435501> : {INTS}
    %m = arith.muli %x0, %c : {INTS}
    %d = arith.constant dense<-1640531403> : {INTS}
    %y = arith.xori %m, %d : {INTS}"""
    assert "0xd2511f53u) ^ 0x9e377a35u" in text_of(body)


def test_other_operators_inside_bit_operators_have_parentheses() -> None:
    body = """
    %a = arith.muli %m, %n : i32
    %b = arith.andi %m, %n : i32
    %c = arith.xori %a, %b : i32
    tt.store %p, %c : !tt.ptr<i32>"""
    assert "= (uint(m) * n) ^ uint(m & n);" in scalar(body, "%m: i32, %n: i32")


def test_and_inside_or_has_parentheses() -> None:
    body = """
    %zero = arith.constant 0 : i32
    %a = arith.cmpi slt, %m, %n : i32
    %b = arith.cmpi eq, %m, %n : i32
    %c = arith.cmpi sgt, %m, %zero : i32
    %d = arith.andi %b, %c : i1
    %e = arith.ori %a, %d : i1
    scf.if %e {
      tt.store %p, %m : !tt.ptr<i32>
    }"""
    assert "if (m < n || (m == n && m > 0))" in scalar(body, "%m: i32, %n: i32")


def loop(test: str, type_: str) -> str:
    """A loop that goes on while a comparison holds."""
    body = f"""
    %one = arith.constant 1 : i32
    scf.while : () -> () {{
      %c = arith.{test} %m, %n : {type_}
      scf.condition(%c)
    }} do {{
      tt.store %p, %one : !tt.ptr<i32>
      scf.yield
    }}"""
    return scalar(body, f"%m: {type_}, %n: {type_}")


def test_a_loop_ends_where_the_opposite_holds() -> None:
    assert "if (m >= n) {" in loop("cmpi slt,", "i32")
    assert "if (m == n) {" in loop("cmpi ne,", "i32")
    # NaN is neither less nor not less.
    assert "m >= n" not in loop("cmpf olt,", "f32")


def test_parts_of_a_statement_are_named_after_it() -> None:
    """x = tl.where(x0 < x1, x0, 0), where Triton names the comparison x, too."""
    body = f"""
    %zero = arith.constant dense<0> : {INTS}
    %x = arith.cmpi slt, %x0, %x1 : {INTS}
    %x_1 = arith.select %x, %x0, %zero : {BOOLS}, {INTS}
    %x_2 = arith.select %x, %zero, %x1 : {BOOLS}, {INTS}
    %y = arith.subi %x_1, %x_2 : {INTS}"""
    assert "const bool x_mask = x0 < x1;" in text_of(body, 2)


def test_what_joins_two_values_needs_no_array() -> None:
    pair = blocked_layout((512, 2), [4, 2], [32, 1], [4, 1])
    body = f"%y = tt.join %x0, %x1 : {INTS} -> {tensor(pair, 'i32')}"
    text = kernel([(LINE, "i32")] * 2, body, [("%y", pair, "i32")])
    source = trimetal.transpile(text).source
    assert "+ 0" not in source
