"""Rings of buffers become one tile, on text."""

from __future__ import annotations

import pytest

import trimetal
from trimetal.transpiler.passes.canonicalize import canonicalize
from trimetal.transpiler.passes.cleanup import (
    eliminate_common_subexpressions,
    eliminate_dead_code,
)
from trimetal.transpiler.passes.plain_dots import make_dots_plain
from trimetal.transpiler.passes.rings import empty_rings

from .support import BLOCKED, HEAD, after

INTS = "tensor<512xi32, #blocked>"
BITS = "tensor<512xi1, #blocked>"
POINTERS = "tensor<512x!tt.ptr<i32>, #blocked>"
SHARED = "#ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [0]}>"
SLOT = f"!ttg.memdesc<512xi32, {SHARED}, #ttg.shared_memory, mutable>"
TOKEN = "!ttg.async.token"


def ring(depth: int) -> str:
    """The type of a ring."""
    return f"!ttg.memdesc<{depth}x512xi32, {SHARED}, #ttg.shared_memory, mutable>"


def before(depth: int = 3) -> str:
    """Pointers, and the ring."""
    return f"""
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %c2 = arith.constant 2 : i32
      %depth = arith.constant {depth} : i32
      %last = arith.constant -1 : i32
      %r = tt.make_range {{end = 512 : i32, start = 0 : i32}} : {INTS}
      %s = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      %q = tt.addptr %s, %r : {POINTERS}, {INTS}
      %m = ttg.local_alloc : () -> {ring(depth)}
    """


def copied(number: int, pointers: str, depth: int, mask: str = "") -> str:
    """A copy before the loop."""
    mask = f"mask {mask}" if mask else ""
    return f"""
      %f{number} = ttg.memdesc_index %m[%c{number}] : {ring(depth)} -> {SLOT}
      %k{number} = ttg.async_copy_global_to_local {pointers}, %f{number} {mask}
        : {POINTERS} -> <512xi32, {SHARED}, #ttg.shared_memory, mutable>
      %g{number} = ttg.async_commit_group tokens %k{number}
    """.replace("\n        :", " :")


def index(name: str, carried: str) -> str:
    """The number of a slot, one more in each turn."""
    return f"""
        %{name}_x = arith.addi {carried}, %c1 : i32
        %{name}_w = arith.cmpi sge, %{name}_x, %depth : i32
        %{name} = arith.select %{name}_w, %c0, %{name}_x : i32
        %{name}_m = ttg.memdesc_index %m[%{name}] : RING -> {SLOT}
    """


def copy_in_loop(pointers: str, mask: str = "") -> str:
    """The copy of a later turn's tile."""
    mask = f"mask {mask}" if mask else ""
    return f"""
        %t = ttg.async_copy_global_to_local {pointers}, %in_m {mask} : {POINTERS} -> <512xi32, {SHARED}, #ttg.shared_memory, mutable>
        %u = ttg.async_commit_group tokens %t
    """  # noqa: E501


# Two tiles ahead in a ring of three, pointers moved by %n in each turn.
STEP = f"""
      %nn = tt.splat %n : i32 -> {INTS}
      %q1 = tt.addptr %q, %nn : {POINTERS}, {INTS}
      %more = arith.cmpi sgt, %n, %c0 : i32
      %more1 = arith.cmpi sgt, %n, %c1 : i32
      %more_s = tt.splat %more : i1 -> {BITS}
      %more1_s = tt.splat %more1 : i1 -> {BITS}
"""


