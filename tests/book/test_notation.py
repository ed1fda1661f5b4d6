"""The notation page has the symbols that chapters share, and every link to it leads somewhere.

A symbol is a letter, Greek or Latin, with its accent (bar, hat) or script; indices are left out. What stands in one
chapter only is that chapter's own affair.
"""

import re
from collections import defaultdict

import jupytext
from conftest import CHAPTERS, SCRIPTS

GREEK = re.compile(
    "(var)?(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|chi|psi|omega)"
    "|Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega"
)
WORDS = re.compile(r"\\(?:mathrm|text|operatorname|mathbf|label|begin|end|tag|quad|qquad)\*?\{[^{}]*\}")
SYMBOL = re.compile(
    r"\\(bar|hat|tilde|mathcal)(?:\{(\\?[A-Za-z]+)\}|\s*(\\?[A-Za-z]+)?)|\\([A-Za-z]+)|([A-Za-z])(?![A-Za-z])"
)


def formulas(text):
    text = re.sub(r"```bash.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    blocks = re.findall(r"\$\$(.+?)\$\$|```\{math\}(.+?)```", text, flags=re.DOTALL)
    inline = re.findall(r"(?<!\$)\$(?!\$)([^$]+?)\$(?!\$)", re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL))
    return [a or b for a, b in blocks] + inline


def symbols(text):
    found = set()
    for formula in formulas(text):
        formula = WORDS.sub("", formula)
        for accent, braced, plain, command, letter in SYMBOL.findall(formula):
            inner = (braced or plain or "").lstrip("\\")
            if accent:
                found.add(f"{accent} {inner}")
            elif letter or GREEK.fullmatch(command):
                found.add(command or letter)
    return found


def prose(path):
    return "\n\n".join(c.source for c in jupytext.read(path, fmt="py:percent").cells if c.cell_type == "markdown")


def test_symbols_that_chapters_share_are_on_the_page():
    known = symbols((CHAPTERS / "notation.md").read_text())
    where = defaultdict(list)
    for script in SCRIPTS:
        for symbol in symbols(prose(script)) - known:
            where[symbol].append(script.stem)
    assert {symbol: places for symbol, places in where.items() if len(places) > 1} == {}


def test_links_to_the_page_lead_somewhere():
    labels = set(re.findall(r"^\((notation-[a-z0-9-]+)\)=$", (CHAPTERS / "notation.md").read_text(), re.MULTILINE))
    used = set()
    for script in SCRIPTS:
        links = set(re.findall(r"\]\(#(notation-[a-z0-9-]+)\)", prose(script)))
        assert links <= labels, f"{script.stem}: {links - labels}"
        assert links, f"{script.stem} links no symbol to the notation page"
        used |= links
    assert used >= labels - {"notation-order", "notation-local"}, f"never linked: {labels - used}"


def test_the_parser_sees_what_it_should():
    text = r"Let $\gamma \le \|W\|_2$ and `$x$` with $$\bar A_j = \mathcal{L} W \operatorname{tr}(K)$$"
    assert symbols(text) == {"gamma", "W", "bar A", "mathcal L", "j", "K"}
