"""The machine that runs the grammar's tables: text to nodes.

One regular expression cuts the text into tokens, and a stack automaton calls an action for each
rule that it has read. lark makes the tables from the grammar (`tables.py`) and could run them too;
a machine for nothing but what this grammar uses takes a fifth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .nodes import Token

END = "$END"
UNEXPECTED = "UNEXPECTED"  # the terminal of a character that starts no token

# What a state does with a terminal, or with the rule that has just been read: it goes to the state
# of this number; or adds it to the list on top of the stack and stays (APPEND); or has read a rule,
# rules[-2 - action].
APPEND = -1

Children: TypeAlias = "list[Any]"


@dataclass(frozen=True)
class Rule:
    """A rule that has been read: what it is a form of, and what to do with its parts.

    `parts` has one letter a part: "k" keeps it, "s" keeps what is in it (a list), "d" drops it. The
    parts go to the action of this name; without one, they are the result.
    """

    origin: str
    action: str
    parts: str


@dataclass(frozen=True)
class Tables:
    """A compiled grammar."""

    terminals: tuple[tuple[str, str], ...]  # names and patterns; the first one that fits counts
    ignored: tuple[str, ...]
    starts: dict[str, tuple[int, int]]  # for each start rule the first state and the last
    rules: tuple[Rule, ...]
    states: tuple[dict[str, int], ...]


class UnexpectedTokenError(Exception):
    """A token that cannot stand where it stands; `wanted` are the terminals that can."""

    def __init__(self, token: Token, wanted: Collection[str]) -> None:
        super().__init__(token.type)
        self.token = token
        self.wanted = wanted


class Machine:
    """Tables with the functions that make nodes."""

    def __init__(self, tables: Tables, actions: object) -> None:
        patterns = (*tables.terminals, (UNEXPECTED, "(?s:.)"))
        self._pattern = re.compile("|".join(f"(?P<{name}>{text})" for name, text in patterns))
        self._ignored = frozenset(tables.ignored)
        self._starts = tables.starts
        self._states = tables.states
        # Backwards, so that an action of a state is an index as it is: rules[-2] is rule 0.
        rules = [(len(r.parts), r.origin, _maker(r, actions)) for r in tables.rules]
        self._rules = [*reversed(rules), (0, "", list[Any])]

    def tokens(self, text: str) -> Iterable[Token]:
        """The tokens of a text without what is ignored, and one more at the end."""
        ignored, new = self._ignored, str.__new__
        for match in self._pattern.finditer(text):
            kind = match.lastgroup
            if kind not in ignored:
                assert kind is not None
                # As Token(...) does it, without the cost of another call for each token.
                token = new(Token, match.group())
                token.type = kind
                token.start_pos, token.end_pos = match.span()
                yield token
        yield Token(END, "", len(text), len(text) + 1)

    def run(self, text: str, start: str) -> Any:
        """What the actions make of a text that is one `start` rule."""
        states, rules = self._states, self._rules
        state, last = self._starts[start]
        below: list[int] = []  # the state in which each value was read
        values: list[Any] = []
        for token in self.tokens(text):
            kind = token.type
            while True:
                action = states[state].get(kind)
                if action is None:
                    if kind == END and state == last:
                        return values[0]
                    raise UnexpectedTokenError(token, _terminals(states[state]))
                if action == APPEND:
                    values[-1].append(token)
                    break
                if action >= 0:
                    below.append(state)
                    values.append(token)
                    state = action
                    break
                size, origin, make = rules[action]
                children: Children = []
                if size:
                    children = values[-size:]
                    state = below[-size]
                    del values[-size:], below[-size:]
                value = make(children)
                action = states[state][origin]
                if action == APPEND:
                    values[-1].append(value)
                else:
                    below.append(state)
                    values.append(value)
                    state = action
        raise AssertionError("the end of the text is a token")


def _terminals(state: dict[str, int]) -> Collection[str]:
    return [name for name in state if name.isupper()]


def _maker(rule: Rule, actions: object) -> Callable[[Children], Any]:
    """What makes the value of a rule from the values of its parts."""
    gather = _gatherer(rule.parts)
    if not rule.action:
        return gather
    make: Callable[[Children], Any] = getattr(actions, rule.action)
    return make if gather is list else lambda children: make(gather(children))


def _gatherer(parts: str) -> Callable[[Children], Children]:
    if set(parts) <= {"k"}:
        return list
    # A list that comes first is used on: it stands nowhere else.
    grows = parts.startswith("s")
    rest = tuple(enumerate(parts))[grows:]

    def gather(children: Children) -> Children:
        found: Children = children[0] if grows else []
        for index, part in rest:
            if part == "k":
                found.append(children[index])
            elif part == "s":
                found += children[index]
        return found

    return gather
