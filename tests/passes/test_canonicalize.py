"""What is known at compile time, on text."""

from __future__ import annotations

import random

import pytest

from trimetal.transpiler.passes.canonicalize import canonicalize
from trimetal.transpiler.passes.cleanup import eliminate_dead_code
from trimetal.transpiler.passes.folding import unsigned, wrap

from .support import after, lines

INTS = "tensor<512xi32, #blocked>"
POINTERS = "tensor<512x!tt.ptr<i32>, #blocked>"


def simplified(body: str) -> str:
    """The body without what is not needed."""
    return after(f"{body}\n tt.return", canonicalize, eliminate_dead_code)


def stored(op: str, before: str = "") -> str:
    """What is stored of `%r = op`: a name, or `constant N`."""
    found = simplified(f"{before}\n%r = {op} : i32\ntt.store %p, %r : !tt.ptr<i32>").split("\n")
    if len(found) == 3 and "constant" in found[0]:
        return found[0].split("arith.")[1].removesuffix(" : i32")
    assert len(found) == 2, found
    return found[0].split(", ")[1].split(" ")[0]


CONSTANTS = """
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %m1 = arith.constant -1 : i32
    %c6 = arith.constant 6 : i32
"""


@pytest.mark.parametrize(
    "op",
    [
        "arith.addi %n, %c0",
        "arith.addi %c0, %n",
        "arith.subi %n, %c0",
        "arith.muli %n, %c1",
        "arith.muli %c1, %n",
        "arith.divsi %n, %c1",
        "arith.divui %n, %c1",
        "arith.ori %n, %c0",
        "arith.xori %c0, %n",
        "arith.andi %n, %m1",
        "arith.andi %n, %n",
        "arith.shli %n, %c0",
        "arith.select %c, %n, %n",
    ],
)
def test_what_changes_nothing(op: str) -> None:
    assert stored(op, CONSTANTS) == "%n"


@pytest.mark.parametrize(
    ("op", "number"),
    [
        ("arith.muli %n, %c0", 0),
        ("arith.andi %c0, %n", 0),
        ("arith.ori %n, %m1", -1),
        ("arith.remsi %n, %c1", 0),
        ("arith.subi %n, %n", 0),
        ("arith.xori %n, %n", 0),
        ("arith.addi %c6, %c1", 7),
        ("arith.divsi %c6, %m1", -6),
        ("arith.remsi %m1, %c6", -1),
        ("arith.divui %m1, %c6", 715827882),
        ("arith.maxsi %m1, %c6", 6),
    ],
)
def test_what_gives_a_constant(op: str, number: int) -> None:
    assert stored(op, CONSTANTS) == f"constant {number}"


@pytest.mark.parametrize("op", ["arith.divsi %n, %c0", "arith.remui %n, %c0", "arith.muli %n, %m1"])
def test_what_stays(op: str) -> None:
    body = f"{CONSTANTS}\n%r = {op} : i32\ntt.store %p, %r : !tt.ptr<i32>"
    assert op.split(" ", maxsplit=1)[0] in simplified(body)


