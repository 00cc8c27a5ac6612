"""`trimetal parse`: TTGIR in, the same printed again."""

from __future__ import annotations

import argparse

from .common import OK, module

HELP = "read TTGIR and print it again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="KERNEL.ttgir", help="a TTGIR dump; - reads stdin")
    parser.add_argument("--locations", action="store_true", help="print loc(...) behind every op")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from trimetal.transpiler.ir.printer import print_module

    print(print_module(module(options.file), locations=options.locations), end="")
    return OK
