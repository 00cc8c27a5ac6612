"""Our errors as the exceptions that Triton's callers know."""

from __future__ import annotations

import ast
import linecache

from trimetal.transpiler.errors import (
    LaunchError,
    OutOfResourcesError,
    Span,
    TrimetalError,
    UnsupportedError,
)
from trimetal.transpiler.ir.core import Op
from trimetal.transpiler.ir.location import FileLineColLoc, source_line
from trimetal.transpiler.parser import parse

from .triton_api import late

# What Triton calls them.
_RESOURCES = {"threadgroup memory": "shared memory", "threads per threadgroup": "threads"}


def triton_error(error: TrimetalError, text: str) -> Exception:
    """What Triton raises in such a case; `text` is the TTGIR that the error is about.

    OutOfResources is what an autotuner skips; CompilationError shows the line of the Python source.
    Errors that are neither are ours to repair, and stay as they are.
    """
    if isinstance(error, OutOfResourcesError):
        resource = _RESOURCES.get(error.resource, error.resource)
        out_of_resources: type[Exception] = late("runtime.errors").OutOfResources
        return out_of_resources(error.required, error.limit, resource)
    if not isinstance(error, UnsupportedError):
        return error
    compilation_error: type[Exception] = late("compiler.errors").CompilationError
    place = python_place(error.span, text)
    if place is None:
        return compilation_error(None, ast.Pass(), str(error))
    # Triton prints the lines above `node.lineno`, and a caret under the column.
    node = ast.Pass(lineno=place.line, col_offset=max(place.column - 1, 0))
    where = f"{place.file}:{place.line}: {error}"
    return compilation_error("".join(linecache.getlines(place.file)), node, where)


class FailedLaunchError(LaunchError, RuntimeError):
    """A LaunchError, such as a device assertion's: where others' GPUs give a RuntimeError."""


def failed_launch(error: LaunchError) -> FailedLaunchError:
    """The same error as Triton's callers expect it."""
    return FailedLaunchError(error.message, error.span, error.note)


def python_place(span: Span | None, text: str) -> FileLineColLoc | None:
    """The place in the Python source of the op at a place in the text, or else of the kernel."""
    try:
        module = parse(text)
    except TrimetalError:
        return None
    found: Op | None = next(iter(module.functions), None)
    if span is not None:
        for op in module.walk():
            if op.span is not None and op.span.start <= span.start < op.span.end:
                found = op
    return source_line(found.location) if found is not None else None
