"""The messages that a user sees: place, line, caret, note."""

from __future__ import annotations

import pickle

import pytest

from trimetal.transpiler.errors import (
    CheckError,
    CompileError,
    LaunchError,
    OutOfResourcesError,
    ParseError,
    SourceText,
    Span,
    TrimetalError,
    UnsupportedError,
    VerifyError,
)

TEXT = SourceText("first\n\tsecond line\nthird", "kernel.ttgir")


def span_of(word: str, source: SourceText = TEXT) -> Span:
    start = source.text.index(word)
    return Span(source, start, start + len(word))


def test_a_message_with_its_place():
    error = ParseError("no such op", span_of("line"), note="spell it right")
    assert str(error) == (
        "kernel.ttgir:2:9: error: no such op\n"
        "    \tsecond line\n"
        "    \t       ^^^^\n"
        "note: spell it right"
    )


def test_a_message_without_a_place():
    assert str(TrimetalError("no device")) == "no device"
    assert str(TrimetalError("no device", note="buy one")) == "no device\nnote: buy one"


def test_the_caret_stays_in_its_line():
    frame = Span(TEXT, 0, len(TEXT.text)).frame()
    assert frame == "    first\n    ^^^^^"
    at_the_end = Span(TEXT, len(TEXT.text), len(TEXT.text))
    assert (at_the_end.line, at_the_end.column) == (3, 6)
    assert at_the_end.frame() == "    third\n         ^"


def test_windows_line_ends_are_not_shown():
    assert span_of("b", SourceText("a\r\nb\r\n")).frame() == "    b\n    ^"


def test_a_long_line_is_shown_in_part():
    source = SourceText("x" * 5000 + "HERE" + "y" * 5000)
    line, caret = span_of("HERE", source).frame().split("\n")
    assert len(line) <= 114
    assert line[caret.index("^") : caret.rindex("^") + 1] == "HERE"


@pytest.mark.parametrize(
    "kind", [ParseError, VerifyError, UnsupportedError, CompileError, CheckError, LaunchError]
)
def test_errors_survive_pickling(kind: type[TrimetalError]):
    error = kind("message", span_of("second"), "note")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert isinstance(copy, TrimetalError)
    assert str(copy) == str(error)


def test_out_of_resources_says_how_much():
    error = OutOfResourcesError("threadgroup memory", 65536, 32768, span_of("third"))
    assert "out of threadgroup memory: 65536 needed, 32768 available" in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.resource, copy.required, copy.limit) == ("threadgroup memory", 65536, 32768)
    assert str(copy) == str(error)
    assert issubclass(OutOfResourcesError, UnsupportedError)