def test_constants_wrap() -> None:
    source = random.Random()
    for _ in range(20):
        a, b = (source.randrange(-(1 << 31), 1 << 31) for _ in range(2))
        before = f"%a = arith.constant {a} : i32\n%b = arith.constant {b} : i32"
        assert stored("arith.muli %a, %b", before) == f"constant {wrap(a * b, 32)}"
        quotient = wrap(unsigned(a, 32) // (unsigned(b, 32) or 1), 32)
        if b:
            assert stored("arith.divui %a, %b", before) == f"constant {quotient}"


def test_floats_fold_only_what_is_exact() -> None:
    body = """
      %one = arith.constant 1.000000e+00 : f32
      %zero = arith.constant 0.000000e+00 : f32
      %minus = arith.constant -0.000000e+00 : f32
      %x = arith.sitofp %n : i32 to f32
      %a = arith.mulf %x, %one : f32
      %b = arith.addf %a, %minus : f32
      %d = arith.addf %b, %zero : f32
      %i = arith.fptosi %d : f32 to i32
      tt.store %p, %i : !tt.ptr<i32>"""
    assert simplified(body) == lines("""
        %zero = arith.constant 0.000000e+00 : f32
        %x = arith.sitofp %n : i32 to f32
        %d = arith.addf %x, %zero : f32
        %i = arith.fptosi %d : f32 to i32
        tt.store %p, %i : !tt.ptr<i32>
        tt.return
    """)


def mask(predicate: str, bound: int, start: int = 0) -> str:
    """A store under a comparison of a range of 512 numbers with a bound."""
    return f"""
      %r = tt.make_range {{end = {start + 512} : i32, start = {start} : i32}} : {INTS}
      %b = arith.constant dense<{bound}> : {INTS}
      %m = arith.cmpi {predicate}, %r, %b : {INTS.replace("i32", "i32")}
      %s = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      %q = tt.addptr %s, %r : {POINTERS}, {INTS}
      tt.store %q, %r, %m : {POINTERS}"""


@pytest.mark.parametrize(
    ("predicate", "bound", "start", "expected"),
    [
        ("slt", 512, 0, "all"),
        ("slt", 511, 0, "some"),
        ("sle", 511, 0, "all"),
        ("sge", 0, 0, "all"),
        ("slt", 0, 0, "none"),
        ("ult", 512, 0, "all"),
        ("ult", -1, 0, "some"),
        ("sgt", 99, 100, "all"),
        ("eq", 700, 0, "none"),
        ("ne", 700, 0, "all"),
        ("eq", 7, 0, "some"),
    ],
)
def test_masks_that_are_always_or_never_true(
    predicate: str, bound: int, start: int, expected: str
) -> None:
    found = simplified(mask(predicate, bound, start))
    kind = "none" if "tt.store" not in found else "some" if "cmpi" in found else "all"
    assert kind == expected


def test_a_masked_load_that_loads_nothing_is_other() -> None:
    body = """
      %false = arith.constant false
      %x = tt.load %p, %false, %n : !tt.ptr<i32>
      tt.store %p, %x : !tt.ptr<i32>"""
    assert simplified(body) == "tt.store %p, %n : !tt.ptr<i32>\ntt.return"


def test_branches_on_constants() -> None:
    body = """
      %true = arith.constant true
      %x = scf.if %true -> (i32) {
        %two = arith.addi %n, %n : i32
        scf.yield %two : i32
      } else {
        scf.yield %n : i32
      }
      %false = arith.constant false
      scf.if %false {
        tt.store %p, %n : !tt.ptr<i32>
      }
      tt.store %p, %x : !tt.ptr<i32>"""
    assert simplified(body) == lines("""
        %two = arith.addi %n, %n : i32
        tt.store %p, %two : !tt.ptr<i32>
        tt.return
    """)


@pytest.mark.parametrize(
    ("lower", "upper", "step", "turns"),
    [(3, 3, 1, 0), (5, 2, 1, 0), (0, 1, 1, 1), (0, 4, 4, 1), (0, 5, 4, 2), (-1, 0, 9, 1)],
)
def test_loops_of_no_or_one_turn(lower: int, upper: int, step: int, turns: int) -> None:
    body = f"""
      %l = arith.constant {lower} : i32
      %u = arith.constant {upper} : i32
      %s = arith.constant {step} : i32
      %r = scf.for %i = %l to %u step %s iter_args(%a = %n) -> (i32) : i32 {{
        %b = arith.muli %a, %n : i32
        scf.yield %b : i32
      }}
      tt.store %p, %r : !tt.ptr<i32>"""
    found = simplified(body)
    assert ("scf.for" in found) == (turns > 1)
    assert ("muli" in found) == (turns > 0)


def test_what_a_loop_hands_on_unchanged() -> None:
    body = """
      %l = arith.constant 0 : i32
      %s = arith.constant 1 : i32
      %r, %t = scf.for %i = %l to %n step %s iter_args(%a = %n, %k = %s) -> (i32, i32) : i32 {
        %b = arith.muli %a, %k : i32
        scf.yield %b, %k : i32, i32
      }
      %z = arith.addi %r, %t : i32
      tt.store %p, %z : !tt.ptr<i32>"""
    found = simplified(body)
    assert "arith.addi %n, %s" in found  # %k is 1, so %a is %n in every turn
    assert "scf.for" not in found


def test_views_of_one_number_and_of_views() -> None:
    body = f"""
      %s = tt.splat %n : i32 -> tensor<512xi32, #blocked>
      %w = ttg.convert_layout %s : {INTS} -> tensor<512xi32, {OTHER}>
      %d = arith.constant dense<7> : tensor<512xi32, {OTHER}>
      %e = arith.addi %w, %d : tensor<512xi32, {OTHER}>
      %b = ttg.convert_layout %e : tensor<512xi32, {OTHER}> -> {INTS}
      %f = ttg.convert_layout %b : {INTS} -> tensor<512xi32, {OTHER}>
      %q = tt.splat %p : !tt.ptr<i32> -> tensor<512x!tt.ptr<i32>, {OTHER}>
      tt.store %q, %f : tensor<512x!tt.ptr<i32>, {OTHER}>"""
    found = simplified(body)
    assert "convert_layout" not in found


OTHER = "#ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4], order = [0]}>"


def test_a_choice_by_the_condition_of_a_branch() -> None:
    """It is the branch's own, whatever the other block gave; else it stays."""
    found = simplified(
        """
        %d = arith.muli %n, %n : i32
        %x = scf.if %c -> (i32) {
          %a = tt.load %p : !tt.ptr<i32>
          scf.yield %a : i32
        } else {
          scf.yield %n : i32
        }
        %r = arith.select %c, %x, %d : i32
        tt.store %p, %r : !tt.ptr<i32>"""
    )
    assert "select" not in found
    assert "scf.yield %d : i32" in found


@pytest.mark.parametrize(
    ("condition", "other", "more"),
    [
        ("%e", "%n", ""),  # another condition
        ("%c", "%late", ""),  # not known where the branch is
        ("%c", "%d", "tt.store %p, %x : !tt.ptr<i32>"),  # the branch's result is needed as it is
    ],
)
def test_another_choice_stays(condition: str, other: str, more: str) -> None:
    found = simplified(
        f"""
        %c0 = arith.constant 0 : i32
        %e = arith.cmpi slt, %n, %c0 : i32
        %d = arith.muli %n, %n : i32
        %x = scf.if %c -> (i32) {{
          %a = tt.load %p : !tt.ptr<i32>
          scf.yield %a : i32
        }} else {{
          scf.yield %n : i32
        }}
        %late = tt.load %p : !tt.ptr<i32>
        %r = arith.select {condition}, %x, {other} : i32
        {more}
        tt.store %p, %r : !tt.ptr<i32>"""
    )
    assert "arith.select" in found


def test_a_choice_in_a_loop_behind_the_branch_stays() -> None:
    """What each turn computes is not known where the branch is."""
    found = simplified(
        """
        %c0 = arith.constant 0 : i32
        %c1 = arith.constant 1 : i32
        %x = scf.if %c -> (i32) {
          %a = tt.load %p : !tt.ptr<i32>
          scf.yield %a : i32
        } else {
          scf.yield %n : i32
        }
        scf.for %i = %c0 to %n step %c1 : i32 {
          %late = arith.muli %i, %n : i32
          %r = arith.select %c, %x, %late : i32
          tt.store %p, %r : !tt.ptr<i32>
        }"""
    )
    assert "arith.select %c, %x, %late" in found
