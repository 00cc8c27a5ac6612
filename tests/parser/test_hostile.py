# pyright: basic
# pyright: reportArgumentType=false
"""Bad input ends in an error of ours: soon, and without eating the memory or the stack."""

from __future__ import annotations

import random
import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimetal.transpiler.errors import ParseError, TrimetalError, VerifyError
from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.ir.location import FileLineColLoc, Location, NameLoc
from trimetal.transpiler.parser import MAX_TEXT, parse
from trimetal.transpiler.parser.grammar import MAX_ALIASES
from trimetal.transpiler.parser.nesting import MAX_DEPTH, MAX_LOCATION_DEPTH

from .support import BLOCKED, DUMPS, HEAD, text_of

TEXTS = [text for path in DUMPS if len(text := path.read_text(encoding="utf-8")) < 20_000]
DEEP = 5_000


def shorten(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text))]


def swap_lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def drop_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def repeat_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return "\n".join(lines)


def shuffle(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    rng.shuffle(lines)
    return "\n".join(lines)


def change_character(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + rng.choice('(){}[]<>%#!@^:,=-"\\x0 \n\0é') + text[at + 1 :]


def drop_characters(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + text[at + rng.randrange(40) :]


def swap_words(text: str, rng: random.Random) -> str:
    words = re.findall(r"\w+|\W", text)
    words[rng.randrange(len(words))] = rng.choice(words)
    return "".join(words)


def change_numbers(text: str, rng: random.Random) -> str:
    numbers = ("0", "1", "3", "-1", str(2**31), "9" * 30)
    return re.sub(r"\d+", lambda m: rng.choice(numbers) if rng.random() < 0.02 else m[0], text)


MUTATIONS = [
    shorten,
    swap_lines,
    drop_line,
    repeat_line,
    shuffle,
    change_character,
    drop_characters,
    swap_words,
    change_numbers,
]


def check_mutation(seed: int) -> None:
    rng = random.Random(seed)
    text = rng.choice(TEXTS)
    for _ in range(rng.randrange(1, 4)):
        text = rng.choice(MUTATIONS)(text, rng) or " "
    try:
        module = parse(f"{text}\n")
    except TrimetalError as error:
        assert str(error)
    else:
        assert isinstance(parse(str(module)), Module)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32))
def test_mutated_dumps_raise_only_our_errors(seed: int) -> None:
    check_mutation(seed)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32))
def test_many_mutated_dumps_raise_only_our_errors(seed: int) -> None:
    check_mutation(seed)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*'%#!@^"<>{}()[]:=,.-+*x019af \n', "tt.load ", "loc(", "^bb"])))
def test_random_texts_raise_only_our_errors(pieces: list[str]) -> None:
    try:
        parse(f"{''.join(pieces)}\n")
    except TrimetalError as error:
        assert str(error)


