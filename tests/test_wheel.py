"""What `pip install` gives: a wheel made of the linked folders, complete, and working alone."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(checkout)], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "transpiler", "templates", "runtime"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.split()
    assert {"trimetal/py.typed", *(f"trimetal/{name}" for name in tracked)} <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"trimetal"}


@pytest.mark.slow
def test_the_wheel_works_with_the_core_alone(wheel: Path, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "--quiet", "install", str(wheel)], check=True)
    trimetal = tmp_path / "venv/bin/trimetal"
    targets = subprocess.run([trimetal, "targets"], capture_output=True, text=True, check=True)
    assert "m3-pro" in targets.stdout
    dump = ROOT / "examples/softmax/kernel.f32-1024.ttgir"
    command = [trimetal, "transpile", dump]
    msl = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "kernel void softmax(" in msl.stdout
