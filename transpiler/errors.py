"""Every error that Trimetal raises on purpose, and the caret message that they share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceText:
    """A text that was given to us, with the name to print for it (a path, or "<ttgir>")."""

    text: str
    name: str = "<ttgir>"

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both counted from 1, of a character offset."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset) + 1, offset - line_start + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end."""
        return self.text.split("\n", number)[number - 1].rstrip("\r")


@dataclass(frozen=True)
class Span:
    """A stretch of a source text, as character offsets [start, end)."""

    source: SourceText
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return self.source.position(self.start)[1]

    def frame(self) -> str:
        """The source line with a caret under the stretch (which is cut at the line's end)."""
        line, column = self.source.position(self.start)
        text = self.source.line(line)
        width = max(1, min(self.end - self.start, len(text) - column + 1))
        # A window keeps a line of many thousand characters readable.
        left = max(0, column - 60)
        shown = text[left : left + 110]
        width = min(width, 110 - (column - 1 - left))
        lead = "".join("\t" if c == "\t" else " " for c in shown[: column - 1 - left])
        return f"    {shown}\n    {lead}{'^' * width}"


class TrimetalError(Exception):
    """Base of all errors. `str(error)` is "file:line:column: error: message" with a caret below."""

    def __init__(self, message: str, span: Span | None = None, note: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.note = note

    def __str__(self) -> str:
        text = self.message
        if self.span is not None:
            where = f"{self.span.source.name}:{self.span.line}:{self.span.column}"
            text = f"{where}: error: {text}\n{self.span.frame()}"
        return f"{text}\nnote: {self.note}" if self.note else text

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.message, self.span, self.note))


class ParseError(TrimetalError):
    """The text is not TTGIR."""


class VerifyError(TrimetalError):
    """The text parses, but an op's operands, types, regions or attributes do not fit together."""


class UnsupportedError(TrimetalError):
    """The kernel is right, but Metal (or this version of Trimetal) cannot express it exactly."""


class OutOfResourcesError(UnsupportedError):
    """No plan fits the target: says what was asked for and what there is.

    `required` and `limit` are bytes of threadgroup memory or a number of threads; `resource` names
    which.
    """

    def __init__(
        self,
        resource: str,
        required: int,
        limit: int,
        span: Span | None = None,
    ) -> None:
        super().__init__(f"out of {resource}: {required} needed, {limit} available", span)
        self.resource = resource
        self.required = required
        self.limit = limit

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.resource, self.required, self.limit, self.span))


class CompileError(TrimetalError):
    """A device's compiler refused the shader."""


class CheckError(CompileError):
    """The strict check found the MSL text wrong."""


class AssertionFailed(TrimetalError):  # noqa: N818 - the word that Python has for it
    """An assertion of the kernel failed (tl.device_assert); the launch ran to its end.

    `program` is the place in the grid of the first program in which it did.
    """

    def __init__(self, message: str, program: tuple[int, int, int] = (0, 0, 0)) -> None:
        super().__init__(message)
        self.program = program

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.message, self.program))


class LaunchError(TrimetalError):
    """An argument, the grid or the device does not fit the shader; nothing was written."""


class CacheError(TrimetalError):
    """Files cannot be kept between processes (a full disk, no permission), but must be."""
