"""Where formulas may be broken, and what a preview shows."""

import re

import pytest
from docutils import nodes, utils

from src.book import formulas, previews, theme

CASES = [  # a formula, and the parts between which a line may be broken
    (r"q = \frac\pi2", [r"q = \frac\pi2"]),  # short
    (
        r"\|\bar B^\top\!\bar A - I\|_2 \le 2(\psi - 1) + (\psi - 1)^2 = \xi",
        [r"\|\bar B^\top\!\bar A - I\|_2 \le{}", r"2(\psi - 1) + (\psi - 1)^2 ={}", r"\xi"],
    ),
    (  # no relation: behind a sign, but not behind that of a power or of a negative number
        r"-\arctan\gamma - \frac{\gamma}{1 + \gamma^2} - \frac{1}{(1 + \gamma^2)^2} + x^- + a(-b + c) - 1",
        [
            r"-\arctan\gamma -{}",
            r"\frac{\gamma}{1 + \gamma^2} -{}",
            r"\frac{1}{(1 + \gamma^2)^2} +{}",
            r"x^- + a(-b + c) -{}",
            "1",
        ],
    ),
    (r"\left(a = b + c + d + e + f + g + h + i + j + k\right)", None),  # one pair of brackets
    (r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix} = a + b + c + d + e + f + g", None),
    (
        r"g_1 = 1{,}000, g_2 = 2{,}000, g_3 = 100,000 + xxxxx",
        ["g_1 ={}", "1{,}000, g_2 ={}", "2{,}000, g_3 ={}", "100,000 + xxxxx"],
    ),
]


@pytest.mark.parametrize(("tex", "parts"), CASES)
def test_a_long_formula_is_broken_where_tex_would(tex, parts):
    assert formulas.pieces(tex) == (parts or [tex])


@pytest.mark.parametrize("tex", [tex for tex, _ in CASES])
def test_the_parts_say_what_the_formula_says(tex):
    def plain(text):
        return re.sub(r"\s|\{\}", "", text)

    assert plain("".join(formulas.pieces(tex))) == plain(tex)


def paragraph(*children):
    document = utils.new_document("page")
    document += nodes.paragraph("", "", *children)
    formulas._Attached(document).run()
    return document[0]


def test_a_full_stop_stays_with_its_formula():
    kept = paragraph(nodes.Text("the weights ("), nodes.math("", "W"), nodes.Text("). Then"))
    assert [child.astext() for child in kept] == ["the weights ", "(W).", " Then"]
    assert kept[1]["classes"] == ["kept"] and isinstance(kept[1][1], nodes.math)


def test_a_link_that_is_a_formula_is_kept_whole_and_one_that_ends_with_a_formula_may_be_broken():
    alone = nodes.reference("", "", nodes.inline("", "", nodes.math("", "g")))
    assert [child.astext() for child in paragraph(alone, nodes.Text(", so"))] == ["g,", " so"]
    long = nodes.reference("", "", nodes.Text("the potential "), nodes.math("", "g"))
    assert [child.astext() for child in paragraph(long, nodes.Text(", so"))] == [
        "the potential g",
        formulas.JOINER + ", so",
    ]


def test_a_formula_between_spaces_is_left_alone():
    assert len(paragraph(nodes.Text("let "), nodes.math("", "W"), nodes.Text(" be"))) == 3


BODY = """<section id="first"><span id="by-label"></span><h1>First<a class="headerlink" href="#first">#</a></h1>
<details><p>How it is run.</p></details><p>Its <a href="x.html#y">beginning</a>.</p>
<div class="proof theorem admonition" id="thm"><p>A</p><div class="inner" id="in"><div>B</div></div><p>C</p></div>
<p>after</p><dl class="simple myst" id="notation-w"><dt>W</dt><dd>weights</dd></dl>
<div class="cell_output" id="no"><p>no</p></div></section>"""


def test_a_preview_is_the_element_without_links_and_ids():
    found = previews.places(BODY)
    assert set(found) == {"", "first", "by-label", "thm", "notation-w"}
    assert found[""] == found["by-label"] == "<p><strong>First</strong></p><p>Its beginning.</p>"
    assert (
        found["thm"]
        == '<div class="proof theorem admonition"><p>A</p><div class="inner"><div>B</div></div><p>C</p></div>'
    )
    assert found["notation-w"] == '<dl class="simple myst"><dt>W</dt><dd>weights</dd></dl>'


def test_an_element_that_is_not_closed_is_named():
    with pytest.raises(ValueError, match="<div> is not closed: <div><p>"):
        previews.element("<div><p>text</p>", 0, "div")


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        (["Short.", "The question. How fast does the potential fall?"], "How fast does the potential fall?"),
        (["one two " * 40], ("one two " * 25).strip() + " …"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_page_is_described_by_its_beginning(paragraphs, expected):
    document = utils.new_document("page")
    document += [nodes.paragraph("", text) for text in paragraphs]
    assert theme.description(document) == expected
