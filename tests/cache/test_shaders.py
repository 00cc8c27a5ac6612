"""Shaders that are kept are the ones that `transpile` makes, whatever happens to the cache."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

import trimetal
from trimetal.runtime import fingerprint, shaders
from trimetal.transpiler.debug import DebugSite
from trimetal.transpiler.errors import ParseError
from trimetal.transpiler.target import get_target

ROOT = Path(__file__).resolve().parent.parent.parent
DUMPS = sorted((ROOT / "examples").glob("*/*.ttgir"))
TEXT = (ROOT / "examples/vector_add/kernel.f32.ttgir").read_text()
TRANSPILER: Any = importlib.import_module("trimetal.transpiler")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path))
    return tmp_path


def never(*_: object, **__: object) -> NoReturn:
    pytest.fail("transpiled again")


@pytest.mark.parametrize("path", DUMPS[::3], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_kept_shader_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text()
    expected = trimetal.transpile(path, "m1")
    first = shaders.cached_shader(text, "m1")
    monkeypatch.setattr(TRANSPILER, "transpile", never)
    second = shaders.cached_shader(text, "m1")
    assert first == second == expected
    assert first.report == second.report == expected.report


def test_prints_and_assertions_are_kept_too() -> None:
    site = DebugSite("print", " x: ", "a.py:1", "f32", (4, 8))
    shader = replace(trimetal.transpile(TEXT), debug=(site,))
    assert shaders.shader_from_fields(shaders.shader_to_fields(shader)) == shader


def test_another_text_target_or_version_is_another_shader(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> int:
        return len(list(empty_cache.glob("v1/shaders/*/*.json")))

    shaders.cached_shader(TEXT)
    assert count() == 1
    shaders.cached_shader(f"{TEXT}// a comment\n")
    assert count() == 2
    shaders.cached_shader(TEXT, "m1")
    assert count() == 3
    shaders.cached_shader(TEXT, replace(get_target("m3"), gpu_cores=1))
    assert count() == 4
    shaders.cached_shader(TEXT, enable_fp_fusion=False)
    assert count() == 5
    monkeypatch.setattr(trimetal, "__version__", "99.0")
    fingerprint.fingerprint.cache_clear()
    try:
        shaders.cached_shader(TEXT)
    finally:
        fingerprint.fingerprint.cache_clear()
    assert count() == 6


def test_an_error_is_not_kept_and_names_the_file(empty_cache: Path) -> None:
    for name in ("a.ttgir", "b.ttgir"):
        with pytest.raises(ParseError, match=rf"^{name}:1:1: error"):
            shaders.cached_shader("what is this", name=name)
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path / "file"))
    assert shaders.cached_shader(TEXT) == trimetal.transpile(TEXT)


def test_a_damaged_shader_is_made_again(empty_cache: Path) -> None:
    expected = shaders.cached_shader(TEXT)
    (path,) = empty_cache.glob("v1/shaders/*/*.json")
    path.write_text(path.read_text().replace("x_ptr + offsets", "y_ptr + offsets"))
    assert shaders.cached_shader(TEXT) == expected
