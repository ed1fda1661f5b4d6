"""Findings on the first page: numbers come from the reports, and what is not there stops the build."""

import re

import pytest
from conftest import ROOT

from src.book import findings

REPORTS = {
    "01_one": [{"id": "other", "numbers": {}}],
    "02_two": [{"id": "lemma-2.1", "numbers": {"factor": 3.14159265, "by sampling": 0.5, "many": 15851.0}}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The sum is {factor} times <lemma-2.1>", "The sum is 3.14 times"),
        ("{factor:6} and {by sampling:%}, {many:5} <lemma-2.1>", "3.14159 and 50.0 %, 15,851"),
    ],
)
def test_numbers_are_looked_up(text, expected):
    assert findings.filled(text, REPORTS) == (expected, "02_two")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no claim", "must be 'text <claim>', not 'no claim'"),
        ("text <lemma-2.2>", "no chapter reports 'lemma-2.2'"),
        ("{factors} <lemma-2.1>", "lemma-2.1 has no number 'factors': there is factor, by sampling, many"),
        ("{factor} <other>", "other has no number 'factor': there is none"),
    ],
)
def test_what_is_not_there_is_named(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        findings.filled(text, REPORTS)


def test_the_first_page_types_no_number_that_was_measured():
    """Its digits outside of code, links and findings are names: of sections, of chapters, and the theorem's radius."""
    text = (ROOT / "chapters" / "index.md").read_text(encoding="utf-8").partition("## The count")[0]
    text = re.sub(
        r"\{finding\}`[^`]*`|```.*?```|`[^`]*`|\([^)]*\)|^:.*$|\$[^$]*\$", "", text, flags=re.DOTALL | re.MULTILINE
    )
    assert set(re.findall(r"\d+(?:\.\d+)?", text)) <= {"5.3", "1"}


def test_the_example_on_the_first_page_runs(capsys):
    page = (ROOT / "chapters" / "index.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example, {})
    assert 0 < float(re.search(r"[\d.]+", capsys.readouterr().out)[0]) < 1
