"""The explorer: the flow in three variables with a start that the reader moves, integrated in the page.

A Sphinx extension. ``{explorer}`` is the place that ``explorer/explorer.js`` fills; what the directive holds stands
there where scripts are off. The script and its style are loaded only on pages that have the directive.
``tests/book/test_explorer.py`` holds the script's numbers to `src.dynamics.three_variables`.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).with_suffix("")  # of the script and its style
CLASS = "explorer"  # of the element that the script fills


class Explorer(SphinxDirective):
    has_content = True

    def run(self):
        place = nodes.container("", classes=[CLASS])
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


def _load(app, page, template, context, doctree):
    """The script and its style, on this page alone, where it has the directive."""
    if doctree is not None and any(CLASS in node["classes"] for node in doctree.findall(nodes.container)):
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("explorer.css")


def setup(app):
    app.add_directive("explorer", Explorer)
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(FOLDER)))
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
