"""Figures on the page: numbered by chapter, and with their panels below each other on a phone.

A Sphinx extension. The narrow drawing of a figure lies in the same output as the wide one (`figures.show`).
"""

import re
from pathlib import Path, PurePosixPath

import nbformat
from docutils import nodes
from sphinx.util.osutil import ensuredir, relative_uri

PHONE = "(max-width: 576px)"


def numbered_by_chapter(env):
    """Give the k-th figure of chapter 4 the number 4.k, in place of its number in the book; statements likewise."""
    for page, kinds in env.toc_fignumbers.items():
        if found := re.match(r"(\d\d)_", PurePosixPath(page).name):
            for names in kinds.values():
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


def setup(app):
    app.connect("env-get-updated", lambda app, env: numbered_by_chapter(env), priority=900)  # after Sphinx's own
    app.connect("doctree-resolved", _stack_on_phones)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
