"""Numbers come from runs: the literal parts of a report hold none but the paper's own."""

import ast
import re

import jupytext

PAPER = (
    "0.03", "1/100", "197", "0.1", "1/16", "0.5", "1/2", "95 %",  # constants of the theorems, and of an interval
    "0.6", "5.7", "0.15", "1500", "0.25", "1.28", "1.27", "6.97", "9.01", "12.04", "34", "14", "16", "164", "10 %",
    "350,000", "6 d", "36", "100", "45", "15",
)  # fmt: skip
PLACES = re.compile(
    r"(?:[Ss]ections?|[Cc]hapters?|[Ff]igures?|[Tt]heorems?|[Ll]emmas?|[Dd]efinitions?|[Tt]ables?|Clauses?|eq\.|d =) "
    r"[\d.]+(?: (?:and|to|or) [\d.]+)*(?:\([a-z]\))?"
)
SMALL = re.compile(r"(?<![\d.,])[0-4](?![\d.,]*\d)")  # one start, two phases, d - 1


def strings(node):
    """The literal parts of strings, without format specifications and without what stands inside braces."""
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield part.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.BinOp | ast.IfExp | ast.BoolOp):
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def reports(script):
    for cell in jupytext.read(script, fmt="py:percent").cells:
        if cell.cell_type == "code" and "claims.report(" in cell.source:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "report":
                    yield node


def typed(text):
    """The digits of a text that are neither the paper's nor a place's nor a count of hand."""
    text = PLACES.sub("", text)
    for known in PAPER:
        text = re.sub(rf"(?<![\d.,]){re.escape(known)}(?![\d.,]*\d)", "", text)
    return re.findall(r"(?<![A-Za-z\d.,])[\d.,]*\d", SMALL.sub("", text))


def test_reports_are_formatted_from_the_run(script):
    for call in reports(script):
        id = call.args[0].value
        for keyword in call.keywords:
            if keyword.arg in ("measured", "spread", "note"):
                for text in strings(keyword.value):
                    assert typed(text) == [], f"{script.stem}, {id}, {keyword.arg}: {text!r}"


def test_reports_say_how_we_know_and_carry_their_numbers(script):
    for call in reports(script):
        given = {keyword.arg for keyword in call.keywords}
        assert {"verdict", "evidence", "measured", "spread", "numbers"} <= given, f"{script.stem}, {call.args[0].value}"
        verdict = next(keyword.value for keyword in call.keywords if keyword.arg == "verdict")
        assert not isinstance(verdict, ast.Constant) and ast.unparse(verdict).split(".")[0] != "verdicts", "a constant"


def test_what_counts_as_typed():
    assert typed("at most 0.738 of it") == ["0.738"]
    assert typed("γ ≤ 1/100 by Theorem 3.3 and section 5.2, two of 3") == []
