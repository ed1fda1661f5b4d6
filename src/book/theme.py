"""What the site's theme leaves to mend: icons, names of folds, anchors, paper.

A Sphinx extension with templates and a script of its own in ``theme/``; its style is ``chapters/_static/theme.css``.

- The theme loads 2 MB of icons. The site shows some twenty: a font of those alone is written into its style.
- A fold is an HTML ``details`` that bears the name of what it hides, with or without scripts.
- A numbered statement has one id, and a link to itself.
- Boxes that are wider than the page scroll, can be reached by keyboard, and say so (``theme/theme.js``).
"""

import base64
import html
import io
import logging
import re
import shutil
from pathlib import Path

import pydata_sphinx_theme
from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node
from sphinx_proof.nodes import unenumerable_node

FOLDER = Path(__file__).with_suffix("")  # of the templates and the script
STAYS_FOLDED = {"Set-up", "How this figure is drawn", "How this table is made"}  # on paper
SHARED = {"proof-content", "exercise-content", "solution-content", "proof"}  # ids that every statement would have
ICONS = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/vendor/fontawesome/6.5.2"

FIRST = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="refresh" content="0; url={page}"></head>
<body><p><a href="{page}">{title}</a></p></body></html>
"""  # the site's index.html


class _Fold(nodes.General, nodes.Element):
    """Its first child is a `_Summary`."""


class _Summary(nodes.General, nodes.TextElement):
    """The name of a fold."""


class _Statements(SphinxPostTransform):
    """A statement has one id and a link to it; solutions are folds."""

    default_priority = 290  # titles of solutions are resolved
    formats = ("html",)

    def run(self):
        for node in self.document.findall(lambda node: isinstance(node, nodes.section | nodes.admonition)):
            node["ids"] = [id for id in node["ids"] if id not in SHARED]
        for node in list(self.document.findall(unenumerable_node)):
            name = nodes.inline("", f"{node['realtype'].title()} ", classes=["caption-number"])
            node[0]["ids"] = []
            node[0].insert(0, name)
            node.replace_self(nodes.admonition("", *node.children, classes=node["classes"], ids=node["ids"]))
        for node in list(self.document.findall(solution_node)):
            name = _Summary("", "", *(part for child in node[0] for part in _unlinked(child)))
            node.replace_self(_Fold("", name, *node[1:], classes=node["classes"], ids=node["ids"]))
        for title in list(self.document.findall(nodes.title)):
            ids = title.parent["ids"]
            if ids and {"proof", "exercise"} & set(title.parent["classes"]):
                link = f'<a class="headerlink" href="#{ids[0]}" title="Link to this statement">#</a>'
                title += nodes.raw("", link, format="html")


def _unlinked(node):
    """What stands in a link, without it: within a name that opens a fold it could not be told from the name."""
    return node.children if isinstance(node, nodes.reference) else [node]


def _open(translator, node, tag, classes):
    translator.body.append(translator.starttag(node, tag, CLASS=classes))


def _visit_code(translator, node):
    name = node["prompt_show"]
    folded = "" if name in STAYS_FOLDED else " unfolds"
    translator.body.append(f'<details class="admonition hide {" ".join(node["classes"])}{folded}">')
    translator.body.append(f'<summary><span class="admonition-title">{html.escape(name)}</span></summary>\n')


def _close(tag):
    return lambda translator, node: translator.body.append(f"</{tag}>\n")


def _context(app, page, template, context, doctree):
    """Without scripts a page is light; a reader's own wish is followed in ``layout.html``."""
    context["default_mode"] = "light"
    if "body" in context:  # a list has items, and an empty corner of a table heads nothing
        context["body"] = context["body"].replace(' role="doc-biblioentry"', ' role="listitem"')
        context["body"] = context["body"].replace('<th class="head"><p></p></th>', "<td></td>")
    if doctree is not None and (words := description(doctree)):
        context["metatags"] += f'\n<meta name="description" content="{html.escape(words)}" />'


def description(doctree):
    """What a page is about, for search engines: its first paragraph, in a chapter its question, cut at a word."""
    paragraphs = (" ".join(p.astext().split()) for p in doctree.findall(nodes.paragraph))
    words = next((text for text in paragraphs if len(text) > 40), "").removeprefix("The question. ")
    return words if len(words) <= 200 else words[:200].rsplit(" ", 1)[0] + " …"


def icons(site):
    """The style of the icons that the site in the folder `site` shows, the font of these icons in it."""
    names, shown, points = _names(), set(), set()
    for path in [*site.glob("chapters/*.html"), *site.glob("*.html"), *site.glob("_static/scripts/*.js")]:
        shown |= names.keys() & set(re.findall(r"fa-([a-z0-9-]+)", path.read_text("utf-8")))
    for path in [*site.glob("_static/*.css"), *site.glob("_static/styles/*.css")]:
        text = path.read_text("utf-8")
        points |= {ord(c) for c in re.findall("[\ue000-\uf8ff]", text)}
        points |= {int(c, 16) for c in re.findall(r"\\(f[0-9a-f]{3})", text)}
    font = _font(points | {names[name] for name in shown})
    rules = "".join(f'.fa-{name}::before {{ content: "\\{names[name]:x}"; }}\n' for name in sorted(shown))
    return (FOLDER / "icons.css").read_text("utf-8").replace("FONT", font) + rules


def _names():
    """{name of an icon: its code point}"""
    style = (ICONS / "css" / "all.min.css").read_text("utf-8")
    found = re.findall(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"(?:\\([0-9a-f]+)|([^"\\]))"\}', style)
    return {
        name: int(c, 16) if c else ord(k) for group, c, k in found for name in re.findall(r"fa-([a-z0-9-]+)", group)
    }


def _font(used):
    """The solid font with the code points `used` alone, as base64."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    font = TTFont(ICONS / "webfonts" / "fa-solid-900.ttf", recalcTimestamp=False)
    maker = subset.Subsetter(subset.Options(layout_features=[], name_IDs=[0, 13, 14], hinting=False))
    maker.populate(unicodes=used)
    maker.subset(font)
    font.flavor, out = "woff", io.BytesIO()
    font.save(out)
    return base64.b64encode(out.getvalue()).decode()


def _write(app, exception):
    """The icons; without the theme's own, and without the parts of MathJax that no page loads."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    first = app.builder.get_target_uri(app.config.root_doc)
    (site / "index.html").write_text(FIRST.format(title=html.escape(app.config.project), page=first), encoding="utf-8")
    (site / "_static" / "icons.css").write_text(icons(site), encoding="utf-8")
    shutil.rmtree(site / "_static" / "vendor", ignore_errors=True)
    mathjax = site / "_static" / "mathjax"
    for path in [*mathjax.glob("*.js"), *(mathjax / name for name in ("a11y", "sre", "ui", "adaptors"))]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != Path(app.config.mathjax_path).name:
            path.unlink(missing_ok=True)


def _configure(app, config):
    config.templates_path.insert(0, str(FOLDER))
    config.html_static_path.append(str(FOLDER / "static"))


def setup(app):
    app.add_node(_Fold, html=(lambda t, node: _open(t, node, "details", "admonition unfolds"), _close("details")))
    app.add_node(_Summary, html=(lambda t, node: _open(t, node, "summary", "admonition-title"), _close("summary")))
    app.add_node(HideCodeCellNode, override=True, html=(_visit_code, _close("details")))
    app.add_post_transform(_Statements)
    app.add_js_file("theme.js", loading_method="defer")
    app.connect("config-inited", _configure)
    app.connect("html-page-context", _context, priority=100)
    app.connect("build-finished", _write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
