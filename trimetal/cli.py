"""The command line: `trimetal transpile | parse | check | targets`.

Exit status: 0 done; 1 the kernel or the shader is wrong or refused (a message with a caret on
stderr); 2 the command is wrong (no such file, target or pass); 141 the reader of stdout went away.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .transpiler.errors import TrimetalError
from .transpiler.target import DEFAULT_TARGET, TARGETS, Target, get_target

if TYPE_CHECKING:
    from .transpiler.ir.core import Module
    from .transpiler.shader import Shader

STDIN = "-"
OK, REFUSED, BAD_USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (bad usage exits at once, with status 2)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # A bare --report must not take the file's name for its format.
    words = ["--report=text" if word == "--report" else word for word in words]
    options = _parser().parse_args(words)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
        return status
    except TrimetalError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except BrokenPipeError:
        # Nobody reads on (`trimetal ... | head`): say nothing, also not when Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        print(f"trimetal: {error.filename or 'error'}: {error.strerror}", file=sys.stderr)
        return BAD_USAGE
    except UnicodeDecodeError as error:
        print(f"trimetal: the input is no UTF-8 text: {error.reason}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trimetal",
        description="Turn Triton's TTGIR into Metal Shading Language, show it, and check it.",
    )
    parser.add_argument("--version", action="version", version=f"trimetal {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    _add_transpile(commands.add_parser("transpile", help="TTGIR in, MSL out"))
    _add_parse(commands.add_parser("parse", help="read TTGIR and print it again"))
    _add_check(commands.add_parser("check", help="look for errors in MSL, without a Mac"))
    _add_targets(commands.add_parser("targets", help="list the chips and what is known of them"))
    return parser


def _add_transpile(parser: argparse.ArgumentParser) -> None:
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
        type=_target,
        default=DEFAULT_TARGET,
        help=f"one of `trimetal targets` (default: {DEFAULT_TARGET})",
    )
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
    parser.set_defaults(run=_transpile)


def _add_parse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="KERNEL.ttgir", help="a TTGIR dump; - reads stdin")
    parser.add_argument("--locations", action="store_true", help="print loc(...) behind every op")
    parser.set_defaults(run=_parse)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="SHADER.metal", nargs="+", help="MSL; - reads stdin")
    parser.set_defaults(run=_check)


def _add_targets(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_targets)


def _target(name: str) -> Target:
    try:
        return get_target(name)
    except TrimetalError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _pass_name(name: str) -> str:
    from .transpiler.pipeline import PASS_NAMES

    if name in PASS_NAMES:
        return name
    close = difflib.get_close_matches(name, PASS_NAMES, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    raise argparse.ArgumentTypeError(
        f'no pass "{name}"{hint}\nnote: the passes are {", ".join(PASS_NAMES)}'
    )


def _transpile(options: argparse.Namespace) -> int:
    from .transpiler import transpile

    path, ending, function = options.file.rpartition(".py:")
    if ending:
        shader = _transpile_function(options, Path(f"{path}.py"), function)
    else:
        module = _module(options.file)
        shader = transpile(module, target=options.target, print_after=options.print_after)
    if options.output is not None:
        Path(options.output).write_text(shader.source, encoding="utf-8")
    else:
        print(highlighted(shader.source), end="")
    if options.report is not None:
        print(report_text(shader.report, options.report), file=sys.stderr)
    return OK


def _transpile_function(options: argparse.Namespace, path: Path, name: str) -> Shader:
    from .runtime.triton_plugin.frontend import noted_python_lines, ttgir_of_file
    from .transpiler import transpile

    text = ttgir_of_file(path, name, options.signature, options.num_warps, options.target)
    with noted_python_lines(text):
        return transpile(text, target=options.target, print_after=options.print_after)


def _parse(options: argparse.Namespace) -> int:
    from .transpiler.ir.printer import print_module

    print(print_module(_module(options.file), locations=options.locations), end="")
    return OK


def _check(options: argparse.Namespace) -> int:
    from .runtime.check import check

    status = OK
    for file in options.files:
        findings = check(_text(file), _shown_name(file))
        for finding in findings:
            print(finding)
        if findings:
            status = REFUSED
    return status


def _targets(_: argparse.Namespace) -> int:
    header = (
        "target",
        "family",
        "cores",
        "GB/s",
        "MSL",
        "bfloat",
        "matrix unit",
        "dynamic caching",
    )
    rows = [header, *(_target_row(target) for target in TARGETS.values())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    any_target = get_target()
    print(
        f"\nAll: simdgroups of {any_target.simd_width}, threadgroups of up to "
        f"{any_target.max_threads_per_threadgroup} threads and {any_target.threadgroup_memory} "
        f"bytes, {any_target.max_buffers} buffers. Default: {DEFAULT_TARGET}."
    )
    return OK


def _target_row(target: Target) -> tuple[str, ...]:
    return (
        target.name,
        f"Apple{target.family}",
        str(target.gpu_cores),
        str(target.bandwidth),
        ".".join(map(str, target.msl_version)),
        "native" if target.native_bfloat else "emulated",
        target.matrix_unit,
        "yes" if target.dynamic_caching else "no",
    )


def _module(file: str) -> Module:
    from .transpiler.parser import parse

    # With a line end, the parser cannot take it for a path.
    return parse(f"{_text(file)}\n", _shown_name(file))


def _text(file: str) -> str:
    return sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")


def _shown_name(file: str) -> str:
    return "<stdin>" if file == STDIN else file


def report_text(report: Mapping[str, object], style: str) -> str:
    """A shader's report as aligned lines ("text") or as one JSON object ("json")."""
    if style == "json":
        import json

        return json.dumps(dict(report), indent=2, default=str)
    width = max(map(len, report), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in report.items())


def highlighted(source: str) -> str:
    """MSL in colours where stdout is a terminal that wants them and pygments is installed."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return source
    try:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter

        # pygments has no types.
        from pygments.lexers.c_cpp import CppLexer  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return source
    return highlight(source, CppLexer(), TerminalFormatter())