def moved(reading: str, second: str = "%q1", guard: str = "%c2", effect: str = "") -> str:
    """A loop that adds up the tiles, with a copy of two turns on at its end."""
    text = f"""{before()}{STEP}
      {copied(0, "%q", 3, "%more_s")}
      {copied(1, second, 3, "%more1_s")}
      %e:4 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q1, %sum = %r, %cin = %c1, %cout = %last) -> ({POINTERS}, {INTS}, i32, i32) : i32 {{
        {index("out", "%cout")}
        {reading}
        %b = tt.addptr %a, %nn : {POINTERS}, {INTS}
        {index("in", "%cin")}
        %bound = arith.subi %n, {guard} : i32
        %later = arith.cmpi slt, %i, %bound : i32
        %later_s = tt.splat %later : i1 -> {BITS}
        {effect}
        {copy_in_loop("%b", "%later_s")}
        scf.yield %b, %next, %in, %out : {POINTERS}, {INTS}, i32, i32
      }}
      ttg.local_dealloc %m : {ring(3)}
      tt.store %q, %e#1 : {POINTERS}
      tt.return
    """  # noqa: E501
    return text.replace("RING", ring(3))


PLAIN = f"""
        %w = ttg.async_wait {{num = 2 : i32}}
        %x = ttg.local_load %out_m : {SLOT} -> {INTS}
        %next = arith.addi %sum, %x : {INTS}
"""


def rewritten(body: str) -> str:
    """After the pass, without what is not needed any more."""
    return after(
        body,
        make_dots_plain,
        empty_rings,
        canonicalize,
        eliminate_common_subexpressions,
        eliminate_dead_code,
    )


def test_a_tile_is_loaded_in_its_turn() -> None:
    """The pointers start at the first tile; the guard, which the loop's end repeats, is gone."""
    found = rewritten(moved(PLAIN))
    tile = SLOT.replace(", mutable", "").replace(SHARED, "#shared")
    tile = tile.replace("#ttg.shared_memory", "#smem")
    loop = found[found.index("scf.for") :].splitlines()
    assert "iter_args(%sum = %r, %a_0 = %q)" in loop[0]
    assert [line.strip() for line in loop[1:-4] if "async" not in line] == [
        f"%m = tt.load %a_0 : {POINTERS}",
        f"%1 = ttg.local_alloc %m : ({INTS}) -> {tile}",
        f"%x = ttg.local_load %1 : {tile} -> {INTS}",
        f"%next = arith.addi %sum, %x : {INTS}",
        f"%a_1 = tt.addptr %a_0, %nn : {POINTERS}, {INTS}",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"second": "%q"},  # the second tile is not where the loop would have found it
        {"guard": "%c1"},  # the last tile is copied past the end
        {"effect": f"tt.store %q, %sum : {POINTERS}"},  # what is copied may have changed
    ],
)
def test_what_is_not_the_same_stays(change: dict[str, str]) -> None:
    found = rewritten(moved(PLAIN, **change))
    assert "ttg.local_alloc : ()" in found
    assert found.count("async_copy") == 3


def test_a_ring_read_behind_the_loop_stays() -> None:
    text = (
        moved(PLAIN)
        .replace(
            "tt.store",
            f"%y = ttg.local_load %f0 : {SLOT} -> {INTS}\n tt.store %q, %y : {POINTERS} tt.store",
        )
        .replace("tt.store %q, %y : " + POINTERS + " tt", "tt.store %q, %y : " + POINTERS + "\n tt")
    )
    assert rewritten(text).count("async_copy") == 3


def counted(distance: int, first: str, second: str) -> str:
    """Tiles whose pointers are computed from the loop's counter, `distance` turns ahead of it."""
    text = f"""{before()}
      %c64 = arith.constant 64 : i32
      %c100 = arith.constant {64 * distance} : i32
      %n64 = arith.muli %n, %c64 : i32
      %n64s = tt.splat %n64 : i32 -> {INTS}
      %d64 = arith.constant dense<4096> : {INTS}
      %s0 = tt.addptr %q, %n64s : {POINTERS}, {INTS}
      %n65 = arith.addi %n, %c64 : i32
      %n65m = arith.muli %n65, %c64 : i32
      %n65s = tt.splat %n65m : i32 -> {INTS}
      %s1 = tt.addptr %q, %n65s : {POINTERS}, {INTS}
      %end = arith.addi %n, %n64 : i32
      {copied(0, first, 3)}
      {copied(1, second, 3)}
      %e:3 = scf.for %i = %n to %end step %c64 iter_args(%sum = %r, %cin = %c1, %cout = %last) -> ({INTS}, i32, i32) : i32 {{
        {index("out", "%cout")}
        {PLAIN}
        {index("in", "%cin")}
        %j = arith.addi %i, %c100 : i32
        %k = arith.muli %j, %c64 : i32
        %l = tt.splat %k : i32 -> {INTS}
        %b = tt.addptr %q, %l : {POINTERS}, {INTS}
        {copy_in_loop("%b")}
        scf.yield %next, %in, %out : {INTS}, i32, i32
      }}
      ttg.local_dealloc %m : {ring(3)}
      tt.store %q, %e#0 : {POINTERS}
      tt.return
    """  # noqa: E501
    return text.replace("RING", ring(3))


