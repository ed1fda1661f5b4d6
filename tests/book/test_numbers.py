"""Numbers are typed by hand in no text: each is formatted from the run, or is told in ``prose_numbers.yml`` where it
comes from, and comes from there.
"""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import jupytext
import pytest
import yaml
from conftest import CHAPTERS, ROOT, SCRIPTS

from src.book import claims

LIST = yaml.safe_load(Path(__file__).with_name("prose_numbers.yml").read_text(encoding="utf-8"))
PAGES = [
    ROOT / "README.md",
    *(CHAPTERS / f"{name}.md" for name in ("index", "notation", "benchmarks", "weights_stay_small", "sgd_in_numbers")),
]

PAPER = (
    "0.03", "1/100", "197", "0.1", "1/16", "0.5", "1/2", "95 %",  # constants of the theorems, and of an interval
    "0.6", "5.7", "0.15", "1500", "0.25", "1.28", "1.27", "6.97", "9.01", "12.04", "34", "14", "16", "164", "10 %",
    "350,000", "6 d", "36", "100", "45", "15",
)  # fmt: skip
PLACES = re.compile(
    r"(?:[Ss]ections?|[Cc]hapters?|[Ff]igures?|[Tt]heorems?|[Ll]emmas?|[Dd]efinitions?|[Tt]ables?|Clauses?|eq\.) "
    r"\[?[\d.]+\d*(?:\]\([^)]*\))?(?:(?:,| and| to| or) \[?[\d.]*\d)*(?:\([a-z]\))?"
)
SMALL = re.compile(r"(?<![\d.,])[0-4](?![\d.,]*\d)")  # one start, two phases, d - 1


# --- Reports ---------------------------------------------------------------------------------------------------------


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


def calls(source, name):
    """The calls of a function or method of that name in a cell of code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
            yield node


@cache
def cells(script):
    """A chapter's cells: [(type, source, tags)]."""
    return [
        (cell.cell_type, cell.source, cell.metadata.get("tags", []))
        for cell in jupytext.read(script, fmt="py:percent").cells
    ]


def reports(script):
    return [call for kind, source, _ in cells(script) if kind == "code" for call in calls(source, "report")]


def typed(text):
    """The digits of a text that are neither the paper's nor a place's nor a count of hand."""
    text = re.sub(r"d = \d+", "", PLACES.sub("", text))
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


# --- Prose -----------------------------------------------------------------------------------------------------------

