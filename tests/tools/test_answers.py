"""What a run answers: the book's verdicts beside its own."""

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS

from src.book import claims
from tools import answers, chapters, notebooks

REPORT = {
    "id": "fig-8a-turn", "verdict": "holds", "evidence": "sampled", "measured": "positive after 31 iterations",
    "spread": "one run", "note": "", "numbers": {"turn": 31.0},
}  # fmt: skip


def notebook(*reports):
    outputs = [nbformat.v4.new_output("display_data", metadata={"claim": REPORT | report}) for report in reports]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)])


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, ("holds", "holds", "nothing")),
        (
            {"verdict": "fails", "measured": "never negative", "numbers": {"turn": None}},
            ("holds", "fails", "holds → fails: positive after 31 iterations → never negative"),
        ),
        (
            {"measured": "positive after 40 iterations", "numbers": {"turn": 40.0}},
            ("holds", "holds", "positive after 31 iterations → positive after 40 iterations"),
        ),
        ({"measured": "positive after 31.1 iterations", "numbers": {"turn": 31.1}}, ("holds", "holds", "nothing")),
    ],
)
def test_what_changed_is_said(change, row):
    assert answers.rows(notebook({}), notebook(change)) == [("fig-8a-turn", *row)]
    assert all(word in answers.table([("fig-8a-turn", *row)]) for word in ("fig-8a-turn", "the book", "this run"))


def test_claims_of_one_side_only():
    other = {"id": "fig-8b", "measured": "m"}
    book, run = notebook({}, other), notebook({})
    assert answers.rows(book, run)[1] == ("fig-8b", "holds", "–", "this run does not report it; m")
    assert answers.rows(run, book)[1] == ("fig-8b", "–", "holds", "the book does not report it; m")


def test_a_notebook_is_given_to_its_chapter():
    scripts = chapters.scripts()
    for script in scripts:
        assert answers.chapter_of(notebooks.read(script.with_suffix(".ipynb")), scripts) == script
    written = notebooks.written(scripts[0])  # without outputs: by its title
    assert answers.chapter_of(written, scripts) == scripts[0]
    with pytest.raises(ValueError, match="no run of a chapter of this book"):
        answers.chapter_of(nbformat.v4.new_notebook(), scripts)


def test_a_page_shows_the_run_in_the_books_style(tmp_path):
    stored = notebooks.read(CHAPTERS / "05_wrong_way.ipynb")
    claims.reports(stored)[0]["measured"] = "x"
    path = tmp_path / "run.ipynb"
    notebooks.store(stored, path)
    page = answers.page(path)
    assert page == tmp_path / "run.html"
    soup = BeautifulSoup(page.read_text(), "html.parser")
    assert "wrong way" in soup.h1.text.lower() and len(soup.select("img")) >= 4 and soup.select(".claim")
    for tag, attribute in (("img", "src"), ("script", "src"), ("link", "href")):
        for one in soup.select(f'{tag}[{attribute}^="_"]'):
            assert (tmp_path / one[attribute].split("?")[0]).exists(), one
