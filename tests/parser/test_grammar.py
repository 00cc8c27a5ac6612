"""The grammar's tables: up to date, and not needed."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from trimetal.transpiler.errors import SourceText
from trimetal.transpiler.parser import grammar

from .support import DATA


def test_the_tables_belong_to_the_grammar() -> None:
    """If this fails: python -m trimetal.transpiler.parser.tables."""
    kept = pickle.loads(zlib.decompress(grammar.TABLES.read_bytes()))
    made = pickle.loads(zlib.decompress(grammar.compiled_grammar()))
    assert kept[0] == made[0]
    assert grammar.load_tables() is not None


@pytest.mark.parametrize("content", [None, b"", b"no tables", zlib.compress(b"no pickle")])
def test_without_tables_the_grammar_is_built(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ttgir.tables"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(grammar, "TABLES", path)
    monkeypatch.setattr(grammar, "_parser", None)
    assert grammar.load_tables() is None
    text = (DATA / "add.cuda80.ttgir").read_text(encoding="utf-8")
    nodes = grammar.read_file(SourceText(text))
    assert [type(node).__name__ for node in nodes].count("OpNode") == 1


def test_tables_of_another_grammar_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, data, memo = pickle.loads(zlib.decompress(grammar.TABLES.read_bytes()))
    path = tmp_path / "ttgir.tables"
    path.write_bytes(zlib.compress(pickle.dumps((f"{key}0", data, memo))))
    monkeypatch.setattr(grammar, "TABLES", path)
    assert grammar.load_tables() is None


def test_parsing_imports_no_numpy() -> None:
    code = (
        "import sys; from trimetal.transpiler.parser import parse; "
        f"parse({str(DATA / 'add.cuda80.ttgir')!r}); "
        "print([m for m in ('numpy', 'jinja2', 'triton', 'mlx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
