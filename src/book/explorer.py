"""The explorer: the flow in three variables with a start that the reader moves, integrated in the page.

A Sphinx extension. ``{explorer}`` is the place that ``explorer/explorer.js`` fills; what the directive holds stands
there where scripts are off, after the picture of the figure that ``:figure:`` names, which may be another page's. The
script and its style are loaded only on pages that have the directive. ``tests/book/test_explorer.py`` holds the
script's numbers to `src.dynamics.three_variables`.
"""

from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).with_suffix("")  # of the script and its style
CLASS = "explorer"  # of the element that the script fills

_logger = logging.getLogger(__name__)


class _Picture(nodes.General, nodes.Element):
    """The place of the picture of the figure ``name``."""


class Explorer(SphinxDirective):
    has_content = True
    option_spec = {"figure": str.strip}  # noqa: RUF012 (read as an attribute of the class)

    def run(self):
        place = nodes.container("", classes=[CLASS])
        if "figure" in self.options:
            picture = _Picture(name=self.options["figure"])
            self.set_source_info(picture)
            place += picture
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


class _Pictures(SphinxPostTransform):
    """Each `_Picture` becomes the image of its figure, wherever in the book that stands."""

    default_priority = 5

    def run(self):
        for picture in list(self.document.findall(_Picture)):
            page, id, _ = self.env.get_domain("std").labels.get(picture["name"], (None, None, None))
            figures = self.env.get_doctree(page).findall(nodes.figure) if page else []
            images = [image for figure in figures if id in figure["ids"] for image in figure.findall(nodes.image)]
            if not images:
                _logger.warning("explorer: there is no figure %r", picture["name"], location=picture)
            picture.replace_self([image.deepcopy() for image in images[:1]])


def _load(app, page, template, context, doctree):
    """The script and its style, on this page alone, where it has the directive."""
    if doctree is not None and any(CLASS in node["classes"] for node in doctree.findall(nodes.container)):
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("explorer.css")


def setup(app):
    app.add_directive("explorer", Explorer)
    app.add_node(_Picture)
    app.add_post_transform(_Pictures)
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(FOLDER)))
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