def test_pointers_from_the_counter_are_computed_for_the_turn() -> None:
    found = rewritten(counted(2, "%s0", "%s1"))
    assert "async_copy" not in found
    assert "%l = arith.muli %i, %c64 : i32" in found
    assert f"%0 = tt.splat %l : i32 -> {INTS}" in found
    assert f"%b = tt.addptr %q, %0 : {POINTERS}, {INTS}" in found
    assert f"%m = tt.load %b : {POINTERS}" in found


@pytest.mark.parametrize(
    "arguments", [(2, "%s1", "%s0"), (2, "%s0", "%s0"), (1, "%s0", "%s1"), (2, "%q", "%s1")]
)
def test_other_pointers_from_the_counter_stay(arguments: tuple[int, str, str]) -> None:
    assert rewritten(counted(*arguments)).count("async_copy") == 3


def handed_on(first: str = "%f0") -> str:
    """A loop that reads the next turn's tile, and hands it on; a ring of two."""
    text = f"""{before(2)}{STEP}
      {copied(0, "%q", 2)}
      {copied(1, "%q1", 2)}
      %x0 = ttg.local_load {first} : {SLOT} -> {INTS}
      %e:6 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %q1, %sum = %r, %cin = %c1, %cout = %c0, %x = %x0, %v = %f0) -> ({POINTERS}, {INTS}, i32, i32, {INTS}, {SLOT}) : i32 {{
        %z = ttg.local_load %v : {SLOT} -> {INTS}
        %y = arith.addi %sum, %x : {INTS}
        %next = arith.muli %y, %z : {INTS}
        %b = tt.addptr %a, %nn : {POINTERS}, {INTS}
        {index("in", "%cin")}
        {copy_in_loop("%b")}
        {index("out", "%cout")}
        %h = ttg.local_load %out_m : {SLOT} -> {INTS}
        scf.yield %b, %next, %in, %out, %h, %out_m : {POINTERS}, {INTS}, i32, i32, {INTS}, {SLOT}
      }}
      ttg.local_dealloc %m : {ring(2)}
      tt.store %q, %e#1 : {POINTERS}
      tt.return
    """  # noqa: E501
    return text.replace("RING", ring(2))


def test_what_is_read_for_the_next_turn_is_read_in_it() -> None:
    found = rewritten(handed_on())
    assert "async_copy" not in found
    assert found.count("tt.load") == 1
    assert found.count("ttg.local_load") == 2
    assert "iter_args(%sum = %r, %a_0 = %q)" in found


def test_the_wrong_first_tile_stays() -> None:
    assert rewritten(handed_on("%f1")).count("async_copy") == 3


def test_carried_values_that_only_count_themselves_go() -> None:
    found = after(
        f"""
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %s = tt.splat %p : !tt.ptr<i32> -> {POINTERS}
      %e:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %c0, %b = %c1, %d = %c0) -> (i32, i32, i32) : i32 {{
        %a1 = arith.addi %a, %b : i32
        %b1 = arith.addi %b, %c1 : i32
        %d1 = arith.addi %d, %i : i32
        scf.yield %a1, %b1, %d1 : i32, i32, i32
      }}
      %v = tt.splat %e#2 : i32 -> {INTS}
      tt.store %s, %v : {POINTERS}
      tt.return""",  # noqa: E501
        canonicalize,
    )
    assert "iter_args(%d = %c0) -> (i32)" in found
    assert "%a1" not in found
    assert "%b1" not in found


