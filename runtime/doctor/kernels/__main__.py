"""Writes the dumps of the self-test again: python -m trimetal.runtime.doctor.kernels

Needs Triton, and no GPU.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from trimetal.runtime.triton_plugin.frontend import ttgir_of_file

from . import HERE, SIGNATURES, dump_path


def dump(name: str) -> str:
    """The text of one dump, without any path of this machine."""
    path = HERE / "kernel.py"
    text = ttgir_of_file(path, name, SIGNATURES[name], num_warps=4, target="m3")
    found = importlib.util.find_spec("triton")
    assert found is not None and found.origin is not None
    library = Path(found.origin).resolve().parent.parent
    text = text.replace(f'"{path}"', '"kernel.py"').replace(f'"{library}/', '"')
    version = importlib.metadata.version("triton")
    return f"// Triton {version}, kernel.py:{name}, signature {SIGNATURES[name]}\n{text}"


def main() -> None:
    """Write all dumps."""
    for name in SIGNATURES:
        dump_path(name).write_text(dump(name), encoding="utf-8")
        print(dump_path(name).name)


if __name__ == "__main__":
    main()
