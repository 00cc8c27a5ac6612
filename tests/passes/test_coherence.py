"""Pointers of kernels with fences are coherent, on text."""

from __future__ import annotations

from trimetal.transpiler.passes.coherence import mark_coherent

from .support import lines, whole

PLAIN, COHERENT = "!tt.ptr<f32>", '!tt.ptr<f32, "coherent">'


def marked(body: str) -> str:
    """A lowered kernel of %a, %b: !tt.ptr<f32>, %c: i1 and %n: i64, when the pass has run."""
    text = f"""
module attributes {{"ttg.num-warps" = 4 : i32}} {{
  "metal.kernel"() <{{simdgroups = 4 : i32, sym_name = "k"}}> ({{
  ^bb0(%a: {PLAIN}, %b: {PLAIN}, %c: i1, %n: i64):
{body}
    "metal.return"() : () -> ()
  }}) : () -> ()
}}"""
    printed = whole(text, mark_coherent).split("\n")
    return "\n".join(line[4:] for line in printed[3:-4])


def test_what_a_kernel_with_a_fence_writes_through_is_coherent() -> None:
    body = f"""
    "metal.fence"() : () -> ()
    %p = tt.addptr %a, %n : {PLAIN}, i64
    %x = "metal.load"(%p) : ({PLAIN}) -> f32
    "metal.store"(%b, %x) : ({PLAIN}, f32) -> ()"""
    assert marked(body) == lines(f"""
        "metal.fence"() : () -> ()
        %p = tt.addptr %a, %n : {PLAIN}, i64
        %x = "metal.load"(%p) : ({PLAIN}) -> f32
        "metal.store"(%b, %x) : ({COHERENT}, f32) -> ()
    """)


def test_what_may_be_a_copy_of_it_is_coherent_too() -> None:
    body = f"""
    "metal.fence"() : () -> ()
    %p = tt.addptr %b, %n : {PLAIN}, i64
    %either = arith.select %c, %a, %p : {PLAIN}
    %x = "metal.load"(%either) : ({PLAIN}) -> f32
    "metal.store"(%b, %x) : ({PLAIN}, f32) -> ()"""
    assert marked(body) == lines(f"""
        "metal.fence"() : () -> ()
        %p = tt.addptr %b, %n : {COHERENT}, i64
        %either = arith.select %c, %a, %p : {COHERENT}
        %x = "metal.load"(%either) : ({COHERENT}) -> f32
        "metal.store"(%b, %x) : ({COHERENT}, f32) -> ()
    """)


def test_a_pointer_out_of_nowhere_is_coherent() -> None:
    body = f"""
    "metal.fence"() : () -> ()
    %p = tt.int_to_ptr %n : i64 -> {PLAIN}
    %x = "metal.load"(%p) : ({PLAIN}) -> f32"""
    assert f"tt.int_to_ptr %n : i64 -> {COHERENT}" in marked(body)


def test_without_a_fence_nothing_changes() -> None:
    body = f"""
    %x = "metal.load"(%a) : ({PLAIN}) -> f32
    "metal.store"(%b, %x) : ({PLAIN}, f32) -> ()"""
    assert "coherent" not in marked(body)
