"""Kept files: whole or not there, used only while their content is what their name says."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from trimetal.runtime import cache
from trimetal.transpiler.errors import CacheError

KEY = cache.content_key("a key")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path))
    return tmp_path


def writer(text: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(text)

    return make


def never(path: Path) -> NoReturn:
    pytest.fail(f"{path} is made again")


def kept(text: str = "content", ending: str = ".txt") -> Path:
    return cache.cached_file("things", KEY, ending, writer(text))


def test_place_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIMETAL_CACHE_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.cache_directory() == Path("/somewhere/trimetal")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_directory() == Path.home() / ".cache" / "trimetal"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.cache_directory() == Path.home() / "Library" / "Caches" / "trimetal"
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", "/chosen")
    assert cache.cache_directory() == Path("/chosen")


def test_a_key_keeps_parts_apart() -> None:
    assert cache.content_key("ab", "c") != cache.content_key("a", "bc")
    assert cache.content_key("ab") == cache.content_key(b"ab")


def test_a_file_is_made_once() -> None:
    path = kept()
    assert path.read_text() == "content"
    assert cache.cached_file("things", KEY, ".txt", never) == path
    assert kept("other", ".bin").read_text() == "other"


def test_use_marks_a_file() -> None:
    path = kept()
    os.utime(path, (1, 1))
    assert kept() == path
    assert path.stat().st_mtime > 1


@pytest.mark.parametrize("damage", ["", "conten", "contenT", "content and more"])
def test_a_damaged_file_is_made_again(damage: str) -> None:
    path = kept()
    path.write_text(damage)
    assert kept().read_text() == "content"


def test_what_fails_leaves_nothing(empty_cache: Path) -> None:
    def broken(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        cache.cached_file("things", KEY, ".txt", broken)
    assert [path for path in empty_cache.rglob("*") if path.is_file()] == []
    assert kept().read_text() == "content"


def test_the_first_of_two_writers_wins() -> None:
    inner: list[Path] = []

    def slow(path: Path) -> None:
        inner.append(kept("first"))
        path.write_text("second")

    path = cache.cached_file("things", KEY, ".txt", slow)
    assert [path] == inner
    assert path.read_text() == "first"
    assert len(list(path.parent.iterdir())) == 1


def test_a_file_that_goes_before_it_is_loaded_is_made_again() -> None:
    tries: list[str] = []

    def load(path: str) -> str:
        tries.append(path)
        if len(tries) == 1:
            os.unlink(path)
        return Path(path).read_text()

    assert cache.loaded_file("things", KEY, ".txt", writer("content"), load) == "content"
    assert len(tries) == 2


def test_a_file_that_does_not_load_is_an_error() -> None:
    def load(path: str) -> NoReturn:
        raise OSError(f"{path} is no library")

    with pytest.raises(OSError, match="is no library"):
        cache.loaded_file("things", KEY, ".txt", writer("content"), load)


def test_a_disk_that_is_full_only_when_the_file_gets_its_name(
    monkeypatch: pytest.MonkeyPatch, empty_cache: Path
) -> None:
    def full(source: object, target: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(CacheError, match="No space left on device") as caught:
            kept()
    assert "trimetal cache clear" in str(caught.value)
    assert str(empty_cache) in str(caught.value)
    assert kept().read_text() == "content"


def test_a_cache_that_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not ours")
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(CacheError, match="Not a directory"):
        kept()
    assert (tmp_path / "file").read_text() == "not ours"


TREE = (("a.hpp", "#pragma once\n"), ("inner/b.hpp", "int b;\n"))


def test_a_tree_is_repaired() -> None:
    directory = cache.cached_tree(KEY, TREE)
    (directory / "a.hpp").write_text("#pragma o")
    (directory / "inner/b.hpp").unlink()
    assert cache.cached_tree(KEY, TREE) == directory
    assert [(directory / name).read_text() for name, _ in TREE] == [text for _, text in TREE]


def test_files_of_a_tree_keep_their_time() -> None:
    """Clang refuses precompiled headers of files whose time has changed."""
    directory = cache.cached_tree(KEY, TREE)
    before = (directory / "a.hpp").stat().st_mtime_ns
    (directory / "a.hpp").unlink()
    cache.cached_tree(KEY, TREE)
    assert (directory / "a.hpp").stat().st_mtime_ns == before
