"""`trimetal transpile`: TTGIR or a jit function in, MSL out."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trimetal.transpiler.target import DEFAULT_TARGET

from .common import OK, add_fusion, shown_name, target, text
from .output import highlighted, report_text

if TYPE_CHECKING:
    from trimetal.transpiler.shader import Shader

HELP = "TTGIR in, MSL out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file",
        metavar="KERNEL.ttgir",
        help="a TTGIR dump; - reads stdin; FILE.py:NAME is a @triton.jit function (needs Triton)",
    )
    parser.add_argument(
        "--signature",
        metavar="TYPES",
        default="",
        help='of a function: types and constants in order, such as "*fp32:16, i32, 1024"',
    )
    parser.add_argument(
        "--num-warps", metavar="N", type=int, default=4, help="of a function (default: 4)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the MSL there, not to stdout")
    parser.add_argument(
        "--target",
        metavar="CHIP",
        type=target,
        default=DEFAULT_TARGET,
        help=f"one of `trimetal targets` (default: {DEFAULT_TARGET})",
    )
    add_fusion(parser)
    parser.add_argument(
        "--print-after",
        metavar="PASS",
        type=_pass_name,
        action="append",
        default=[],
        help="print the IR after this pass to stderr; may be repeated",
    )
    parser.add_argument(
        "--report",
        metavar="FORMAT",
        choices=("text", "json"),
        help="print facts about the shader to stderr; --report=json for programs",
    )
    parser.set_defaults(run=_run)


def _pass_name(name: str) -> str:
    from trimetal.transpiler.pipeline import PASS_NAMES

    if name in PASS_NAMES:
        return name
    close = difflib.get_close_matches(name, PASS_NAMES, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    raise argparse.ArgumentTypeError(
        f'no pass "{name}"{hint}\nnote: the passes are {", ".join(PASS_NAMES)}'
    )


def _run(options: argparse.Namespace) -> int:
    path, ending, function = options.file.rpartition(".py:")
    if ending:
        shader = _shader_of_function(options, Path(f"{path}.py"), function)
    else:
        shader = _shader(options, text(options.file), shown_name(options.file))
    if options.output is not None:
        Path(options.output).write_text(shader.source, encoding="utf-8")
    else:
        print(highlighted(shader.source), end="")
    if options.report is not None:
        print(report_text(shader.report, options.report), file=sys.stderr)
    return OK


def _shader_of_function(options: argparse.Namespace, path: Path, name: str) -> Shader:
    from trimetal.runtime.triton_plugin.frontend import noted_python_lines, ttgir_of_file

    found = ttgir_of_file(path, name, options.signature, options.num_warps, options.target)
    with noted_python_lines(found):
        return _shader(options, found, "<ttgir>")


def _shader(options: argparse.Namespace, ttgir: str, name: str) -> Shader:
    """The shader of a text; one that is kept prints no IR."""
    from trimetal.runtime.shaders import cached_shader

    fusion = options.enable_fp_fusion
    if not options.print_after:
        return cached_shader(ttgir, options.target, name, enable_fp_fusion=fusion)
    from trimetal.transpiler import transpile
    from trimetal.transpiler.parser import parse

    return transpile(
        parse(f"{ttgir}\n", name),
        options.target,
        enable_fp_fusion=fusion,
        print_after=options.print_after,
    )
