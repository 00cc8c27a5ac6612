"""A shader as JSON: what Triton keeps in its cache and hands to the driver as the binary."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from trimetal.transpiler.shader import Argument, Shader

_FIELDS = ("source", "name", "threads_per_threadgroup", "threadgroup_memory", "target")


def write_shader(shader: Shader) -> bytes:
    """The JSON text; the report, which no launch needs, is left out."""
    content = {name: getattr(shader, name) for name in _FIELDS}
    content["arguments"] = [asdict(argument) for argument in shader.arguments]
    return json.dumps(content, indent=1).encode()


def read_shader(text: bytes) -> Shader:
    """The shader that `write_shader` wrote."""
    content: dict[str, Any] = json.loads(text)
    arguments = tuple(Argument(**argument) for argument in content.pop("arguments"))
    return Shader(arguments=arguments, **content)