NESTED = {
    "types": "  %y = ub.poison : " + "tensor<" * DEEP + "f32" + ">" * DEEP,
    "slices": "  %y = ub.poison : tensor<4xi32, "
    + "#ttg.slice<{dim = 0, parent = " * DEEP
    + "#blocked"
    + "}>" * DEEP
    + ">",
    "functions": "  %y = ub.poison : " + "(" * DEEP + ") -> ()" * DEEP,
    "dictionaries": "  tt.call @f() {a = " + "{a = " * DEEP + "1" + "}" * DEEP + "} : () -> ()",
    "lists": "  tt.call @f() {a = " + "[" * DEEP + "]" * DEEP + "} : () -> ()",
    "locations": "  foo.bar loc(" + '"a"(' * DEEP + "unknown" + ")" * DEEP + ")",
    "callsites": "  foo.bar loc(" + "callsite(" * DEEP + "unknown" + " at unknown)" * DEEP + ")",
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_types_and_attributes_are_refused(name: str) -> None:
    limit = MAX_LOCATION_DEPTH if "loc(" in NESTED[name] else MAX_DEPTH
    with pytest.raises(ParseError, match=f"nested deeper than {limit} levels"):
        parse(text_of(NESTED[name]))


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
def test_a_loop_that_carries_many_variables_has_a_location_of_many_names(order: int) -> None:
    lines = [f'#a{i + 1} = loc("x{i}"(#a{i}))' for i in range(50)]
    aliases = "\n".join(['#a0 = loc("file.py":1:2)', *lines][::order])
    parsed = parse(text_of("foo.bar loc(#a50)", aliases=aliases))
    location = next(op.location for op in parsed.walk() if op.op_name == "foo.bar")
    expected: Location = FileLineColLoc("file.py", 1, 2)
    for i in range(50):
        expected = NameLoc(f"x{i}", expected)
    assert location == expected


def test_deep_regions_do_not_overflow_the_stack() -> None:
    for start, end in (("scf.if %c {\n", "}\n"), ('"foo.bar"() ({\n', "}) : () -> ()\n")):
        module = parse(text_of(start * 500 + end * 500, "%c: i1"))
        assert sum(1 for _ in module.walk()) >= 500
        assert isinstance(parse(str(module)), Module)
    assert parse(text_of("scf.if %c {\n" * DEEP + "}\n" * DEEP, "%c: i1")).functions


@pytest.mark.parametrize("form", ["#a{} = [#a{}, #a{}]", '#a{} = loc(fused["x"(#a{}), #a{}])'])
@pytest.mark.parametrize("length", [30, DEEP])
def test_aliases_that_multiply_are_refused(form: str, length: int) -> None:
    first = "#a0 = loc(unknown)" if "loc" in form else "#a0 = 1"
    lines = [form.format(i + 1, i, i) for i in range(length)]
    use = (
        f"foo.bar loc(#a{length})"
        if "loc" in form
        else f"tt.call @f() {{a = #a{length}}} : () -> ()"
    )
    aliases = "\n".join([first, *lines])
    with pytest.raises(ParseError, match=r"nested deeper|parts when its aliases"):
        parse(text_of(use, aliases=aliases))


@pytest.mark.parametrize("alias", ["#a = [#a]", '#a = loc("x"(#a))', "!a = tensor<4x!a>"])
def test_aliases_of_themselves_are_refused(alias: str) -> None:
    use = {"#": "tt.call @f() {a = #a} : () -> ()", "!": "%x = ub.poison : !a"}[alias[0]]
    use = "foo.bar loc(#a)" if "loc" in alias else use
    with pytest.raises(ParseError, match="stands for itself"):
        parse(text_of(use, aliases=alias))


def test_too_many_aliases_are_refused() -> None:
    lines = "\n".join(f"#a{i} = 1" for i in range(MAX_ALIASES + 2))
    with pytest.raises(ParseError, match=f"more than {MAX_ALIASES} aliases"):
        parse(lines)


def test_too_long_texts_are_refused() -> None:
    with pytest.raises(ParseError, match="are the limit"):
        parse("\n" * (MAX_TEXT + 1))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("%y = arith.constant dense<0> : tensor<1000000000xi32, #blocked>", VerifyError),
        ('%y = arith.constant dense<"0x0000"> : tensor<1000000000xi8, #blocked>', ParseError),
        ("%y = ub.poison : tensor<99999999999xf32, #blocked>", VerifyError),
        (f"%y = ub.poison : tensor<{'9' * DEEP}xf32, #blocked>", ParseError),
        (f"%y = ub.poison : tensor<{'2x' * DEEP}f32, #blocked>", VerifyError),
        (f"%y = arith.constant {'9' * DEEP} : i64", ParseError),
        (f"%y = arith.constant 1.{'9' * DEEP} : f32", ParseError),
        ("%y:999999999 = foo.bar", ParseError),
        ("%y = ub.poison : i99999999", ParseError),
        ("%y = ub.poison : tensor<0xf32, #blocked>", TrimetalError),
    ],
)
def test_huge_things_are_refused(body: str, error: type[TrimetalError]) -> None:
    with pytest.raises(error):
        parse(text_of(f"  {body}"))


def test_encodings_beyond_any_machine_are_refused() -> None:
    aliases = (
        "#blocked = #ttg.blocked<{sizePerThread = [1048576], threadsPerWarp = [1048576], "
        "warpsPerCTA = [1048576], order = [0]}>"
    )
    with pytest.raises(VerifyError, match="a layout for 1048576 warps"):
        parse(text_of("%y = ub.poison : tensor<4xi32, #blocked>", aliases=aliases))


def steps(text: str) -> int:
    """How many calls, of Python and of C functions, reading a text takes, whatever comes of it."""
    count = 0

    def step(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        parse(text)
    except TrimetalError as error:
        assert str(error)
    finally:
        sys.setprofile(None)
    return count


REPEATED = {
    "ops": lambda n: text_of(
        "\n".join(f"%y{i} = arith.addi %i, %i : i32" for i in range(n)), "%i: i32"
    ),
    "blocks": lambda n: text_of(
        "cf.br ^b0x\n" + "".join(f"^b{i}x:\n  cf.br ^b{i + 1}x\n" for i in range(n)) + f"^b{n}x:\n"
    ),
    "open types": lambda n: text_of("%y = ub.poison : " + "tensor<" * 10 * n),
    "types and angles": lambda n: text_of("%y = ub.poison : " + "tensor<<b>" * 5 * n),
    "half a type": lambda n: text_of("%y = ub.poison : tensor<" + "a<b>c" * 10 * n),
    "newlines": lambda n: f"{HEAD}\n" + "\n " * 100 * n + "^",
    "quotes": lambda n: f"{HEAD}\n" + '"a" ' * 20 * n,
    "backslashes": lambda n: f'{HEAD}\n"' + "\\" * 100 * n + '"',
    "names": lambda n: text_of("foo.bar " + ", ".join(["%i"] * 20 * n), "%i: i32"),
    "loose names": lambda n: f"{HEAD}\n" + ", ".join(["%i"] * 20 * n),
    "undefined": lambda n: text_of("".join(f"foo.bar %u{i}\n" for i in range(3 * n))),
}


@pytest.mark.parametrize("name", REPEATED)
def test_work_is_linear(name: str) -> None:
    make = REPEATED[name]
    small, large = steps(make(100)), steps(make(800))
    # Eight times the text; quadratic work would be 64 times the work.
    assert large < 9 * small + 1000


def test_a_module_of_50_000_lines() -> None:
    lines = "\n".join(f"  %y{i} = arith.addi %i, %i : i32 loc(#loc)" for i in range(50_000))
    module = parse(text_of(lines, "%i: i32", f"{BLOCKED}\n#loc = loc(unknown)"))
    assert sum(1 for _ in module.walk()) == 50_003