NO_PROSE = (
    r"```(?:\{code|bash|python).*?```",
    r"^:(?!alt)[a-z-]+:[^\n]*$",  # options and labels
    r"^\([^\n]*\)=$",
    r"\{[a-z:-]+\} [a-z0-9-]+$",
    r"\{[a-z:-]+\}`[^`]*`",
    r"`[^`\n]*`",
    r"\]\([^)]*\)",  # where links lead
    r"\[[\d.]+em\]",
    r"10\^\{?-?\d+\}?",
    r"[\^_]\{?-?\d+\}?",  # exponents and indices
    r"\b(?:CIFAR|ResNet|SHA)-\d+|CC BY 4.0",
)
NO_PROSE = re.compile("|".join(NO_PROSE), re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![A-Za-z0-9.,])(?:(?<![\w)}\]°])[-+−])?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
PER_CENT = re.compile(r"[\s~]*(?:\\,)?(?:\\?%|per cent|points)")
BLOCK = re.compile(r"^(`{3,})\{(?:exercise|solution)\}.*?^\1\s*$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"make run [^`]*")
LABEL = re.compile(r":label: (ex-[\w-]+)|\{solution\} (ex-[\w-]+)")


def value(number):
    return float(number.replace(",", "").replace("−", "-"))


def numbers(text):
    """The numbers of a text that may have been measured: decimals, per cent, and integers from 10 on, but no places."""
    text = NO_PROSE.sub(" ", PLACES.sub(" ", text))
    found = [(match.group(), PER_CENT.match(text, match.end())) for match in NUMBER.finditer(text)]
    found = [(number.lstrip("+").replace("−", "-"), share) for number, share in found]
    return {number for number, share in found if "." in number or share or abs(value(number)) >= 10}


def literals(node):
    """The literal texts in a piece of code."""
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def prose(path):
    """The pieces of text of a chapter or page: (label of the exercise they belong to, or None; text)."""
    if path.suffix == ".md":
        yield None, path.read_text(encoding="utf-8")
        return
    for kind, source, _ in cells(path):
        if kind == "markdown":
            for match in BLOCK.finditer(source):
                yield next(filter(None, LABEL.search(match.group()).groups())), match.group()
            yield None, BLOCK.sub("", source)
        else:
            for name in ("Markdown", "set_title", "suptitle"):
                yield from ((None, text) for call in calls(source, name) for text in literals(call))


def parameters(script):
    """The values of a chapter's parameters, by default and in the paper's setting."""
    given = {}
    (source,) = (source for _, source, tags in cells(script) if "parameters" in tags)
    exec(source, given)
    at_paper = yaml.safe_load((CHAPTERS / "parameters" / "paper" / f"{script.stem}.yaml").read_text())
    values = [x for x in (*given.values(), *at_paper.values()) if not isinstance(x, dict | str)]
    return {float(x) for listed in values for x in (listed if isinstance(listed, list) else [listed])}


@cache
def bodies():
    """The text of every test of the book: {name: [text]}."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name, body in re.findall(
            r"^def (test_\w+)(.*?)(?=^\S|\Z)", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        ):
            found.setdefault(name, []).append(body)
    return found


@cache
def asserted(test):
    """The numbers that the tests of that name hold."""
    found = re.findall(r"\d[\d_]*\.?\d*", "\n".join(bodies().get(test, [])))
    return {float(number.replace("_", "")) for number in found}


def in_code(script, number):
    """Whether a number stands as such in the code of a chapter."""
    source = "\n".join(source for kind, source, _ in cells(script) if kind == "code")
    constants = [part.value for part in ast.walk(ast.parse(source)) if isinstance(part, ast.Constant)]
    return abs(value(number)) in [x for x in constants if isinstance(x, int | float)]


def evaluated(expression):
    """An expression in terms of `src`: its names are the modules of `src` by their last names, and libraries."""
    names = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)} - {"len", "min", "max"}
    modules = {path.stem: path for path in (ROOT / "src").rglob("*.py")}
    dotted = {name: ".".join(modules[name].relative_to(ROOT).with_suffix("").parts) for name in names & set(modules)}
    return float(eval(expression, {name: importlib.import_module(dotted.get(name, name)) for name in names}))


def rounds_to(number, found):
    """Whether `found` is the number to all the digits that are printed."""
    decimals = len(number.partition(".")[2])
    return abs(found - value(number)) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


def comes_from(path, number, source):
    """Whether a number of a text comes from where prose_numbers.yml says; its head says what it can say."""
    if source == "paper":
        return any(number in figures for figures in LIST["paper"].values())
    if source == "code":
        return in_code(path, number)
    if source == "command":
        return any(
            number in re.findall(r"\d+", command) for _, text in prose(path) for command in COMMAND.findall(text)
        )
    if re.fullmatch(r"test_\w+", source):
        return abs(value(number)) in asserted(source)
    if re.fullmatch(r"[\w/]+\.\w+", source) and (ROOT / source).exists():
        return number in NUMBER.findall((ROOT / source).read_text(encoding="utf-8").replace("_", ""))
    return source.startswith("by hand: ") or rounds_to(number, evaluated(source))


def listed(path):
    return LIST.get(path.relative_to(ROOT).as_posix()) or {}


def loose(path):
    """The numbers of a chapter or page that are no parameter's and not in the test of their exercise."""
    given = parameters(path) if path.suffix == ".py" else set()
    return {
        number
        for exercise, text in prose(path)
        for number in numbers(text)
        if abs(value(number)) not in given
        and not (exercise and abs(value(number)) in asserted("test_" + exercise.replace("-", "_")))
    }


@pytest.mark.parametrize("path", [*SCRIPTS, *PAGES], ids=lambda path: path.stem)
def test_every_number_in_prose_comes_from_somewhere(path):
    found, told = loose(path), set(listed(path))
    assert found - told == set(), "typed by hand: format it from the run, or tell prose_numbers.yml where it comes from"
    assert told - found == set(), "in prose_numbers.yml, but not in the text"


@pytest.mark.parametrize("path", [*SCRIPTS, *PAGES], ids=lambda path: path.stem)
def test_every_number_in_prose_comes_from_where_the_list_says(path):
    wrong = {number: source for number, source in listed(path).items() if not comes_from(path, number, source)}
    assert wrong == {}


# --- The paper's figures ---------------------------------------------------------------------------------------------


def test_the_papers_figures_are_those_of_the_list():
    """What claims.yml gives as the paper's figures was entered a second time, by claim."""
    found = {id: numbers(claim["paper"]) for id, claim in claims.read().items()}
    again = {id: set(figures) for id, figures in LIST["paper"].items() if id != "elsewhere"}
    assert {id: figures for id, figures in found.items() if figures} == again


@pytest.mark.parametrize("id", LIST["paper"])
def test_src_has_the_papers_figures(id):
    wrong = {
        number: source
        for number, source in LIST["paper"][id].items()
        if source is not None and not rounds_to(number, evaluated(source))
    }
    assert wrong == {}


def test_what_counts_as_a_number_in_prose():
    text = "At $d = 1499$ and $\\gamma = 0.0225$, Theorems 3.2 and 3.3 say $-1.11$ of 350,000, in 48 steps."
    assert numbers(text) == {"1499", "0.0225", "-1.11", "350,000", "48"}
    assert numbers("within 1 % or 2 per cent of 3") == {"1", "2"}
    assert numbers("two of 3, $10^{-4}$, $W_{12}$, `f(0.5)`, [0.7](#x-0.7)\n:name: fig-12\n(eq-13)=") == {"0.7"}
    assert numbers("```{glue:figure} fig-12\n:alt: It falls from 0.5.\n\nAbout 20.\n```") == {"0.5", "20"}


def test_a_number_that_comes_from_elsewhere_is_found_out():
    chapter = SCRIPTS[0]
    for number, source in (
        ("0.04", "paper"),
        ("0.77", "code"),
        ("0.77", "command"),
        ("0.77", "test_what_counts_as_typed"),
    ):
        assert not comes_from(chapter, number, source)
    assert comes_from(chapter, "0.738", "test_what_counts_as_typed") and comes_from(chapter, "0.03", "paper")
    assert comes_from(chapter, "0.03", "bounds.DELTA") and not comes_from(chapter, "0.031", "bounds.DELTA")
    assert comes_from(chapter, "3.142", "math.pi") and not comes_from(chapter, "-3.142", "math.pi")
    assert comes_from(chapter, "2017", "CITATION.cff") and not comes_from(chapter, "2018", "CITATION.cff")
