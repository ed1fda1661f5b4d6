"""What ran where: the runs whose outputs the site shows, and how a reader repeats them.

A Sphinx extension. ``{ran}`` is the table of the chapters' runs (``metadata.book.ran`` of the notebooks beside the
page), ``{recordings}`` that of the recordings, and every chapter says below its title how it is run.
"""

import html
import json
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from src.book import downloads
from src.runs import recorded

SEEDS = "seeds.json"  # among the recordings: every chapter at smoke scale with several seeds, see tools/seeds.py


def runs(chapters):
    """{chapter: the entry of its run, {} where it has none} of the notebooks in the folder `chapters`."""
    paths = sorted(Path(chapters).glob("[0-9][0-9]_*.ipynb"))
    return {path.stem: nbformat.read(path, 4).metadata.get("book", {}).get("ran", {}) for path in paths}


def duration(seconds):
    """Seconds as a page says them."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def commands(chapter, parameters):
    """[(scale, command, what its file says)] by which a chapter is run; parameters: the folder of parameter files."""
    number, found = chapter[:2], [("as on this page", f"make run CHAPTER={chapter[:2]}", "")]
    for scale in ("smoke", "paper"):
        file = Path(parameters) / scale / f"{chapter}.yaml"
        if file.exists():
            out = f"{number}-{scale}.ipynb"
            command = (
                f".venv/bin/papermill chapters/{chapter}.ipynb {out} -f chapters/parameters/{scale}/{chapter}.yaml"
            )
            comments = [line[1:].strip() for line in file.read_text().splitlines() if line.startswith("#")]
            found.append((f"at {scale} scale", command, " ".join(comments)))
    return found


def _smoke(source):
    """{chapter: seconds at smoke scale}"""
    path = Path(source) / "data" / "recorded" / SEEDS
    found = json.loads(path.read_text(encoding="utf-8"))["chapters"] if path.exists() else {}
    return {chapter: entry["seconds"] for chapter, entry in found.items() if entry["seconds"]}


class _Table(SphinxDirective):
    def table(self, header, body, widths):
        group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in widths), cols=len(widths))
        group += nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", title)) for title in header)))
        group += nodes.tbody("", *(nodes.row("", *(nodes.entry("", cell) for cell in cells)) for cells in body))
        self.env.note_reread()  # the page follows files that Sphinx does not know it depends on
        return [nodes.table("", group, classes=["ran", "colwidths-given"])]


class Ran(_Table):
    """One row a chapter: when, by which commit, how long, how much memory, on what."""

    def run(self):
        smoke, body = _smoke(self.env.srcdir), []
        for chapter, run in runs(Path(self.env.srcdir) / "chapters").items():
            name = nodes.paragraph("", "", nodes.reference("", chapter[3:].replace("_", " "), refuri=f"{chapter}.html"))
            name += nodes.target("", "", ids=[f"ran-{chapter}"])
            if not run:
                body.append([name, *(nodes.paragraph("", text) for text in ("not noted", "", "", "", ""))])
                continue
            memory = f"{run['memory'] / 1e9:.2f} GB" if run["memory"] else "not known"
            on = run["processor"] if run["device"] == "CPU" else f"{run['device']}, {run['processor']}"
            threads = f"{run['threads']} thread{'s' if run['threads'] != 1 else ''}"
            versions = ", ".join(f"{name} {number}" for name, number in run["packages"].items())
            commit = f"{run['commit'][:7]}{', with local changes' if run['dirty'] else ''}"
            cells = (
                f"{run['date'][:10]}, {commit}",
                duration(run["seconds"]),
                duration(smoke[chapter]) if chapter in smoke else "not known",
                memory,
                f"{on}, {threads}; Python {run['python']}, {versions}",
            )
            body.append([name, *(nodes.paragraph("", text) for text in cells)])
        header = ["Chapter", "Executed", "As shown", "Smoke scale", "Peak memory", "On"]
        return self.table(header, body, [18, 18, 10, 10, 11, 33])


class Recordings(_Table):
    """One row a recording: when, by which commit, how long, on what, and whether its code has changed since."""

    def run(self):
        folder, body = Path(self.env.srcdir) / "data" / "recorded", []
        for path in sorted(folder.glob("*.npz")):
            found = recorded.load(path.stem, folder)
            p = found.provenance
            cells = (
                path.stem,
                f"{p['date'][:10]}, {p['commit'][:7]}",
                duration(p["wall_time"]) + (", the last of several sittings" if p.get("resumed") else ""),
                f"{p['device']}, {p['threads']} thread{'s' if p['threads'] != 1 else ''}",
                "changed since" if found.code_changed else "the same",
            )
            body.append([nodes.paragraph("", text) for text in cells])
        return self.table(["Recording", "Made", "Took", "On", "Its code"], body, [26, 20, 18, 22, 14])


def _say_how_to_run(app, doctree):
    """Below a chapter's title: when its outputs were made, and the commands that make them again."""
    chapter = Path(app.env.docname).name
    file = Path(app.srcdir) / "chapters" / f"{chapter}.ipynb"
    if not (chapter[:2].isdigit() and file.exists()):
        return
    run, smoke = runs(file.parent).get(chapter, {}), _smoke(app.srcdir).get(chapter)
    seconds = {"as on this page": run.get("seconds"), "at smoke scale": smoke}
    rows = []
    for scale, command, about in commands(chapter, file.parent / "parameters"):
        takes = f", about {duration(seconds[scale])}" if seconds.get(scale) else ""
        about = f"<br><span>{html.escape(about)}</span>" if about and scale != "at smoke scale" else ""
        rows.append(f"<dt>{scale}{takes}</dt><dd><code>{html.escape(command)}</code>{about}</dd>")
    made = f" · its outputs are of {run['date'][:10]}" if run else ""
    where = f'<a href="ran.html#ran-{chapter}">What ran where</a>.'
    book = f"../{downloads.FOLDER}"
    files = {f"../_sources/chapters/{chapter}.ipynb": "this notebook", f"{book}/{chapter}.py": "its script"}
    files |= {f"{book}/{downloads.BOOK}": "the whole book"}
    links = ", ".join(f'<a href="{file}" download>{name}</a>' for file, name in files.items())
    text = (
        f'<details class="run-this"><summary>Run this chapter{made}</summary>'
        f"<p>In the book's folder; <code>make run</code> ends with its verdicts beside the book's, and takes other "
        f'parameters: <code>P="name=value"</code>. {where}</p><dl>{"".join(rows)}</dl>'
        f"<p>Download {links}.</p></details>"
    )
    title = next(doctree.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, nodes.raw("", text, format="html"))


def setup(app):
    app.add_directive("ran", Ran)
    app.add_directive("recordings", Recordings)
    app.connect("doctree-read", _say_how_to_run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
