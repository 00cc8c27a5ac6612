"""The rules that hold for the tree as a whole, each of which ARCHITECTURE.md states."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias

import pytest

import trimetal

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("transpiler", "templates", "runtime")
SOURCES = ("trimetal", *FOLDERS, "tests", "benchmarks", "examples")
DUMPS = sorted((ROOT / "examples").glob("*/*.ttgir"))


def files_of(*folders: str, ending: str = ".py") -> list[Path]:
    """The files in the real folders (the links in trimetal/ would show them twice)."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob(f"*{ending}"))]
    links = [ROOT / "trimetal" / folder for folder in FOLDERS]
    return [path for path in found if not any(link in path.parents for link in links)]


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, with the number of leading dots."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from . import x` may name a module too.
            base = node.module or ""
            yield base, node.level
            yield from ((f"{base}.{alias.name}".lstrip("."), node.level) for alias in node.names)


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded once it has run `code`."""
    show = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code + show], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.splitlines()[-1].split())


def test_the_package_links_to_the_folders():
    for folder in FOLDERS:
        link = ROOT / "trimetal" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder
        assert (link / "__init__.py").is_file()


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"numpy", "lark", "jinja2", "mlx", "triton", "torch"}
    assert not modules_after("import trimetal, trimetal.cli") & heavy


def test_transpiling_needs_no_numpy():
    dump = ROOT / "examples/vector_add/kernel.f32.ttgir"
    code = f"import trimetal; assert trimetal.transpile({str(dump)!r}).source"
    loaded = modules_after(code)
    assert "jinja2" in loaded
    assert not loaded & {"numpy", "lark", "mlx", "triton", "torch"}


def test_no_module_of_the_transpiler_imports_numpy_or_the_runtime():
    for path in files_of("transpiler", "templates"):
        for name, _ in imports_of(path):
            top = name.removeprefix("trimetal.").split(".")[0]
            assert top not in {"runtime", "numpy", "mlx", "triton", "torch"}, path


def test_imports_across_folders_are_absolute():
    """A relative import out of a linked folder would load a second copy of the classes."""
    for path in files_of(*SOURCES):
        inside = path.relative_to(ROOT).parts
        for name, level in imports_of(path):
            if level == 0:
                assert name.split(".")[0] not in FOLDERS, f"{path}: import trimetal.{name}"
            elif inside[0] in FOLDERS:
                assert level < len(inside), f"{path}: {'.' * level}{name} leaves {inside[0]}/"


@pytest.mark.triton
def test_triton_can_look_through_the_plugin():
    """Python 3.10 takes `dict[str, int]` for a class, and Triton then fails at its own import."""
    for name in ("compiler", "driver"):
        module = importlib.import_module(f"trimetal.runtime.triton_plugin.{name}")
        aliases = [key for key, value in vars(module).items() if isinstance(value, GenericAlias)]
        assert not aliases, f"{module.__name__}: import these under TYPE_CHECKING"


def test_files_are_short():
    endings = (".py", ".jinja", ".lark", ".hpp", ".h", ".inc", ".cpp", ".cu")
    for ending in endings:
        for path in files_of(*SOURCES, ending=ending):
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 600, f"{path}: {lines} lines"


def test_functions_are_short():
    lengths: list[tuple[int, str]] = []
    for path in files_of("trimetal", *FOLDERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                lengths.append((length, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    longer = sorted((entry for entry in lengths if entry[0] > 40), reverse=True)
    assert len(longer) <= 0.05 * len(lengths), longer


def test_there_are_dumps_of_every_example():
    kernels = sorted((ROOT / "examples").glob("*/kernel.py"))
    assert len(kernels) >= 4
    assert {path.parent for path in DUMPS} == {path.parent for path in kernels}


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_dump_says_where_it_is_from_and_nothing_of_the_machine(path: Path):
    text = path.read_text(encoding="utf-8")
    header = text.splitlines()[0]
    assert header.startswith("// Triton 3.9.0, target ")
    assert header.endswith(", made by examples/dump.py")
    assert 'loc("kernel.py":' in text
    assert 'loc("/' not in text


def test_the_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def test_the_readme_shows_what_transpile_writes(request: pytest.FixtureRequest):
    readme = ROOT / "README.md"
    before, sample, after = re.split(
        r"(?<=```metal\n)(.*?)(?=```)", readme.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    source = trimetal.transpile(ROOT / "examples/vector_add/kernel.f32.ttgir").source
    if request.config.getoption("--update-golden"):
        readme.write_text(before + source + after, encoding="utf-8")
    else:
        assert sample == source, "if this is meant: `make golden`"


def test_every_invariant_of_the_architecture_names_a_test_that_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    for folder in FOLDERS:
        assert f"{folder}/" in text
    invariants = [line for line in text.splitlines() if line.startswith("- **Invariant:**")]
    assert len(invariants) >= 5
    tests = "\n".join(path.read_text(encoding="utf-8") for path in files_of("tests"))
    for invariant in re.findall(r"- \*\*Invariant:\*\*.*?(?=\n- |\n\n|\Z)", text, re.DOTALL):
        names = re.findall(r"`(test_\w+)`", invariant)
        assert names, f"no test is named: {invariant}"
        for name in names:
            assert f"def {name}(" in tests, name


def test_the_makefile_explains_itself():
    run = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    for target in ("demo", "test", "test-slow", "check", "format", "bench", "golden", "clean"):
        assert f"make {target} " in run.stdout


def test_every_public_name_is_there():
    for name in trimetal.__all__:
        assert getattr(trimetal, name) is not None
    assert dir(trimetal) == sorted(trimetal.__all__)
    assert not hasattr(trimetal, "no_such_name")
