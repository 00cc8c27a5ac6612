"""The grammar's tables: up to date, the same as lark would run, and not needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lark
import pytest

from trimetal.transpiler.errors import SourceText
from trimetal.transpiler.parser import grammar, tables
from trimetal.transpiler.parser.lalr import END, Machine

from .support import DATA, DUMPS


def test_the_tables_belong_to_the_grammar() -> None:
    """If this fails: python -m trimetal.transpiler.parser.tables."""
    made = tables.made_tables()
    assert tables.kept_tables() == made
    assert tables.TABLES.read_text(encoding="utf-8") == tables.text_of(made)


def test_the_tables_are_the_same_in_every_run() -> None:
    code = (
        "from trimetal.transpiler.parser import tables; "
        "print(int(tables.text_of(tables.made_tables()) == tables.TABLES.read_text()))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == "1"


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: path.stem)
def test_tokens_are_those_of_lark(path: Path) -> None:
    build: Any = lark.Lark
    text = tables.GRAMMAR.read_text(encoding="utf-8")
    reference = build(text, start=list(tables.STARTS), parser="lalr", lexer="basic")
    kept = tables.kept_tables()
    assert kept is not None
    dump = path.read_text(encoding="utf-8")
    *found, end = Machine(kept, grammar.ACTIONS).tokens(dump)
    assert end.type == END
    expected = [(t.type, str(t), t.start_pos, t.end_pos) for t in reference.lex(dump)]
    assert [(t.type, str(t), t.start_pos, t.end_pos) for t in found] == expected


@pytest.mark.parametrize("content", [None, "", "no tables", "{}", "[]", '{"grammar": "0"}'])
def test_without_tables_the_grammar_is_built(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ttgir.tables"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setattr(tables, "TABLES", path)
    assert tables.kept_tables() is None
    grammar.machine.cache_clear()
    text = (DATA / "add.cuda80.ttgir").read_text(encoding="utf-8")
    nodes = grammar.read_file(SourceText(text))
    grammar.machine.cache_clear()
    assert [type(node).__name__ for node in nodes].count("OpNode") == 1


def test_tables_of_another_grammar_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(tables.TABLES.read_text(encoding="utf-8"))
    path = tmp_path / "ttgir.tables"
    path.write_text(json.dumps({**content, "grammar": content["grammar"][::-1]}))
    monkeypatch.setattr(tables, "TABLES", path)
    assert tables.kept_tables() is None


def test_parsing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from trimetal.transpiler.parser import parse; "
        f"parse({str(DATA / 'add.cuda80.ttgir')!r}); "
        "print([m for m in ('numpy', 'jinja2', 'lark', 'triton', 'mlx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
