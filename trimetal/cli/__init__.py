"""The command line: one module a command; `main` runs one.

Exit status: 0 done; 1 the kernel or the shader is wrong or refused (a message with a caret on
stderr); 2 the command is wrong (no such file, target or pass); 141 the reader of stdout went away.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from trimetal import __version__
from trimetal.transpiler.errors import TrimetalError

from . import build, cache, check, doctor, parse, targets, transpile
from .common import BAD_USAGE, BROKEN_PIPE, INTERRUPTED, REFUSED
from .output import highlighted, report_text

__all__ = ["highlighted", "main", "report_text"]

_COMMANDS = (transpile, build, parse, check, targets, doctor, cache)


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
    for command in _COMMANDS:
        name = command.__name__.rpartition(".")[2]
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return parser
