"""MSL text as tokens."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

TokenKind = Literal[
    "comment", "directive", "attribute", "string", "number", "name", "operator", "other"
]

# A directive runs to the end of its line (and of those it continues on). `[[...]]` is one token:
# the language has no other use of two opening brackets in a row.
_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<directive>(?m:^)[ \t]*\#(?:\\\n|[^\n])*)
    | (?P<attribute>\[\[.*?\]\])
    | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | (?P<number>(?:0[xX][0-9a-fA-F']*(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?
                   |(?:\d[\d']*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[A-Za-z0-9_]*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<operator>->|::|<<=|>>=|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^]=|<<
                   |[-+*/%&|^~!=<>?:;,.(){}\[\]])
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of the text; `start` is its offset. White space is not a token."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)


def tokenize(text: str) -> list[Token]:
    """All tokens of the text, comments and directives too.

    `>>` stays two tokens, since it closes two template argument lists as often as it shifts.
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            tokens.append(Token(kind, match.group(), match.start()))  # type: ignore[arg-type]
    return tokens


def significant(tokens: list[Token]) -> list[Token]:
    """The tokens that a compiler sees: no comments, no directives."""
    return [token for token in tokens if token.kind not in ("comment", "directive")]
