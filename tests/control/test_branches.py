"""Graphs of blocks (cf), structured and run: whichever way they go, the results are the same."""

from __future__ import annotations

import random

import numpy as np
import pytest

import trimetal
from trimetal.transpiler.errors import UnsupportedError

from ..lower.support import module, poison, run


def kernel(body: str, arguments: str = "%n: i32", functions: str = "") -> str:
    """A kernel of scalars, with `%out` to store to."""
    return module(f"""
  tt.func public @kernel(%out: !tt.ptr<i32>, {arguments}) {{
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c7 = arith.constant 7 : i32
    %c100 = arith.constant 100 : i32
    {body}
  }}
{functions}""")


def results(text: str, *arguments: object, size: int = 1) -> list[int]:
    """What the kernel stores."""
    out = poison(size, "int32")
    run(text, (1,), out, *arguments)
    return out.tolist()


EARLY = """
    %negative = arith.cmpi slt, %n, %c0 : i32
    cf.cond_br %negative, ^leave, ^stay
  ^leave:
    tt.store %out, %c7 : !tt.ptr<i32>
    tt.return
  ^stay:
    tt.store %out, %n : !tt.ptr<i32>
    tt.return
"""


@pytest.mark.parametrize("n", [-3, 0, 5])
def test_early_return(n: int) -> None:
    assert results(kernel(EARLY), n) == [7 if n < 0 else n]


SHARED_BLOCK = """
    %a = arith.cmpi slt, %n, %c0 : i32
    cf.cond_br %a, ^left, ^right
  ^left:
    %b = arith.cmpi slt, %m, %c0 : i32
    cf.cond_br %b, ^store(%c1 : i32), ^none
  ^right:
    %c = arith.cmpi slt, %m, %c7 : i32
    cf.cond_br %c, ^store(%c7 : i32), ^other
  ^other:
    %s = arith.addi %n, %m : i32
    cf.br ^store(%s : i32)
  ^none:
    tt.store %out, %c100 : !tt.ptr<i32>
    tt.return
  ^store(%v: i32):
    tt.store %out, %v : !tt.ptr<i32>
    tt.return
"""


@pytest.mark.parametrize("n", [-1, 1])
@pytest.mark.parametrize("m", [-1, 1, 50])
def test_a_block_that_two_branches_lead_to(n: int, m: int) -> None:
    text = kernel(SHARED_BLOCK, "%n: i32, %m: i32")
    expected = (1 if m < 0 else 100) if n < 0 else (7 if m < 7 else n + m)
    assert results(text, n, m) == [expected]


LOOP = """
    cf.br ^head(%c0, %c0 : i32, i32)
  ^head(%i: i32, %sum: i32):
    %go = arith.cmpi slt, %i, %n : i32
    cf.cond_br %go, ^body, ^done
  ^body:
    %next = arith.addi %sum, %i : i32
    %stop = arith.cmpi sgt, %next, %c100 : i32
    %j = arith.addi %i, %c1 : i32
    cf.cond_br %stop, ^far, ^head(%j, %next : i32, i32)
  ^far:
    %minus = arith.subi %c0, %next : i32
    cf.br ^end(%minus : i32)
  ^done:
    cf.br ^end(%sum : i32)
  ^end(%r: i32):
    %last = arith.addi %r, %c1 : i32
    tt.store %out, %last : !tt.ptr<i32>
    tt.return
"""


@pytest.mark.parametrize("n", [0, 1, 5, 50])
def test_a_loop_with_two_ways_out(n: int) -> None:
    total = i = 0
    while i < n:
        total += i
        i += 1
        if total > 100:
            total = -total
            break
    assert results(kernel(LOOP), n) == [total + 1]