def peeled(guard: str = ", %more_s", between: str = "", end: str = "%c1") -> str:
    """A loop whose last turn stands behind it, and loads and stores instead of copies."""
    text = f"""{before(1)}{STEP}
      %x0 = tt.load %q{guard} : {POINTERS}
      %f0 = ttg.memdesc_index %m[%c0] : RING -> {SLOT}
      ttg.local_store %x0, %f0 : {INTS} -> {SLOT}
      %end = arith.subi %n, {end} : i32
      %e:4 = scf.for %i = %c0 to %end step %c1 iter_args(%a = %q, %sum = %r, %cin = %c0, %tile = %f0) -> ({POINTERS}, {INTS}, i32, {SLOT}) : i32 {{
        %b = tt.addptr %a, %nn : {POINTERS}, {INTS}
        %y = tt.load %b : {POINTERS}
        %x = ttg.local_load %tile : {SLOT} -> {INTS}
        %next = arith.addi %sum, %x : {INTS}
        {index("in", "%cin")}
        ttg.local_store %y, %in_m : {INTS} -> {SLOT}
        scf.yield %b, %next, %in, %in_m : {POINTERS}, {INTS}, i32, {SLOT}
      }}
      {between}
      %last_x = ttg.local_load %e#3 : {SLOT} -> {INTS}
      %both = arith.addi %e#1, %last_x : {INTS}
      %total = arith.select %more_s, %both, %e#1 : {BITS}, {INTS}
      ttg.local_dealloc %m : RING
      tt.store %q, %total : {POINTERS}
      tt.return
    """  # noqa: E501
    return text.replace("RING", ring(1))


def test_a_turn_behind_the_loop_loads_its_tile() -> None:
    """Where the loop's pointers are at its end; masked as the first load, which is gone."""
    found = rewritten(peeled())
    assert "mutable" not in found
    before_loop, behind = found[: found.index("scf.for")], found[found.index("scf.yield") :]
    assert "tt.load" not in before_loop
    (load,) = [line for line in behind.splitlines() if "tt.load" in line]
    assert "%0, %a = scf.for" in found
    assert "tt.load %a, %" in load
    (there,) = [line for line in behind.splitlines() if "arith.cmpi" in line]
    assert "cmpi slt, " in there
    assert "arith.maxsi %c0, %end" in behind


def test_a_turn_that_is_always_there_is_not_masked() -> None:
    """The first load was not: behind a loop without turns there is its tile."""
    behind = rewritten(peeled(guard="")).split("scf.yield")[1]
    (load,) = [line for line in behind.splitlines() if "tt.load" in line]
    assert "tt.load %a :" in load


@pytest.mark.parametrize(
    "change",
    [
        {"between": f"tt.store %q, %e#1 : {POINTERS}"},  # what was copied may have changed
        {"end": "%c2"},  # the first load is not masked as the loop's end says
    ],
)
def test_what_is_not_the_same_behind_a_loop_stays(change: dict[str, str]) -> None:
    assert "mutable" in rewritten(peeled(**change))


def test_a_ring_without_a_loop_is_what_was_stored() -> None:
    """Each buffer at a fixed number, stored to once, and loaded behind that."""
    source = trimetal.transpile(
        f"""{HEAD}tt.func public @kernel(%p: !tt.ptr<i32>) {{{before(2)}
      %x0 = tt.load %q : {POINTERS}
      %f0 = ttg.memdesc_index %m[%c0] : {ring(2)} -> {SLOT}
      ttg.local_store %x0, %f0 : {INTS} -> {SLOT}
      %y = ttg.local_load %f0 : {SLOT} -> {INTS}
      ttg.local_dealloc %m : {ring(2)}
      %z = arith.addi %y, %r : {INTS}
      tt.store %q, %z : {POINTERS}
      tt.return
    }}
    }}""".replace("#blocked", BLOCKED)
    ).source
    assert "threadgroup int" not in source
