"""tl.device_print and tl.device_assert: lines in Triton's format, errors with their place."""

from __future__ import annotations

import numpy as np
import pytest

import trimetal

from .support import LINE, NUMPY, blocked, line_of, module, numbers, run, tensor, zeros


def print_kernel(dtype: str, body: str, size: int = 4) -> str:
    """A kernel that has %x, and the program's number."""
    return module(f"""
  tt.func public @show(%x_ptr: !tt.ptr<{dtype}>) {{
    %pid = tt.get_program_id x : i32
    {line_of("x", "%x_ptr", size, dtype, LINE)}
    %x = tt.load %x_p : {tensor(size, f"!tt.ptr<{dtype}>", LINE)}
    {body}
    tt.return
  }}""")


def test_each_element_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    text = print_kernel(
        "i32",
        f"""tt.print " x: " {{hex = false, isSigned = array<i32: 1>}} : %x
      : {tensor(4, "i32", LINE)}""",
    )
    shader = run(text, (2,), np.array([3, -1, 7, 9], np.int32))
    assert capfd.readouterr().out.splitlines() == [
        f"pid ({pid}, 0, 0) idx ({i}) x: {value}"
        for pid in range(2)
        for i, value in enumerate([3, -1, 7, 9])
    ]
    assert [a.kind for a in shader.arguments] == ["buffer", "debug"]


@pytest.mark.parametrize(
    ("dtype", "value", "hexadecimal", "signed", "printed"),
    [
        ("i8", -2, False, 1, "-2"),
        ("i8", -2, False, 0, "254"),
        ("i16", -2, True, 1, "0xfffe"),
        ("i64", -(1 << 40), False, 1, str(-(1 << 40))),
        ("i64", 1 << 40, True, 1, "0x0000010000000000"),
        ("f32", 1.5, False, 1, "1.500000"),
        ("f16", -0.25, False, 1, "-0.250000"),
        ("bf16", 3.0, False, 1, "3.000000"),
        ("f32", 1.0, True, 1, "0x1p+0"),
        ("f32", -0.1015625, True, 1, "-0x1.ap-4"),
        ("f16", 0.0, True, 1, "0x0p+0"),
        ("f32", np.inf, True, 1, "inf"),
    ],
)
def test_values_look_as_in_triton(
    capfd: pytest.CaptureFixture[str],
    dtype: str,
    value: float,
    hexadecimal: bool,
    signed: int,
    printed: str,
) -> None:
    attributes = f"hex = {str(hexadecimal).lower()}, isSigned = array<i32: {signed}>"
    text = print_kernel(
        dtype, f'tt.print " v: " {{{attributes}}} : %x : {tensor(1, dtype, LINE)}', size=1
    )
    run(text, (1,), np.array([value]).astype(NUMPY[dtype]))
    assert capfd.readouterr().out == f"pid (0, 0, 0) idx (0) v: {printed}\n"


def test_scalars_and_several_values_and_none(capfd: pytest.CaptureFixture[str]) -> None:
    text = print_kernel(
        "i32",
        f"""tt.print " begin" {{hex = false, isSigned = array<i32>}}
    tt.print ": " {{hex = false, isSigned = array<i32: 1, 1>}} : %pid, %x
      : i32, {tensor(1, "i32", LINE)}""",
        size=1,
    )
    run(text, (1, 2), np.array([5], np.int32))
    assert capfd.readouterr().out.splitlines() == [
        line
        for y in range(2)
        for line in (
            f"pid (0, {y}, 0) begin",
            f"pid (0, {y}, 0) idx (): (operand 0) 0",
            f"pid (0, {y}, 0) idx (0): (operand 1) 5",
        )
    ]


def test_two_dimensions_have_columns(capfd: pytest.CaptureFixture[str]) -> None:
    layout = blocked([1, 2], [2, 16], [4, 1])
    value, one = tensor((4, 16), "i32", layout), tensor((1, 16), "i32", layout)
    text = module(f"""
  tt.func public @show() {{
    %c = tt.make_range {{end = 16 : i32, start = 0 : i32}}
      : tensor<16xi32, #ttg.slice<{{dim = 0, parent = {layout}}}>>
    %row = tt.expand_dims %c {{axis = 0 : i32}}
      : tensor<16xi32, #ttg.slice<{{dim = 0, parent = {layout}}}>> -> {one}
    %x = tt.broadcast %row : {one} -> {value}
    tt.print " " {{hex = false, isSigned = array<i32: 1>}} : %x : {value}
    tt.return
  }}""")
    run(text, (1,))
    lines = sorted(capfd.readouterr().out.splitlines())
    expected = [f"pid (0, 0, 0) idx ({i}, {j:2}) {j}" for i in range(4) for j in range(16)]
    assert lines == sorted(expected)


def test_what_there_is_no_room_for_is_counted(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIMETAL_DEBUG_RECORDS", "10")
    text = print_kernel(
        "i32",
        f"""tt.print " x: " {{hex = false, isSigned = array<i32: 1>}} : %x
      : {tensor(4, "i32", LINE)}""",
    )
    run(text, (5,), zeros(4, "i32"))
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("... and 10 more")


def assert_kernel(message: str = "too large") -> str:
    """x < 100, for every element; then x += 1."""
    value = tensor(64, "i32", LINE)
    return module(f"""
  tt.func public @bounded(%x_ptr: !tt.ptr<i32>) {{
    {line_of("x", "%x_ptr", 64, "i32", LINE)}
    %x = tt.load %x_p : {tensor(64, "!tt.ptr<i32>", LINE)}
    %limit = arith.constant dense<100> : {value}
    %fine = arith.cmpi slt, %x, %limit : {value}
    tt.assert %fine, "{message}" : {tensor(64, "i1", LINE)} loc("kernel.py":12:3)
    tt.return
  }}""")


def test_an_assertion_that_holds_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(assert_kernel(), (3,), numbers("i32", 64, 1))
    assert not capfd.readouterr().out


def test_an_assertion_that_fails_is_an_error_with_its_place() -> None:
    x = numbers("i32", 64, 1)
    x[17] = 100
    with pytest.raises(trimetal.AssertionFailed) as caught:
        run(assert_kernel(), (1,), x)
    expected = "kernel.py:12: assertion failed in program (0, 0, 0), element (17,): too large"
    assert str(caught.value) == expected
    assert isinstance(caught.value, trimetal.TrimetalError)


def test_assertions_that_hold_at_compile_time_cost_nothing() -> None:
    text = module("""
  tt.func public @fine(%x_ptr: !tt.ptr<i32>) {
    %true = arith.constant true
    tt.assert %true, "never" : i1
    tt.return
  }""")
    shader = trimetal.transpile(text)
    assert len(shader.arguments) == 1
    assert not shader.debug


def test_a_fault_after_a_failed_assertion_is_the_assertion() -> None:
    text = module("""
  tt.func public @far(%x_ptr: !tt.ptr<i32>, %i: i32) {
    %limit = arith.constant 10 : i32
    %fine = arith.cmpi slt, %i, %limit : i32
    tt.assert %fine, "" : i1
    %p = tt.addptr %x_ptr, %i : !tt.ptr<i32>, i32
    tt.store %p, %i : !tt.ptr<i32>
    tt.return
  }""")
    with pytest.raises(trimetal.AssertionFailed, match=r"program \(0, 0, 0\)$"):
        run(text, (1,), zeros(10, "i32"), 1000)
