"""The ledger: every claim of the paper beside what the executed chapters report, as pages and as JSON.

A Sphinx extension. ``{ledger}`` is the table of all claims, ``{ledger-summary}`` counts the verdicts, and
``{deviations}`` lists every claim that does not simply hold; each of them of one part, by default of the paper
(``{ledger} companions`` is another). All three read ``claims.yml`` and the notebooks beside
it, in the source tree that is being built; the built site also gets ``ledger.json``.
"""

import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from src import verdicts
from src.book import claims

_logger = logging.getLogger(__name__)


def executed(chapters):
    """The reports of every notebook in the folder ``chapters``: {chapter name: list of reports}.

    Where a table of contents lies beside the folder, only of those that it names: copies and outputs may lie there too.
    Raises ValueError as `claims.stored`.
    """
    contents = Path(chapters).parent / "_toc.yml"
    named = re.findall(r"\b\d\d_\w+", contents.read_text(encoding="utf-8")) if contents.exists() else None
    paths = sorted(Path(chapters).glob("[0-9][0-9]_*.ipynb"))
    return {path.stem: claims.stored(path) for path in paths if named is None or path.stem in named}


def problems(known, reported):
    """What is wrong between the claims ``known`` (claims.read) and the reports (executed), as sentences."""
    found = []
    for chapter, entries in reported.items():
        times = Counter(entry["id"] for entry in entries)
        found += [f"{chapter} reports {id!r} {n} times" for id, n in times.items() if n > 1]
        for id in times:
            if id not in known:
                found.append(f"{chapter} reports {id!r}, which claims.yml does not have: it has {', '.join(known)}")
            elif known[id]["chapter"] != chapter:
                found.append(f"{chapter} reports {id!r}, which belongs to {known[id]['chapter']}")
        found += [
            f"{chapter} does not report {id!r}"
            for id, claim in known.items()
            if claim["chapter"] == chapter and id not in times
        ]
    return found


def homeless(known, reported):
    """The claims of chapters that are not among the reports, as sentences."""
    return [
        f"claims.yml gives {id!r} to {claim['chapter']}, which has no notebook: there are {', '.join(reported)}"
        for id, claim in known.items()
        if claim["chapter"] not in reported
    ]


def rows(known, reported, seeds):
    """The ledger's entries in order: dicts with id, part, row, place, statement, paper, ours, spread, verdict,
    evidence, numbers, note, seeds (how often each verdict came out at smoke scale, see `tried_seeds`), chapter, and
    link (relative to the site's root; None where no chapter reports)."""
    table = []
    for id, claim in known.items():
        chapter = claim["chapter"]
        report = next((r for r in reported.get(chapter, []) if r["id"] == id), None)
        table.append(
            {key: claim[key] for key in ("id", "part", "row", "place", "statement", "paper")}
            | {
                "ours": report["measured"] if report else "",
                "spread": report["spread"] if report else "",
                "verdict": report["verdict"] if report else verdicts.OPEN,
                "evidence": report["evidence"] if report else "",
                "numbers": report["numbers"] if report else {},
                "note": report["note"] if report else "",
                "seeds": seeds.get(id, {}),
                "chapter": chapter,
                "link": f"chapters/{chapter}.html#claim-{id}" if report else None,
            }
        )
    return table


def tried_seeds(source):
    """{claim: {verdict: times}} of the chapters at smoke scale with several seeds; {} where that was not recorded."""
    path = Path(source) / "data" / "recorded" / "seeds.json"
    found = json.loads(path.read_text(encoding="utf-8"))["chapters"] if path.exists() else {}
    return {id: times for chapter in found.values() for id, times in chapter["claims"].items()}


def _read(source):
    chapters = Path(source) / "chapters"
    return claims.read(chapters / "claims.yml"), executed(chapters)


