"""Writes the tables file anew: `python -m trimetal.transpiler.parser.tables`."""

from __future__ import annotations

import sys

from .grammar import TABLES, compiled_grammar

if __name__ == "__main__":
    TABLES.write_bytes(compiled_grammar())
    sys.stdout.write(f"{TABLES.name}: {TABLES.stat().st_size} bytes\n")
