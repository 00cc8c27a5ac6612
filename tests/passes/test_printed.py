"""The IR behind every pass is text that parses again, and the pipeline can go on from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimetal.transpiler import transpile
from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.ir.types import ArrayType, OpaqueType
from trimetal.transpiler.parser import parse
from trimetal.transpiler.pipeline import PASS_NAMES, PASSES
from trimetal.transpiler.target import get_target

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    ROOT / "examples/layer_norm/kernel.f16.ttgir",
    ROOT / "examples/softmax/kernel.f32-1024-any.ttgir",
    ROOT / "tests/parser/data/matmul.gfx942.ttgir",
]


def printed(path: Path) -> list[str]:
    """The texts behind each pass."""
    texts: list[str] = []
    transpile(path, print_after=PASS_NAMES, printer=texts.append)
    return texts


def types_of(module: Module) -> set[object]:
    return {value.type for op in module.walk() for value in op.results}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_pass_leaves_is_printed_as_it_is_read(path: Path) -> None:
    texts = printed(path)
    assert len(texts) == len(PASS_NAMES)
    for text in texts:
        module = parse(text)
        assert f"{text.splitlines()[0]}\n{module}" == text
        assert not [t for t in types_of(module) if isinstance(t, OpaqueType) and "array" in t.text]


def test_arrays_have_their_type_again() -> None:
    found = types_of(parse(printed(ROOT / "examples/softmax/kernel.f32-1024.ttgir")[-1]))
    arrays = {type_ for type_ in found if isinstance(type_, ArrayType)}
    assert {array.space for array in arrays} == {"thread", "threadgroup"}


def test_the_pipeline_goes_on_from_any_text() -> None:
    path, chip = ROOT / "examples/layer_norm/kernel.f32.ttgir", get_target("m3")
    for number, text in enumerate(printed(path)):
        module = parse(text)
        for following in PASSES[number + 1 :]:
            module = following.run(module, chip)
        assert [op.op_name for op in module.body.ops] == ["metal.kernel"]
