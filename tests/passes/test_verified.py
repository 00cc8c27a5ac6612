"""What the passes on tensors made is verified before it becomes code."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimetal.transpiler import pipeline, transpile
from trimetal.transpiler.dialects import tt
from trimetal.transpiler.errors import VerifyError
from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.pipeline import Pass
from trimetal.transpiler.target import Target

ROOT = Path(__file__).parents[2]


def test_a_mistake_of_a_pass_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(module: Module, _: Target) -> Module:
        """Erases a load whose value is needed."""
        load = next(op for f in module.functions for op in f.walk() if isinstance(op, tt.Load))
        assert load.parent is not None
        load.parent.ops.remove(load)
        return module

    passes = list(pipeline.PASSES)
    place = next(i for i, each in enumerate(passes) if each.name == "verify-tensors")
    passes.insert(place, Pass("forget", forget))
    monkeypatch.setattr(pipeline, "PASSES", tuple(passes))
    with pytest.raises(VerifyError, match="a pass of Trimetal made this of it"):
        transpile(ROOT / "examples/vector_add/kernel.f32.ttgir")
