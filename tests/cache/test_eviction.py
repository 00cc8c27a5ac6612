"""The cache's size: what is there, what goes when there is too much, what is never removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from trimetal.runtime import cache, eviction
from trimetal.transpiler.errors import CacheError

HOUR = 3600


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path))
    return tmp_path


def kept(name: str, size: int, *, hours_ago: float = 0) -> Path:
    key = cache.content_key(name)
    path = cache.cached_file("things", key, ".bin", lambda path: _fill(path, size))
    age(path, hours_ago * HOUR)
    return path


def age(path: Path, seconds: float) -> None:
    used = time.time() - seconds
    os.utime(path, (used, used))


def _fill(path: Path, size: int) -> None:
    path.write_bytes(os.urandom(size))


def test_what_was_used_least_lately_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, newest, middle = (kept(str(h), 4000, hours_ago=h) for h in (3, 1, 2))
    monkeypatch.setenv("TRIMETAL_CACHE_LIMIT", "9K")
    eviction.evict(time.time())
    assert (oldest.exists(), middle.exists(), newest.exists()) == (False, True, True)


def test_what_may_be_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [kept(str(i), 4000, hours_ago=i / 100) for i in range(4)]
    monkeypatch.setenv("TRIMETAL_CACHE_LIMIT", "0")
    eviction.evict(time.time())
    assert all(path.exists() for path in paths)


def test_a_tree_is_as_old_as_its_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = cache.cached_tree(cache.content_key("tree"), [("a/b.hpp", "x" * 100)])
    monkeypatch.setenv("TRIMETAL_CACHE_LIMIT", "0")
    eviction.evict(time.time())
    assert (directory / "a/b.hpp").exists()
    age(directory, HOUR)
    eviction.evict(time.time())
    assert not (directory / "a/b.hpp").exists()


def test_what_killed_processes_left_goes(empty_cache: Path) -> None:
    folder = empty_cache / cache.LAYOUT / "things"
    folder.mkdir(parents=True)
    for name, seconds in (("old", 2 * HOUR), ("new", 0)):
        path = folder / f"{cache.TEMPORARY}{name}"
        path.write_text("half")
        age(path, seconds)
    eviction.evict(time.time())
    assert [path.name for path in folder.iterdir()] == [f"{cache.TEMPORARY}new"]


def test_storing_keeps_the_size_below_the_limit(
    monkeypatch: pytest.MonkeyPatch, empty_cache: Path
) -> None:
    old = kept("old", 4000, hours_ago=1)
    stamp = empty_cache / cache.LAYOUT / ".swept"
    monkeypatch.setenv("TRIMETAL_CACHE_LIMIT", "5000")
    kept("soon after the last look", 4000)
    assert old.exists()
    age(stamp, 120)
    kept("later", 4000)
    assert not old.exists()


@pytest.mark.parametrize(
    ("text", "size"), [("", 1 << 30), ("500M", 500 << 20), ("2 GB", 0), ("2gb", 2 << 30), ("7", 7)]
)
def test_the_limit_as_a_text(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("TRIMETAL_CACHE_LIMIT", text)
    if size:
        assert eviction.size_limit() == size
    else:
        with pytest.raises(CacheError, match="a size such as 500M or 2G is expected"):
            eviction.size_limit()


def test_clearing_removes_nothing_else(empty_cache: Path) -> None:
    kept("ours", 100)
    unused, used = (
        cache.cached_tree(cache.content_key(name), [("a/b.hpp", "x" * 10)]) for name in "ab"
    )
    age(unused, HOUR)
    (empty_cache / "mine.txt").write_text("a file of the user's")
    writing = empty_cache / cache.LAYOUT / "things" / f"{cache.TEMPORARY}x"
    writing.write_text("of another process")
    assert eviction.clear() == (2, 110)
    assert [file.path for file in eviction.kept_files()] == [used / "a/b.hpp"]
    left = sorted(path.name for path in empty_cache.rglob("*") if path.is_file())
    assert left == [f"{cache.TEMPORARY}x", ".swept", "b.hpp", "mine.txt"]
