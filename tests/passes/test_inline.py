"""Calls become bodies, on text."""

from __future__ import annotations

from trimetal.transpiler.passes.inline import inline_calls

from .support import HEAD, body_of, lines, whole


def test_a_call_of_a_call() -> None:
    text = f"""{HEAD}
      tt.func public @kernel(%p: !tt.ptr<f32>, %x: f32) {{
        %y = tt.call @outer(%x) : (f32) -> f32
        %z = tt.call @inner(%y) : (f32) -> f32
        tt.store %p, %z : !tt.ptr<f32>
        tt.return
      }}
      tt.func private @outer(%a: f32) -> f32 attributes {{noinline = true}} {{
        %b = tt.call @inner(%a) : (f32) -> f32
        tt.return %b : f32
      }}
      tt.func private @inner(%a: f32) -> f32 {{
        %s = arith.addf %a, %a : f32
        tt.return %s : f32
      }}
    }}"""
    printed = whole(text, inline_calls)
    assert printed.count("tt.func") == 1
    assert body_of(printed) == lines("""
        %s = arith.addf %x, %x : f32
        %s_0 = arith.addf %s, %s : f32
        tt.store %p, %s_0 : !tt.ptr<f32>
        tt.return
    """)


def test_a_call_in_a_branch_of_a_function_without_results() -> None:
    text = f"""{HEAD}
      tt.func public @kernel(%p: !tt.ptr<i32>, %c: i1, %x: i32) {{
        scf.if %c {{
          tt.call @save(%p, %x) : (!tt.ptr<i32>, i32) -> ()
        }}
        tt.return
      }}
      tt.func private @save(%q: !tt.ptr<i32>, %v: i32) {{
        tt.store %q, %v : !tt.ptr<i32>
        tt.return
      }}
    }}"""
    assert body_of(whole(text, inline_calls)) == lines("""
        scf.if %c {
          tt.store %p, %x : !tt.ptr<i32>
        }
        tt.return
    """)