NESTED_LOOPS = """
    cf.br ^outer(%c0, %c0 : i32, i32)
  ^outer(%i: i32, %a: i32):
    cf.br ^inner(%c0, %a : i32, i32)
  ^inner(%j: i32, %b: i32):
    %p = arith.muli %i, %j : i32
    %c = arith.addi %b, %p : i32
    %far = arith.cmpi sgt, %c, %c100 : i32
    cf.cond_br %far, ^end, ^more
  ^more:
    %j1 = arith.addi %j, %c1 : i32
    %go = arith.cmpi sle, %j1, %i : i32
    cf.cond_br %go, ^inner(%j1, %c : i32, i32), ^next
  ^next:
    %i1 = arith.addi %i, %c1 : i32
    %again = arith.cmpi slt, %i1, %n : i32
    cf.cond_br %again, ^outer(%i1, %c : i32, i32), ^end
  ^end:
    %k = arith.muli %i, %c100 : i32
    %r = arith.addi %k, %c : i32
    tt.store %out, %r : !tt.ptr<i32>
    tt.return
"""


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_a_jump_out_of_two_loops_with_their_values(n: int) -> None:
    def expected() -> int:
        total = 0
        for i in range(n):
            for j in range(i + 1):
                total += i * j
                if total > 100:
                    return 100 * i + total
        return 100 * (n - 1) + total

    assert results(kernel(NESTED_LOOPS), n) == [expected()]


def test_a_loop_of_two_entries_is_refused() -> None:
    text = kernel("""
    %a = arith.cmpi slt, %n, %c0 : i32
    cf.cond_br %a, ^one, ^two
  ^one:
    cf.br ^two
  ^two:
    %b = arith.cmpi slt, %n, %c7 : i32
    cf.cond_br %b, ^one, ^end
  ^end:
    tt.return""")
    with pytest.raises(UnsupportedError, match="entered in two places"):
        trimetal.transpile(text)


def random_graph(source: random.Random, size: int) -> tuple[str, list[tuple[int, ...]]]:
    """Blocks that only jump forward, each of which adds its number; and where they jump to."""
    lines = ["cf.br ^b0(%n : i32)"]
    jumps: list[tuple[int, ...]] = []
    for block in range(size):
        lines.append(f"^b{block}(%v{block}: i32):")
        lines.append(f"%k{block} = arith.constant {3 * block + 1} : i32")
        lines.append(f"%w{block} = arith.addi %v{block}, %k{block} : i32")
        if block == size - 1 or (block > 2 and source.random() < 0.2):
            lines += [f"tt.store %out, %w{block} : !tt.ptr<i32>", "tt.return"]
            jumps.append(())
            continue
        ends = [source.randint(block + 1, min(size - 1, block + 4)) for _ in range(2)]
        lines.append(f"%m{block} = arith.constant {1 << source.randrange(6)} : i32")
        lines.append(f"%t{block} = arith.andi %w{block}, %m{block} : i32")
        lines.append(f"%c{block}c = arith.cmpi ne, %t{block}, %c0 : i32")
        there = ", ".join(f"^b{end}(%w{block} : i32)" for end in ends)
        lines.append(f"cf.cond_br %c{block}c, {there}")
        jumps.append((int(lines[-4].split("constant ")[1].split(" ")[0]), *ends))
    return "\n    ".join(lines), jumps


@pytest.mark.parametrize("seed", range(8))
def test_random_graphs(seed: int) -> None:
    body, jumps = random_graph(random.Random(seed), 12)
    text = kernel(body)
    for n in np.random.default_rng().integers(-1000, 1000, 4).tolist():
        value, block = n, 0
        while True:
            value += 3 * block + 1
            if not jumps[block]:
                break
            mask, yes, no = jumps[block]
            block = yes if value & mask else no
        assert results(text, n) == [value]


def test_values_of_a_dominating_block_are_seen_in_all_that_follow() -> None:
    text = kernel("""
    %x = arith.addi %n, %c7 : i32
    %a = arith.cmpi slt, %n, %c0 : i32
    cf.cond_br %a, ^one, ^two
  ^one:
    %y = arith.muli %x, %x : i32
    cf.br ^end(%y : i32)
  ^two:
    cf.br ^end(%x : i32)
  ^end(%z: i32):
    %r = arith.addi %z, %x : i32
    tt.store %out, %r : !tt.ptr<i32>
    tt.return""")
    assert results(text, -2) == [30]
    assert results(text, 2) == [18]
