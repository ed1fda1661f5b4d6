"""The form that all chapters share: what stands where, what is folded, how figures and exercises are written."""

import itertools
import re

import jupytext
import pytest
from conftest import CHAPTERS, ROOT

LABELS = ("Set-up", "How this figure is drawn", "How this table is made", "How this verdict is computed")
LONGEST = 470  # lines of a chapter
WIDEST = 78  # characters of a visible line
MOST = 12  # lines of a visible cell


@pytest.fixture
def cells(script):
    return jupytext.read(script, fmt="py:percent").cells


def tags(cell):
    return cell.metadata.get("tags", [])


def label(cell):
    return cell.metadata.get("mystnb", {}).get("code_prompt_show")


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def prose(cells):
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def outside_code(text):
    """Prose without code spans and blocks of commands."""
    return re.sub(r"```bash.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def test_a_chapter_is_not_too_long(script):
    assert len(script.read_text().splitlines()) <= LONGEST


def test_a_chapter_opens_with_its_box(cells):
    assert cells[0].cell_type == "markdown" and "```{admonition} In this chapter" in cells[0].source
    for part in ("**The question.**", "**What you will see.**", "**What you need.**"):
        assert part in cells[0].source


def test_the_set_up_is_folded_and_checks_before_it_imports(cells):
    parameters, set_up = code(cells)[:2]
    assert tags(parameters) == ["parameters"]
    assert label(set_up) == LABELS[0]
    checked = set_up.source.index("parameters.check(")
    assert "import " not in set_up.source[:checked].replace("from src import checks\n", "").replace(
        "from src.book import claims, figures, parameters\n", ""
    ).replace("from src.book import figures, parameters\n", ""), "only what the check needs comes before it"
    assert all("import " not in cell.source for cell in code(cells)[2:]), "imports belong into the set-up"
    assert ".record(" not in set_up.source, "the set-up only sets up: a test executes it with every parameter file"


def test_folded_cells_say_what_they_hold(cells):
    for cell in code(cells):
        assert ("hide-input" in tags(cell)) == (label(cell) is not None), cell.source[:60]
        assert label(cell) in (None, *LABELS), label(cell)
        if "figures.show(" in cell.source:
            assert label(cell) == LABELS[1] and "remove-output" in tags(cell)
        if "claims.report(" in cell.source:
            assert label(cell) == LABELS[3] and "nbval-check-output" in tags(cell)
        assert "plt.show" not in cell.source


def test_neighbouring_folded_cells_are_merged(cells):
    for one, two in itertools.pairwise(cells):
        assert label(one) is None or label(one) != label(two), two.source[:60]


def test_visible_code_is_short(cells):
    for cell in code(cells)[1:]:
        if label(cell) is None:
            lines = cell.source.splitlines()
            assert len(lines) <= MOST, cell.source[:60]
            assert max(map(len, lines)) <= WIDEST, max(lines, key=len)
            assert "def " not in cell.source, "a function lives in src"


def test_figures_have_a_caption_an_alternative_text_and_a_mention(cells):
    text = prose(cells)
    shown = [name for cell in code(cells) for name in re.findall(r'figures\.show\("([^"]+)"', cell.source)]
    placed = re.findall(r"```\{glue:figure\} (\S+)\n((?::[^\n]*\n)*)\n(.*?)\n```", text, flags=re.DOTALL)
    assert sorted(shown) == sorted(name for name, *_ in placed)
    for name, options, caption in placed:
        options = dict(re.findall(r":(\w+): (.*)", options))
        assert name.startswith("fig-") and options["name"] == name
        assert len(options["alt"]) > 30 and len(caption) > 30, name
        assert f"`{name}`" in text or f"<{name}>`" in text, f"{name} is nowhere referred to"


def test_the_end_of_a_chapter(cells):
    text = prose(cells)
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert [h for h in headings if h in ("Summary", "Exercises", "Try")] == ["Summary", "Exercises", "Try"]
    summary = text.split("## Summary")[1].split("## ")[0]
    assert len(re.findall(r"^[-*] ", summary, flags=re.MULTILINE)) == 5


def test_exercises_have_a_folded_solution_and_a_test(cells):
    text = prose(cells)
    exercises = re.findall(r"```\{exercise\}[^\n]*\n:label: (ex-[a-z0-9-]+)\n", text)
    solutions = re.findall(r"```\{solution\} (ex-[a-z0-9-]+)\n:class: dropdown\n", text)
    assert len(exercises) >= 2 and sorted(exercises) == sorted(solutions)
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in exercises:
        assert f"def test_{name.replace('-', '_')}(" in tests, f"no test repeats {name}"


def test_one_style(script, cells):
    text = outside_code(prose(cells))
    assert not re.search(r"(?<![\\{a-z])\|[^|\n$]{1,20}(?<!\\)\|_[2F]", text), "norms are written \\|W\\|_2"
    assert not re.search(r"\bphases? (one|two|I|II)\b|\bPhase (one|two)\b", text), "Phase I, Phase II"
    assert not re.search(r"\$[^$\n]*(?<![\\\w{])E ?(\\big)?[\[(|\\][^$\n]*\$", text), "an expectation is \\mathbb{E}"
    assert not re.search(r"extracted text|glyph|appendix", text), "say so once, on the deviations page"


def test_statements_of_the_paper_stand_in_a_box():
    text = "\n".join(prose(jupytext.read(path, fmt="py:percent").cells) for path in CHAPTERS.glob("[0-9][0-9]_*.py"))
    for statement in ("Lemma 2.1", "Definition 2.2", "Definition 2.3", "Definition 2.4", "Lemma 2.5",
                      "Theorem 3.1", "Theorem 3.2", "Theorem 3.3"):  # fmt: skip
        pattern = rf"```\{{prf:(lemma|theorem|definition)\}} Li and Yuan, {re.escape(statement)}\n"
        assert len(re.findall(pattern, text)) == 1, statement
