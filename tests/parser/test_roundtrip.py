"""Text in, text out: printing gives back Triton's own text, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimetal.transpiler import dialects
from trimetal.transpiler.ir.core import Op
from trimetal.transpiler.ir.equal import difference, equal
from trimetal.transpiler.ir.printer import print_module
from trimetal.transpiler.parser import parse

from .support import DATA, DUMPS


def has_locations(text: str) -> bool:
    return "#loc" in text


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_printing_gives_back_the_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert print_module(parse(text), locations=has_locations(text)) == text


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_a_printed_module_is_equal(path: Path) -> None:
    module = parse(path)
    assert difference(module, parse(str(module)), names=True) is None
    again = parse(print_module(module, locations=True))
    assert equal(module, again, names=True, locations=True)


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_the_generic_form_is_the_same_module(path: Path) -> None:
    module = parse(path)
    assert difference(module, parse(print_module(module, generic=True)), names=True) is None


def test_every_op_class_is_read_and_written() -> None:
    seen = {op.op_name for path in DUMPS for op in parse(path).walk()}
    modules = {getattr(dialects, name).__name__ for name in dialects.__all__}
    names = {
        name
        for name, cls in Op.registry.items()
        if any(cls.__module__.startswith(module) for module in modules)
    }
    assert len(names) > 200
    assert names <= seen


def test_class_names_follow_the_mnemonics() -> None:
    for name, cls in Op.registry.items():
        dialect, _, mnemonic = name.partition(".")
        if dialect in dialects.__all__ and dialect != "llvm":
            words = mnemonic.replace(".", "_").split("_")
            assert cls.__name__ == "".join(word[:1].upper() + word[1:] for word in words), name
            assert getattr(getattr(dialects, dialect), cls.__name__) is cls


@pytest.mark.triton
@pytest.mark.parametrize("name", ["tt", "ttg", "nvidia", "nvidia_cluster", "amd"])
def test_the_ops_are_as_triton_prints_them(name: str) -> None:
    from triton._C.libtriton import amd, ir, nvidia  # pyright: ignore

    context = ir.context()  # pyright: ignore
    for loaded in (ir, nvidia, amd):  # pyright: ignore
        loaded.load_dialects(context)  # pyright: ignore
    path = DATA / f"ops_{name}.ttgir"
    module = ir.parse_mlir_module(str(path), context)  # pyright: ignore
    text = str(module.str_nodebug())  # pyright: ignore
    assert text.rstrip("\n") == path.read_text(encoding="utf-8").rstrip("\n")


def test_the_data_folder_is_complete() -> None:
    assert (DATA / "matmul.cuda90.ttgir") in DUMPS
