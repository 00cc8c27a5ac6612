"""Shaders kept on disk: what was transpiled once is there for the next process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from trimetal.transpiler.debug import sites_from_text
from trimetal.transpiler.errors import CacheError
from trimetal.transpiler.shader import Argument, Shader
from trimetal.transpiler.target import DEFAULT_TARGET, Target, get_target

from .cache import content_key, loaded_file
from .fingerprint import fingerprint

# All that decides what a text becomes.
_COMPILER = ("transpiler", "templates")


def cached_shader(
    text: str,
    target: str | Target = DEFAULT_TARGET,
    name: str = "<ttgir>",
    *,
    enable_fp_fusion: bool = True,
) -> Shader:
    """The shader of a TTGIR text, as `transpile` makes it, from the cache if it is there.

    `name` is what errors call the text; they are not kept. A cache that cannot be written is none:
    the shader is made all the same.
    """
    chip = get_target(target)
    key = content_key(fingerprint(*_COMPILER), repr(chip), str(enable_fp_fusion), text)

    def make(path: Path) -> None:
        shader = _transpile(text, chip, name, enable_fp_fusion)
        fields = {**shader_to_fields(shader), "report": dict(shader.report)}
        path.write_text(json.dumps(fields), "utf-8")

    try:
        return loaded_file("shaders", key, ".json", make, _read)
    except CacheError:
        return _transpile(text, chip, name, enable_fp_fusion)


def _transpile(text: str, chip: Target, name: str, enable_fp_fusion: bool) -> Shader:
    from trimetal.transpiler import transpile
    from trimetal.transpiler.parser import parse

    # With a line end, the parser cannot take it for a path.
    return transpile(parse(f"{text}\n", name), chip, enable_fp_fusion=enable_fp_fusion)


def _read(path: str) -> Shader:
    return shader_from_fields(json.loads(Path(path).read_text("utf-8")))


def shader_to_fields(shader: Shader) -> dict[str, object]:
    """All of a shader but its report, as what JSON can say."""
    return {
        "source": shader.source,
        "name": shader.name,
        "arguments": [asdict(argument) for argument in shader.arguments],
        "threads_per_threadgroup": shader.threads_per_threadgroup,
        "threadgroup_memory": shader.threadgroup_memory,
        "target": shader.target,
        "debug": [asdict(site) for site in shader.debug],
    }


def shader_from_fields(fields: Mapping[str, Any]) -> Shader:
    """The inverse of `shader_to_fields`; fields may have a report too."""
    arguments = arguments_from_fields(fields["arguments"])
    sites = sites_from_text(json.dumps(fields["debug"]))
    rest: dict[str, Any] = {**fields, "arguments": arguments, "debug": sites}
    return Shader(**rest)


def arguments_from_fields(arguments: object) -> tuple[Argument, ...]:
    """The arguments of a shader's fields."""
    return tuple(Argument(**fields) for fields in cast("list[dict[str, Any]]", arguments))
