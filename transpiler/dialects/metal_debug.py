"""What kernels tell their launcher: prints and failed assertions, as records in a hidden buffer."""

from __future__ import annotations

from ..ir.core import Op
from ..ir.fields import flag, integer, operand, optional


class Report(Op):
    """Records every element of a value (or nothing but the place); with `fails`, where it is false.

    `site` is the number of the place in the program, from 1.
    """

    name = "metal.report"
    buffer = operand()
    value = optional()
    site = integer()
    fails = flag()


class Record(Op):
    """One record: the site, the program (x, y, z), the number of the element, its bits."""

    name = "metal.record"
    buffer = operand()
    x = operand()
    y = operand()
    z = operand()
    element = operand()
    value = optional()
    site = integer()
