"""What the check finds."""

from __future__ import annotations

from dataclasses import dataclass

from trimetal.transpiler.errors import Span


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with an MSL text. `rule` is a short fixed name of what is broken."""

    rule: str
    message: str
    span: Span

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.span.line

    @property
    def column(self) -> int:
        """The column, from 1."""
        return self.span.column

    def __str__(self) -> str:
        where = f"{self.span.source.name}:{self.line}:{self.column}"
        return f"{where}: error: {self.message} [{self.rule}]\n{self.span.frame()}"
