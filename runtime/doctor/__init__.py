"""What this machine can do, and whether kernels give right results on its devices."""

from __future__ import annotations

from .facts import Fact, facts
from .report_file import fact_rows, report_text, result_rows
from .selftest import Result, self_test

__all__ = ["Fact", "Result", "fact_rows", "facts", "report_text", "result_rows", "self_test"]
