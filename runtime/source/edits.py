"""Replacing pieces of a text so that no line moves, and finding columns back."""

from __future__ import annotations

from bisect import bisect_right


class Edits:
    """Replacements in one text. Replaced newlines are kept, so lines keep their numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, by: str) -> None:
        """Replaces [start, end); pieces must not overlap."""
        self._pieces.append((start, end, by))

    def insert(self, at: int, text: str) -> None:
        """Inserts before the character at `at`."""
        self._pieces.append((at, at, text))

    def blank(self, start: int, end: int) -> None:
        """Replaces [start, end) by spaces: nothing moves."""
        blanks = "".join("\n" if c == "\n" else " " for c in self._text[start:end])
        self._pieces.append((start, end, blanks))

    def apply(self) -> EditedText:
        """The edited text."""
        out: list[str] = []
        shifts: list[tuple[int, int]] = [(0, 0)]
        at = length = 0
        # Stable: insertions at one place keep their order, and stand before a replacement there.
        for start, end, by in sorted(self._pieces, key=lambda piece: piece[:2]):
            missing = self._text.count("\n", start, end) - by.count("\n")
            piece = by + "\n" * missing
            out += (self._text[at:start], piece)
            length += start - at + len(piece)
            shifts.append((length, end))
            at = end
        out.append(self._text[at:])
        return EditedText("".join(out), shifts)


class EditedText:
    """The result of edits: `text`, and where its offsets come from."""

    def __init__(self, text: str, shifts: list[tuple[int, int]]) -> None:
        self.text = text
        # (offset here, offset in the original) at which unchanged text begins.
        self._shifts = shifts
        self._starts = [start for start, _ in shifts]
        self._originals = [original for _, original in shifts]

    def original_offset(self, offset: int) -> int:
        """The offset in the original text; within a replacement, at most its end."""
        index = bisect_right(self._starts, offset) - 1
        here, original = self._shifts[index]
        result = original + offset - here
        if index + 1 < len(self._shifts):
            result = min(result, self._shifts[index + 1][1])
        return result

    def position(self, original: int) -> tuple[int, int]:
        """Line and column (from 1) here of an offset of the original that was not replaced."""
        index = bisect_right(self._originals, original) - 1
        here, begin = self._shifts[index]
        offset = here + original - begin
        start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset) + 1, offset - start + 1

    def original_position(self, line: int, column: int) -> int:
        """The original offset of a line and column (from 1) of the edited text."""
        offset = 0
        for _ in range(line - 1):
            found = self.text.find("\n", offset)
            if found < 0:
                break
            offset = found + 1
        return self.original_offset(offset + column - 1)
