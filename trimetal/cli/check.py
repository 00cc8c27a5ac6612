"""`trimetal check`: errors in MSL, found without a Mac."""

from __future__ import annotations

import argparse

from .common import OK, REFUSED, shown_name, text

HELP = "look for errors in MSL, without a Mac"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", metavar="SHADER.metal", nargs="+", help="MSL; - reads stdin")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from trimetal.runtime.check import check

    status = OK
    for file in options.files:
        findings = check(text(file), shown_name(file))
        for finding in findings:
            print(finding)
        if findings:
            status = REFUSED
    return status
