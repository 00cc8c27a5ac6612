"""What several commands share: exit statuses, and how they read input and options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trimetal.transpiler.errors import TrimetalError
from trimetal.transpiler.target import Target, get_target

if TYPE_CHECKING:
    from trimetal.transpiler.ir.core import Module

STDIN = "-"
OK, REFUSED, BAD_USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def target(name: str) -> Target:
    """The value of `--target`."""
    try:
        return get_target(name)
    except TrimetalError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_fusion(parser: argparse.ArgumentParser) -> None:
    """Declare `--enable-fp-fusion`, which is on, and its opposite."""
    parser.add_argument(
        "--enable-fp-fusion",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fma where a product is added to something, as Triton's builds have it (default: on)",
    )


def module(file: str) -> Module:
    """The parsed module of a file, or of stdin."""
    from trimetal.transpiler.parser import parse

    # With a line end, the parser cannot take it for a path.
    return parse(f"{text(file)}\n", shown_name(file))


def text(file: str) -> str:
    """The text of a file, or of stdin."""
    return sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")


def shown_name(file: str) -> str:
    """The name of a file in messages."""
    return "<stdin>" if file == STDIN else file
