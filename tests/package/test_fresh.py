"""A built package in an environment that has MLX and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import trimetal
from trimetal.runtime.doctor.kernels import SIGNATURES, dump_path
from trimetal.runtime.package import Source, build
from trimetal.transpiler.target import get_target

from .server import MetalServer

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MLX alone."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder)
    found = importlib.util.find_spec("mlx")
    assert found is not None and found.submodule_search_locations
    library = Path(next(iter(found.submodule_search_locations)))
    (packages,) = folder.glob("lib/python*/site-packages")
    for path in library.parent.glob("mlx*"):
        (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


def packaged(name: str, folder: Path) -> Path:
    path = folder / f"{name}_metal"
    text = dump_path(name).read_text()
    assert build([Source(text, get_target())], path) == []
    return path


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_package_needs_mlx_alone(name: str, python: Path, tmp_path: Path) -> None:
    package = packaged(name, tmp_path)
    server = MetalServer(tmp_path)
    run = subprocess.run(
        [python, HERE / "fresh.py", server.address, f"{package.name}.sample_test"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert (run.returncode, run.stdout) == (0, "right\n"), run.stderr
    assert any(f"custom_kernel_{name}" in text for text in server.texts)


def test_its_test_finds_what_is_wrong(python: Path, tmp_path: Path) -> None:
    package = packaged("add", tmp_path)
    samples = json.loads((package / "samples.json").read_text())
    arrays = samples[0]["arrays"]
    arrays["out_ptr"]["expected"] = arrays["x_ptr"]["expected"]
    (package / "samples.json").write_text(json.dumps(samples))
    run = subprocess.run(
        [python, HERE / "fresh.py", MetalServer(tmp_path).address, f"{package.name}.sample_test"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert run.returncode == 1
    assert "out_ptr: element 0 is" in run.stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="there is an Apple GPU")
def test_without_a_gpu_its_test_says_so(python: Path, tmp_path: Path) -> None:
    package = packaged("add", tmp_path)
    command = [python, "-m", f"{package.name}.sample_test"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout == "not tested: neither MLX nor PyTorch finds an Apple GPU here\n"
    assert trimetal.__version__ in (package / "__init__.py").read_text()
