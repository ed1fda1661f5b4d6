"""Figures on the page: numbered by chapter, with their panels below each other on a phone, and on other pages.

A Sphinx extension. The narrow drawing of a figure lies in the same output as the wide one (`figures.show`). ``{picture}
fig-name`` shows that drawing, with the figure's alternative text, on any page; with ``:link: page`` it leads there.
"""

import re
from html import escape
from pathlib import Path, PurePosixPath

import nbformat
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import ensuredir, relative_uri

_logger = logging.getLogger(__name__)

PHONE = "(max-width: 576px)"


def numbered_by_chapter(env):
    """Give the k-th figure of chapter 4 the number 4.k, in place of its number in the book; exercises likewise.

    Not so statements: the paper has a Theorem 3.1 of its own.
    """
    for page, kinds in env.toc_fignumbers.items():
        if found := re.match(r"(\d\d)_", PurePosixPath(page).name):
            for names in (kinds.get("figure", {}), kinds.get("exercise", {})):
                names.update({name: (int(found[1]), place) for place, name in enumerate(names, 1)})
    return []


def narrow(notebook):
    """{figure's name: its narrow drawing} of a stored notebook."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return {
        o.metadata.scrapbook.name: "\n".join(o.metadata.narrow) for o in outputs if "narrow" in o.get("metadata", {})
    }


def _stack_on_phones(app, doctree, page):
    source = Path(app.env.doc2path(page))
    if app.builder.format != "html" or source.suffix != ".ipynb":
        return
    drawings = narrow(nbformat.read(source, as_version=4))
    folder = Path(app.outdir) / app.builder.imagedir
    for figure in doctree.findall(nodes.figure):
        for image in list(figure.findall(nodes.image)):
            for name in drawings.keys() & set(figure["ids"]):
                file = f"{name}-narrow.svg"
                ensuredir(folder)
                (folder / file).write_text(drawings[name], encoding="utf-8")
                uri = relative_uri(app.builder.get_target_uri(page), f"{app.builder.imagedir}/{file}")
                begin = nodes.raw("", f'<picture><source media="{PHONE}" srcset="{uri}">', format="html")
                place = image.parent.index(image)
                image.parent[place : place + 1] = [begin, image, nodes.raw("", "</picture>", format="html")]


class _Picture(nodes.General, nodes.Element):
    """The place of the narrow drawing of the figure ``name``, linked to the page ``link`` or to none ("")."""


class Picture(SphinxDirective):
    required_arguments = 1
    option_spec = {"link": str.strip}  # noqa: RUF012 (read as an attribute of the class)

    def run(self):
        picture = _Picture(name=self.arguments[0], link=self.options.get("link", ""))
        self.set_source_info(picture)
        return [picture]


class _Pictures(SphinxPostTransform):
    default_priority = 5

    def run(self):
        for picture in list(self.document.findall(_Picture)):
            page, id, _ = self.env.get_domain("std").labels.get(picture["name"], (None, None, None))
            figures = self.env.get_doctree(page).findall(nodes.figure) if page else []
            texts = [image["alt"] for one in figures if id in one["ids"] for image in one.findall(nodes.image)]
            if not texts:
                _logger.warning("picture: there is no figure %r", picture["name"], location=picture)
            picture.replace_self([nodes.raw("", self._html(picture, text), format="html") for text in texts[:1]])

    def _html(self, picture, text):
        here = self.app.builder.get_target_uri(self.env.docname)
        file = relative_uri(here, f"{self.app.builder.imagedir}/{picture['name']}-narrow.svg")
        image = f'<img class="picture" src="{file}" alt="{escape(text)}">'
        return f'<a href="{picture["link"]}">{image}</a>' if picture["link"] else image


def setup(app):
    app.add_directive("picture", Picture)
    app.add_node(_Picture)
    app.add_post_transform(_Pictures)
    app.connect("env-get-updated", lambda app, env: numbered_by_chapter(env), priority=900)  # after Sphinx's own
    app.connect("doctree-resolved", _stack_on_phones)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
