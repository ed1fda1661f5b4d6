"""Previews: what a link leads to, shown beside it.

A Sphinx extension. For each page of the book a script ``_static/previews/PAGE.js`` holds what can be linked to on it:
entries of the notation, statements, numbered equations, figures, claims, sources, the beginnings of sections; under ""
that of the page itself. ``previews/previews.js`` loads that of a link's page when the link is pointed at or focused;
a script rather than data, as a page may be a file. Without scripts a link is a link.
"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).with_suffix("")  # of the script
OUT = "previews"  # in the site's _static
WHOLE = {"proof", "exercise", "citation", "claim", "math"}  # classes of what is shown as it stands
_PLACE = re.compile(r'<(\w+)\b([^>]*?\bid="[^"]+"[^>]*)>((?:\s*<span id="[^"]*"></span>)*)')
_ID = re.compile(r'\bid="([^"]+)"')
_LINK = re.compile(r'<a class="headerlink".*?</a>|</?a\b[^>]*>| (?:id|name)="[^"]*"|<span></span>', re.DOTALL)


def places(body):
    """{id: HTML of what is shown of it} of an article, without ids and links of its own."""
    found = {}
    for place in _PLACE.finditer(body):
        tag, attributes, more = place.groups()
        if shown := _shown(
            body, place, tag, set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="(.*?)"', attributes))))
        ):
            shown = _LINK.sub("", shown).strip()
            found |= dict.fromkeys(_ID.findall(attributes + more), shown)
            if tag == "section":
                found.setdefault("", shown)
    return found


def _shown(body, place, tag, classes):
    if tag == "section":
        beginning = re.compile(r"\s*<h\d>(.*?)</h\d>(?:\s*<details.*?</details>)?.*?(<p>.*?</p>)", re.DOTALL).match(
            body, place.end()
        )
        return beginning and f"<p><strong>{beginning[1]}</strong></p>{beginning[2]}"
    return element(body, place.start(), tag) if tag in {"dl", "figure"} or classes & WHOLE else None


def element(body, start, tag):
    """The HTML of the element `tag` whose opening tag stands at `start`."""
    depth = 0
    for found in re.compile(rf"<(/?){tag}\b[^>]*>").finditer(body, start):
        depth += -1 if found[1] else 1
        if depth == 0:
            return body[start : found.end()]
    raise ValueError(f"<{tag}> is not closed: {body[start : start + 80]}")


def _write(app, page, template, context, doctree):
    """The previews of this page's places, as pages in the same folder show them."""
    if doctree is None or not page.startswith("chapters/"):
        return
    name = page.removeprefix("chapters/")
    folder = Path(app.outdir) / "_static" / OUT
    folder.mkdir(parents=True, exist_ok=True)
    found = json.dumps(places(context["body"]), ensure_ascii=False, indent=0)
    (folder / f"{name}.js").write_text(f"previews.read({json.dumps(name)}, {found});\n", encoding="utf-8")


def setup(app):
    app.add_js_file("previews.js", loading_method="defer")
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(FOLDER)))
    app.connect("html-page-context", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
