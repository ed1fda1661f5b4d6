"""Formulas in lines of text: they may be broken where TeX breaks them, and keep what is attached to them.

A Sphinx extension. MathJax sets a formula as one block that is wider than a phone when it is long, and before and
behind a block a browser may break the line, even before a full stop. So a long formula is cut into several after the
relations at its top level (and, where a part is still long, after its plus and minus signs and commas), and what
follows or precedes a formula without a space is kept on its line.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

LONG = 22  # glyphs, about half of a phone's line
JOINER = "\u2060"  # no line is broken here
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|.", re.DOTALL)
_RELATIONS = set("=<>") | set(
    re.findall(
        r"\\[A-Za-z]+",
        r"\le\leq\ge\geq\lt\gt\ne\neq\approx\equiv\sim\simeq\propto\in\notin\subset\subseteq\to\mapsto\ll\gg"
        r"\Rightarrow\Leftrightarrow\iff\implies\leftarrow\rightarrow\longrightarrow\lesssim\gtrsim\coloneqq",
    )
)
_BINARY = {"+", "-", r"\pm", r"\mp", r"\cdot", r"\times"}
_OPEN, _CLOSE = set("{([") | {r"\left", r"\begin", r"\{"}, set("})]") | {r"\right", r"\end", r"\}"}
_NO_GLYPH = set("{}^_ &") | {
    r"\left",
    r"\right",
    r"\,",
    r"\;",
    r"\!",
    r"\mathrm",
    r"\mathbb",
    r"\bar",
    r"\tilde",
    r"\hat",
}
_WHOLE = re.compile(r"\\(?:\\|tag|displaystyle|textstyle|over\b|limits|color|middle)|&|\n\s*\n")  # reach over a cut
_BEHIND, _BEFORE = re.compile(r"[^\s—–]{1,15}"), re.compile(r"[^\s—–]{1,15}$")


def pieces(tex):
    """The formulas into which `tex` may be broken, in order; [tex] where it is short or cannot be."""
    if _glyphs(tex) <= LONG or _WHOLE.search(tex):
        return [tex]
    parts = _cut(tex, _after_relation)
    return [piece for part in parts for piece in (_cut(part, _after_sign) if _glyphs(part) > LONG else [part])]


def _glyphs(tex):
    return sum(token not in _NO_GLYPH for token in _TOKEN.findall(tex))


def _after_relation(before, token, rest):
    return bool(before) and token in _RELATIONS and not (rest[:1] and rest[0] in _RELATIONS)


def _after_sign(before, token, rest):
    if token == ",":
        return bool(rest) and rest[0] in (" ", r"\ ", r"\,", r"\;", r"\quad")
    last = next((t for t in reversed(before) if t != " "), "")
    return token in _BINARY and last not in _RELATIONS | _BINARY | _OPEN | {"", ",", "^", "_", "{}"}


def _cut(tex, cuts):
    """`tex` cut behind each token at its top level for which cuts(tokens before, token, tokens behind)."""
    tokens, found, start, depth = _TOKEN.findall(tex), [], 0, 0
    for k, token in enumerate(tokens):
        depth += (token in _OPEN) - (token in _CLOSE)
        if depth == 0 and cuts(tokens[start:k], token, tokens[k + 1 :]) and "".join(tokens[k + 1 :]).strip():
            found.append("".join(tokens[start : k + 1]).strip() + ("" if token == "," else "{}"))
            start = k + 1
    return [*found, "".join(tokens[start:]).strip()]


class _Breaks(SphinxPostTransform):
    """Long formulas in text become several."""

    default_priority = 300  # references are resolved
    formats = ("html",)

    def run(self):
        for formula in list(self.document.findall(nodes.math)):
            parts = pieces(formula.astext())
            if len(parts) > 1:
                formula.replace_self([nodes.math(part, part, **formula.non_default_attributes()) for part in parts])


class _Attached(SphinxPostTransform):
    """What stands before or behind a formula without a space stays on its line."""

    default_priority = 301
    formats = ("html",)

    def run(self):
        for formula in list(self.document.findall(nodes.math)):
            whole = formula  # with the link or the emphasis that ends with it
            while whole.next_node(descend=False, siblings=True) is None and _is_inline(whole.parent):
                whole = whole.parent
            self._keep(whole, whole.astext() == formula.astext())

    def _keep(self, whole, alone):
        """Keep `whole` with its neighbours: in one piece if it is a formula alone, else by a joiner behind it."""
        parent = whole.parent
        at = parent.index(whole)
        behind = _text(parent, at + 1, _BEHIND.match)
        before = _text(parent, at - 1, _BEFORE.search) if alone else ""
        if not (behind or before):
            return
        if not alone:
            parent[at + 1] = nodes.Text(JOINER + parent[at + 1])
            return
        kept = nodes.inline("", "", classes=["kept"])
        if behind:
            parent[at + 1] = nodes.Text(parent[at + 1][len(behind) :])
        if before:
            parent[at - 1] = nodes.Text(parent[at - 1][: -len(before)])
        parent[at] = kept
        kept += [nodes.Text(before), whole, nodes.Text(behind)]


def _is_inline(node):
    return isinstance(node, nodes.reference | nodes.inline | nodes.emphasis | nodes.strong)


def _text(parent, at, find):
    """What `find` finds in the text that is child `at` of `parent`; "" where there is none."""
    found = find(parent[at]) if 0 <= at < len(parent) and isinstance(parent[at], nodes.Text) else None
    return found.group() if found else ""


def setup(app):
    app.add_post_transform(_Breaks)
    app.add_post_transform(_Attached)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
