"""The tables of the grammar: made by lark from `ttgir.lark`, kept beside it in `ttgir.tables`.

Tables that belong to another grammar are not used: then lark makes them when the first text is
read. `python -m trimetal.transpiler.parser.tables` writes the file anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .lalr import APPEND, Rule, Tables

GRAMMAR = Path(__file__).with_name("ttgir.lark")
TABLES = Path(__file__).with_name("ttgir.tables")
STARTS = ("file", "words")


def tables() -> Tables:
    """The grammar's tables: from the file, or new ones where it is absent or out of date."""
    return kept_tables() or made_tables()


def kept_tables() -> Tables | None:
    """The tables of the file; None where it is absent or does not belong to the grammar."""
    try:
        content = json.loads(TABLES.read_text(encoding="utf-8"))
        if content.pop("grammar") != _digest():
            return None
        return Tables(
            terminals=tuple((name, pattern) for name, pattern in content["terminals"]),
            ignored=tuple(content["ignored"]),
            starts={name: (first, last) for name, (first, last) in content["starts"].items()},
            rules=tuple(Rule(*rule) for rule in content["rules"]),
            states=tuple(content["states"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def text_of(made: Tables) -> str:
    """The content of the file: one state or rule a line, so that versions can be compared."""
    parts: dict[str, Iterable[object]] = {
        "terminals": made.terminals,
        "rules": [(rule.origin, rule.action, rule.parts) for rule in made.rules],
        "states": made.states,
    }
    head = {"grammar": _digest(), "ignored": made.ignored, "starts": made.starts}
    lines = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    for key, values in parts.items():
        listed = ",\n".join(json.dumps(value) for value in values)
        lines.append(f'"{key}": [\n{listed}]')
    return "{" + ",\n".join(lines) + "}\n"


def _digest() -> str:
    return hashlib.sha256(GRAMMAR.read_bytes()).hexdigest()


def made_tables() -> Tables:
    """The tables that lark makes of the grammar."""
    import lark

    # lark's own annotations are partial.
    build: Any = lark.Lark
    made = build(
        GRAMMAR.read_text(encoding="utf-8"), start=list(STARTS), parser="lalr", lexer="basic"
    )
    lalr = made.parser.parser._parse_table
    rules = sorted(made.rules, key=str)
    indices = {rule: index for index, rule in enumerate(rules)}
    states: dict[int, dict[str, int]] = {
        state: {name: _action(action, indices) for name, action in sorted(actions.items())}
        for state, actions in lalr.states.items()
    }
    single = _single(rules)
    _shorten(states, rules, single)
    numbers = _numbers(states, [lalr.start_states[start] for start in STARTS])
    starts = {s: (numbers[lalr.start_states[s]], numbers[lalr.end_states[s]]) for s in STARTS}
    # In the order in which lark's own lexer would try them.
    terminals = [(t.name, t.pattern.to_regexp()) for t in made._build_lexer().terminals]
    return Tables(
        tuple(terminals),
        tuple(sorted(made.ignore_tokens)),
        starts,
        tuple(_rule(rule, single) for rule in rules),
        tuple(
            {name: numbers.get(action, action) for name, action in states[state].items()}
            for state in numbers
        ),
    )


def _action(found: tuple[Any, Any], indices: dict[Any, int]) -> int:
    kind, argument = found
    return -2 - indices[argument] if kind.name == "Reduce" else argument


def _numbers(states: dict[int, dict[str, int]], starts: list[int]) -> dict[int, int]:
    """New numbers for the states that can be reached; lark's differ from run to run."""
    found = {start: number for number, start in enumerate(starts)}
    waiting = list(starts)
    while waiting:
        for target in states[waiting.pop()].values():
            if target >= 0 and target not in found:
                found[target] = len(found)
                waiting.append(target)
    return found


def _inlined(symbol: Any) -> bool:
    """Whether a symbol is a rule that has no node of its own: its parts stand where it stands."""
    return not symbol.is_term and symbol.name.startswith("_")


def _single(rules: list[Any]) -> set[str]:
    """The inlined rules that are one token or node, in all their forms: no list is made of them."""
    single = {rule.origin.name for rule in rules if _inlined(rule.origin)}
    while True:
        listed = {
            rule.origin.name
            for rule in rules
            if len(rule.expansion) != 1
            or _dropped(rule, rule.expansion[0])
            or (_inlined(rule.expansion[0]) and rule.expansion[0].name not in single)
        }
        if not single & listed:
            return single
        single -= listed


def _dropped(rule: Any, symbol: Any) -> bool:
    return symbol.is_term and symbol.filter_out and not rule.options.keep_all_tokens


def _rule(rule: Any, single: set[str]) -> Rule:
    letters = [
        "d"
        if _dropped(rule, symbol)
        else "s"
        if _inlined(symbol) and symbol.name not in single
        else "k"
        for symbol in rule.expansion
    ]
    action = "" if _inlined(rule.origin) else rule.origin.name
    return Rule(rule.origin.name, action, "".join(letters))


def _shorten(states: dict[int, dict[str, int]], rules: list[Any], single: set[str]) -> None:
    """Leave out the steps that most tokens take and that change nothing.

    A state that can do nothing but read a rule, whatever comes next, is not entered. If the rule
    only passes its one part on, the state behind it is entered at once; if it adds a part to a
    list, the part is added, and the state of the list stays.
    """
    sure = {number: _sure_rule(state) for number, state in states.items()}
    for state in states.values():
        for name in state:
            while (index := sure.get(state[name])) is not None:
                if rules[index].origin.name in single:
                    state[name] = state[rules[index].origin.name]
                elif _adds_a_part(rules[index], single):
                    state[name] = APPEND
                else:
                    break


def _sure_rule(state: dict[str, int]) -> int | None:
    """The rule that a state reads whatever comes next."""
    actions = set(state.values())
    return -2 - actions.pop() if len(actions) == 1 and max(actions) < APPEND else None


def _adds_a_part(rule: Any, single: set[str]) -> bool:
    """Whether a rule is a list followed by a part of it, as lark writes `part+`."""
    return _rule(rule, single).parts == "sk" and rule.expansion[0] == rule.origin


if __name__ == "__main__":
    TABLES.write_text(text_of(made_tables()), encoding="utf-8")
    sys.stdout.write(f"{TABLES.name}: {TABLES.stat().st_size} bytes\n")
