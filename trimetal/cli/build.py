"""`trimetal build`: a Python package for a kernel, which needs only MLX on a Mac."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimetal.transpiler.errors import TrimetalError
from trimetal.transpiler.target import DEFAULT_TARGET, Target, get_target

from .common import OK, add_fusion, shown_name, target, text

if TYPE_CHECKING:
    from trimetal.runtime.package import Source

HELP = "make a Python package of a kernel, for a Mac that has MLX and nothing else"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file",
        metavar="KERNEL",
        help="a TTGIR dump, or FILE.py:NAME for a @triton.jit function (needs Triton)",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="the package")
    parser.add_argument(
        "--signature",
        metavar="TYPES",
        action="append",
        default=[],
        help='of a function: types and constants in order, such as "*fp32:16, i32, 1024"; '
        "may be repeated, for a shader each",
    )
    parser.add_argument(
        "--target",
        metavar="CHIP",
        type=target,
        action="append",
        default=[],
        help=f"one of `trimetal targets`; may be repeated (default: {DEFAULT_TARGET})",
    )
    parser.add_argument(
        "--num-warps", metavar="N", type=int, default=4, help="of a function (default: 4)"
    )
    add_fusion(parser)
    parser.add_argument(
        "--no-samples",
        action="store_true",
        help="do not run the kernel here to record what its test compares with",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from trimetal.runtime.package import Source, build

    targets: list[Target] = options.target or [get_target()]
    folder = Path(options.output)
    path, ending, name = options.file.rpartition(".py:")
    order: tuple[str, ...] = ()
    documentation = ""
    if ending:
        function = _function(Path(f"{path}.py"), name)
        sources = list(_sources(options, function, name, targets))
        order, documentation = tuple(function.arg_names), function.fn.__doc__ or ""
    else:
        ttgir = text(options.file)
        sources = [Source(ttgir, each, shown_name(options.file)) for each in targets]
    samples = not options.no_samples
    notes = build(
        sources,
        folder,
        name=name if ending else "",
        parameters=order,
        documentation=documentation,
        samples=samples,
        enable_fp_fusion=options.enable_fp_fusion,
    )
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{folder}: {len(sources)} {'shader' if len(sources) == 1 else 'shaders'}")
    return OK


def _function(path: Path, name: str) -> Any:
    from trimetal.runtime.triton_plugin.frontend import function_of_file

    return function_of_file(path, name)


def _sources(
    options: argparse.Namespace, function: Any, name: str, targets: Sequence[Target]
) -> Iterator[Source]:
    """The texts of a jit function: one a signature and target."""
    from trimetal.runtime.package import Source
    from trimetal.runtime.triton_plugin.frontend import constants_of, ttgir_of

    if not options.signature:
        raise TrimetalError("a function needs at least one --signature")
    for number, signature in enumerate(options.signature, 1):
        constants = constants_of(function, signature)
        variant = str(number) if len(options.signature) > 1 else ""
        for chip in targets:
            ttgir = ttgir_of(function, signature, {}, options.num_warps, chip, {})
            yield Source(ttgir, chip, f"{name} ({signature})", constants, variant)