class _LedgerDirective(SphinxDirective):
    optional_arguments = 1
    final_argument_whitespace = True

    def rows(self):
        self.env.note_reread()  # the page follows the notebooks, which Sphinx does not know it depends on
        part = self.arguments[0] if self.arguments else claims.PARTS[0]
        if part not in claims.PARTS:
            raise self.error(f"the part must be one of {', '.join(claims.PARTS)}, not {part!r}")
        source = self.env.srcdir
        return [row for row in rows(*_read(source), tried_seeds(source)) if row["part"] == part]

    def text(self, markdown):
        """A paragraph of inline Markdown (claims.yml is ours, so that it may hold math)."""
        children, _ = self.parse_inline(markdown)
        return nodes.paragraph("", "", *children)

    def verdict(self, row):
        """The verdict, linked to the cell that reports it."""
        classes = ["claim-verdict", claims.css_class(row["verdict"])]
        if row["link"] is None:
            return nodes.inline("", row["verdict"], classes=classes)
        uri = row["link"].removeprefix("chapters/")  # all pages stand in chapters/
        return nodes.reference("", row["verdict"], refuri=uri, classes=classes)

    @staticmethod
    def table(header, body, widths, classes):
        """A docutils table; ``body`` holds lists of cells, each a list of block nodes."""
        group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in widths), cols=len(widths))
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", title)) for title in header))
        group += nodes.thead("", head)
        group += nodes.tbody("", *(nodes.row("", *(nodes.entry("", *cell) for cell in cells)) for cells in body))
        return nodes.table("", group, classes=[*classes, "colwidths-given"])


class Ledger(_LedgerDirective):
    def run(self):
        body = []
        for row in self.rows():
            ours = [nodes.paragraph("", row["ours"])] if row["ours"] else []
            if row["spread"]:
                ours.append(nodes.paragraph("", row["spread"], classes=["claim-spread"]))
            if len(row["seeds"]) > 1:
                counts = ", ".join(f"{verdict} {times}" for verdict, times in row["seeds"].items())
                other = f"Depends on the seed at smoke scale: {counts} times."
                ours.append(nodes.paragraph("", other, classes=["claim-seeds"]))
            place = nodes.paragraph("", "", nodes.strong("", row["place"]), ids=[f"row-{row['id']}"])
            verdict = [nodes.paragraph("", "", self.verdict(row))]
            if row["evidence"]:
                verdict.append(nodes.paragraph("", row["evidence"], classes=["claim-evidence"]))
            claim = [place, self.text(row["statement"])]
            body.append([[nodes.paragraph("", str(row["row"]))], claim, [self.text(row["paper"])], ours, verdict])
        return [self.table(["", "Claim", "Paper", "Ours", "Verdict"], body, [4, 31, 25, 28, 12], ["ledger"])]


class Summary(_LedgerDirective):
    def run(self):
        times = Counter(row["verdict"] for row in self.rows())
        body = []
        for verdict, meaning in verdicts.MEANING.items():
            badge = self.verdict({"verdict": verdict, "link": None})
            cells = [nodes.paragraph("", "", badge)], [nodes.paragraph("", meaning)]
            body.append([*cells, [nodes.paragraph("", str(times[verdict]))]])
        return [self.table(["Verdict", "It means", "Claims"], body, [25, 63, 12], ["ledger-summary"])]


class Deviations(_LedgerDirective):
    def run(self):
        result = []
        table = self.rows()
        for verdict in (v for v in verdicts.MEANING if v != verdicts.HOLDS):
            entries = [row for row in table if row["verdict"] == verdict]
            if not entries:
                continue
            result.append(nodes.rubric("", verdict[0].upper() + verdict[1:]))
            items = nodes.definition_list(classes=["deviations"])
            for row in entries:
                term = nodes.term("", "", nodes.Text(row["place"] + "  "), self.verdict(row))
                found = nodes.paragraph("", f"Ours: {row['ours']} ({row['spread']}). {row['note']}")
                items += nodes.definition_list_item("", term, nodes.definition("", self.text(row["statement"]), found))
            result.append(items)
        return result or [nodes.paragraph("", "No executed chapter reports a deviation yet.")]


def _number_chapters(app, doctree):
    """Put a chapter's number before its title: the chapters call each other by number, also while some are missing."""
    name = Path(app.env.docname).name
    if name[:2].isdigit():
        title = next(doctree.findall(nodes.title))
        title.insert(0, nodes.Text(f"{int(name[:2])}. "))


def _warn(app):
    try:
        both = _read(app.srcdir)
    except ValueError as error:
        raise ExtensionError(f"ledger: {error}") from None
    for problem in problems(*both) + homeless(*both):
        _logger.warning("ledger: %s", problem)


def _write_json(app, exception):
    if exception is None and app.builder.format == "html":
        text = json.dumps(rows(*_read(app.srcdir), tried_seeds(app.srcdir)), ensure_ascii=False, indent=1)
        (Path(app.outdir) / "ledger.json").write_text(text + "\n", encoding="utf-8")


def setup(app):
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-summary", Summary)
    app.add_directive("deviations", Deviations)
    app.connect("doctree-read", _number_chapters, priority=400)  # before Sphinx collects the titles
    app.connect("builder-inited", _warn)
    app.connect("build-finished", _write_json)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
