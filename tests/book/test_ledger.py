"""Claims, their reports, and the ledger made from both."""

from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import CHAPTERS, ROOT, SCRIPTS

from src import verdicts
from src.book import claims, ledger

PINNED = Path(__file__).with_name("verdicts.yml")


def entry(id, **changes):
    return {"id": id, "verdict": verdicts.HOLDS, "measured": "1.0", "spread": "exact", "note": ""} | changes


@pytest.fixture
def shown(monkeypatch):
    """What a report displays, kept instead of displayed."""
    kept = []
    monkeypatch.setattr(claims, "display", lambda data, metadata, raw: kept.append((data, metadata)))
    return kept


def test_rows_are_numbered_without_gaps_and_claims_of_one_row_stand_together():
    rows = [claim["row"] for claim in claims.read().values()]
    assert sorted(set(rows)) == list(range(1, max(rows) + 1))
    assert [row for k, row in enumerate(rows) if k == 0 or rows[k - 1] != row] == list(dict.fromkeys(rows))


def test_verdicts_and_how_we_know_are_those_that_were_pinned():
    """The tracked list is written by a person, never by a run: a verdict that turns over must be seen."""
    pinned = yaml.safe_load(PINNED.read_text())
    found = {
        report["id"]: [report["verdict"], report["evidence"]]
        for reports in ledger.executed(CHAPTERS).values()
        for report in reports
    }
    assert found == pinned


def test_the_chapters_report_what_they_should():
    assert ledger.problems(claims.read(), ledger.executed(CHAPTERS)) == []


def test_every_chapter_is_in_the_table_of_contents_in_order():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    assert [file for file in listed if file[9:11].isdigit()] == [f"chapters/{path.stem}" for path in SCRIPTS]


def test_problems_are_found():
    known = claims.read()
    right = [entry(id) for id, claim in known.items() if claim["chapter"] == "01_model"]
    assert ledger.problems(known, {"01_model": right}) == []
    assert ledger.problems(known, {"01_model": right[:-1]}) == [f"01_model does not report {right[-1]['id']!r}"]
    assert ledger.problems(known, {"01_model": [*right, right[0]]}) == ["01_model reports 'eq-1-2' 2 times"]
    wrong = ledger.problems(known, {"01_model": [*right, entry("nonsense"), entry("thm-3.3")]})
    assert wrong == [
        "01_model reports 'nonsense', which claims.yml does not have",
        "01_model reports 'thm-3.3', which belongs to 07_phase_two",
    ]


def test_rows_join_claims_and_reports():
    found = {row["id"]: row for row in ledger.rows(claims.read(), {"07_phase_two": [entry("thm-3.3", note="why")]})}
    assert found["thm-3.3"]["verdict"] == verdicts.HOLDS
    assert found["thm-3.3"]["ours"] == "1.0"
    assert found["thm-3.3"]["link"] == "chapters/07_phase_two.html#claim-thm-3.3"
    assert found["eq-1-2"]["verdict"] == "open"
    assert found["eq-1-2"]["link"] is None


def test_a_report_carries_its_data_and_its_anchor(shown):
    claims.report("thm-3.3", verdict=verdicts.FAILS, measured="0.02 < 0.03", spread="± 0.001", note="γ = 0.3 & more")
    ((data, metadata),) = shown
    assert metadata["claim"] == entry(
        "thm-3.3", verdict=verdicts.FAILS, measured="0.02 < 0.03", spread="± 0.001", note="γ = 0.3 & more"
    )
    assert 'id="claim-thm-3.3"' in data["text/html"]
    assert "0.02 &lt; 0.03" in data["text/html"]
    assert "Theorem 3.3: fails" in data["text/plain"]
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data, metadata=metadata)])
    assert claims.reports(nbformat.v4.new_notebook(cells=[cell])) == [metadata["claim"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "thm-9.9"}, "id must be one of eq-1-2.*got 'thm-9.9'"),
        ({"verdict": "true"}, "verdict must be one of holds"),
        ({"measured": ""}, "measured must be a short text"),
        ({"measured": 0.03}, "measured must be a short text"),
        ({"spread": " "}, "spread must be a short text"),
        ({"spread": "±0"}, "say 'exact'"),
        ({"spread": "± 0.00"}, "say 'exact'"),
        ({"spread": "±0 %"}, "say 'exact'"),
        ({"spread": "± 0.0 over 5 seeds"}, "say 'exact'"),
        ({"spread": "±0e+00"}, "say 'exact'"),
        ({"note": None}, "note must be a text"),
    ],
)
def test_bad_reports_are_refused(shown, change, message):
    with pytest.raises(ValueError, match=message):
        claims.report(**(entry("thm-3.3") | change))
    assert shown == []


@pytest.mark.parametrize("spread", ["exact", "± 0.004", "±0.1 %", "±1e-12", "+/- 0.25 over 5 seeds"])
def test_real_spreads_pass(shown, spread):
    claims.report(**entry("thm-3.3", spread=spread))
    assert len(shown) == 1


def test_numbers_are_compared_within_the_tolerance_of_their_claim():
    """1 per cent is within the usual 2, 3 are not; a lost, a new and a missing number and another verdict are seen."""
    stored = entry("thm-3.3", evidence=verdicts.PROVED, numbers={"ratio": 0.5, "none": None})
    assert claims.read()["thm-3.3"]["tolerance"] == 0.02
    assert claims.differences(stored, stored) == []
    assert claims.differences(stored, stored | {"numbers": {"ratio": 0.505, "none": None}}) == []
    same = {"ratio": 0.5, "none": None}
    changes = ({"ratio": 0.515}, {"ratio": -0.5}, {"ratio": None}, {"none": 1.0}, {"more": 1.0})
    for numbers in ({"ratio": 0.5}, *(same | change for change in changes)):
        assert len(claims.differences(stored, stored | {"numbers": numbers})) == 1, numbers
    assert len(claims.differences(stored, stored | {"verdict": verdicts.FAILS})) == 1
    assert len(claims.differences(stored, stored | {"evidence": verdicts.SAMPLED})) == 1
