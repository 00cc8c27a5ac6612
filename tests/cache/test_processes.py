"""Several processes at one cache, processes that are killed, and disks that are full."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trimetal.runtime import cache, eviction

ROOT = Path(__file__).resolve().parent.parent.parent
DUMP = ROOT / "examples/vector_add/kernel.f32-any.ttgir"

# Compiles and runs a kernel on the CPU device; says how it ended.
COMPILE = f"""
import numpy as np, trimetal
try:
    shader = trimetal.transpile({str(DUMP)!r})
    kernel = trimetal.runtime.compile(shader, "cpu")
    x, y = np.random.default_rng().standard_normal((2, 3000)).astype(np.float32)
    out = np.full_like(x, np.nan)
    kernel((3,), x, y, out, x.size)
    print("right" if (out == x + y).all() else "wrong")
except trimetal.CacheError as error:
    print(error)
"""


def start(directory: Path, code: str = COMPILE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TRIMETAL_CACHE_DIR": str(directory)},
        start_new_session=True,
    )


def result(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out.strip()


def assert_whole(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kept file has the content that its name says."""
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(directory))
    files = [file for file in eviction.kept_files() if file.kind != cache.SOURCES]
    for file in files:
        digest = file.path.name.partition(".")[0].partition("-")[2]
        assert cache.content_key(file.path.read_bytes()) == digest, file
    assert files


def test_eight_processes_compile_the_same_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = [start(tmp_path) for _ in range(8)]
    assert [result(child) for child in children] == ["right"] * 8
    assert not list(tmp_path.rglob(f"{cache.TEMPORARY}*"))
    assert_whole(tmp_path, monkeypatch)
    kernels = list(tmp_path.glob("v1/kernels/*/*"))
    # Each may have been first in its own eyes; one key is one kernel.
    assert len({path.name.partition("-")[0] for path in kernels}) == 1


# Dies in the middle of writing a kept file, or just before or after it gets its name.
DIE = """
import os, signal
from trimetal.runtime import cache

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def make(path):
    path.write_text("half")
    if {when!r} == "half":
        die()
    path.write_text("half and half")

rename = os.replace
if {when!r} == "before":
    os.replace = die
elif {when!r} == "after":
    os.replace = lambda *paths: (rename(*paths), die())
cache.cached_file("things", cache.content_key("key"), ".txt", make)
"""


@pytest.mark.parametrize(("when", "kept"), [("half", 0), ("before", 0), ("after", 1)])
def test_a_process_killed_while_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, kept: int
) -> None:
    child = start(tmp_path, DIE.format(when=when))
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    monkeypatch.setenv("TRIMETAL_CACHE_DIR", str(tmp_path))
    assert len(eviction.kept_files()) == kept
    path = cache.cached_file(
        "things", cache.content_key("key"), ".txt", lambda path: _write(path, "half and half")
    )
    assert path.read_text() == "half and half"
    eviction.evict(time.time() + 7200)
    assert not list(tmp_path.rglob(f"{cache.TEMPORARY}*"))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.slow
def test_processes_killed_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(30):
        child = start(tmp_path)
        time.sleep(random.uniform(0.2, 1.6))
        # The session is the child and its compilers.
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    assert result(start(tmp_path)) == "right"
    assert_whole(tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_cache_that_is_cleared_all_the_time(tmp_path: Path) -> None:
    code = COMPILE + "\nfrom trimetal.runtime import eviction\n" + "eviction.clear()\n"
    children = [start(tmp_path, code * 3) for _ in range(4)]
    assert [result(child) for child in children] == ["right\nright\nright"] * 4


def may_mount() -> bool:
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


# 16 KiB hold a part of the headers, 2 MiB a part of the precompiled ones.
@pytest.mark.skipif(not may_mount(), reason="needs the right to mount a small disk")
@pytest.mark.parametrize("size", ["16k", pytest.param("2m", marks=pytest.mark.slow)])
def test_a_full_disk_is_a_clear_error_and_no_wrong_file(tmp_path: Path, size: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(COMPILE)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o size={size} none {disk} && {sys.executable} {program} &&
        mount -o remount,size=200m {disk} && {sys.executable} {program}"""
    run = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TRIMETAL_CACHE_DIR": str(disk), "PYTHONPATH": str(ROOT)},
    )
    refused, note, *rest = run.stdout.splitlines()
    assert refused.startswith(f"nothing can be kept in {disk}")
    assert refused.endswith("No space left on device")
    assert note.startswith("note: `trimetal cache clear` makes room")
    assert rest == ["right"]


def test_a_damaged_library_is_not_loaded(tmp_path: Path) -> None:
    assert result(start(tmp_path)) == "right"
    (library,) = tmp_path.glob("v1/kernels/*/*.so")
    whole = library.read_bytes()
    library.write_bytes(whole[: len(whole) // 2])
    assert result(start(tmp_path)) == "right"
