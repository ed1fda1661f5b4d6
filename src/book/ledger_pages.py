"""The pages of the ledger: the table of all claims, their picture, their counts, and what does not simply hold.

A Sphinx extension. ``{ledger}``, ``{ledger-picture}``, ``{ledger-summary}`` and ``{deviations}`` show the rows of
`src.book.ledger`, each of one part, by default of the paper (``{ledger} companions`` is another). A row has the id
``row-CLAIM``; the rows with one verdict are listed at ``PART-VERDICT``, and ``ledger_pages/ledger.js`` then shows them
alone.
"""

from collections import Counter
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from src import verdicts
from src.book import claims, ledger

FOLDER = Path(__file__).with_suffix("")  # of the script
WEIGHT = [verdicts.FAILS, verdicts.CORRECTED, verdicts.UNDECIDED, verdicts.OPEN, verdicts.ILLUSTRATED]
LETTER = {verdict: verdict[0].upper() for verdict in verdicts.MEANING} | {verdicts.CORRECTED: "C"}


def short(part):
    """The part's name in anchors and classes."""
    return part.removeprefix("the ").replace(" ", "-")


def place_of(part, verdict):
    """The anchor on the ledger's page of a part's rows with a verdict."""
    return f"{short(part)}-{claims.css_class(verdict).removeprefix('claim-')}"


def _paragraph(*children, classes=()):
    children = [nodes.Text(child) if isinstance(child, str) else child for child in children]
    return nodes.paragraph("", "", *children, classes=list(classes))


class _Directive(SphinxDirective):
    optional_arguments = 1
    final_argument_whitespace = True

    @property
    def part(self):
        part = self.arguments[0] if self.arguments else claims.PARTS[0]
        if part not in claims.PARTS:
            raise self.error(f"the part must be one of {', '.join(claims.PARTS)}, not {part!r}")
        return part

    def rows(self):
        self.env.note_reread()  # the page follows the notebooks, which Sphinx does not know it depends on
        source = self.env.srcdir
        found = ledger.rows(*ledger.read(source), ledger.tried_seeds(source))
        return [row for row in found if row["part"] == self.part]

    def text(self, markdown, classes=()):
        """A paragraph of inline Markdown (claims.yml is ours, so that it may hold math)."""
        return _paragraph(*self.parse_inline(markdown)[0], classes=classes)

    @staticmethod
    def verdict(row, uri=None):
        """The verdict, linked to the cell that reports it."""
        classes = ["claim-verdict", claims.css_class(row["verdict"])]
        if uri is None and row["link"]:
            uri = row["link"].removeprefix("chapters/")  # all pages stand in chapters/
        if uri is None:
            return nodes.inline("", row["verdict"], classes=classes)
        return nodes.reference("", row["verdict"], refuri=uri, classes=classes)

    @staticmethod
    def table(header, body, widths, classes):
        """A docutils table; ``body`` holds (classes of a row, its cells), each cell a list of block nodes."""
        group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in widths), cols=len(widths))
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", title)) for title in header))
        rows = [nodes.row("", *(nodes.entry("", *cell) for cell in cells), classes=names) for names, cells in body]
        group += nodes.thead("", head)
        group += nodes.tbody("", *rows)
        return nodes.table("", group, classes=[*classes, "colwidths-given"])


class Ledger(_Directive):
    def run(self):
        body = []
        for row in self.rows():
            number = nodes.inline("", f"{row['row']} ", classes=["row-number"])
            link = nodes.reference("", "#", refuri=f"#row-{row['id']}", classes=["headerlink"])
            place = nodes.paragraph("", "", number, nodes.strong("", row["place"]), link, ids=[f"row-{row['id']}"])
            ours = [nodes.paragraph("", row["ours"])] if row["ours"] else []
            if row["spread"]:
                ours.append(_paragraph(row["spread"], classes=["claim-spread"]))
            if row["note"]:
                ours.append(_paragraph(row["note"], classes=["claim-note"]))
            if len(row["seeds"]) > 1:
                counts = ", ".join(f"{verdict} {times}" for verdict, times in row["seeds"].items())
                ours.append(_paragraph(f"Depends on the seed at smoke scale: {counts} times.", classes=["claim-seeds"]))
            verdict = [_paragraph(self.verdict(row))]
            if row["evidence"]:
                verdict.append(_paragraph(row["evidence"], classes=["claim-evidence"]))
            chapter = nodes.reference("", f"chapter {int(row['chapter'][:2])}", refuri=f"{row['chapter']}.html")
            verdict.append(_paragraph(chapter, classes=["claim-chapter"]))
            classes = [
                f"part-{short(self.part)}",
                claims.css_class(row["verdict"]),
                f"evidence-{row['evidence'] or 'none'}",
            ]
            cells = [place, self.text(row["statement"])], [self.text(row["paper"])], ours, verdict
            body.append((classes, cells))
        return [self.table(["Claim", "Paper", "Ours", "Verdict"], body, [32, 25, 29, 14], ["ledger"])]


class Picture(_Directive):
    """A square for every claim, chapter by chapter; and the claims of each verdict."""

    def run(self):
        rows, lines = self.rows(), nodes.bullet_list(classes=["verdict-picture"])
        for chapter, group in groupby(sorted(rows, key=lambda row: row["chapter"]), lambda row: row["chapter"]):
            squares = [" "]
            for row in group:
                classes = ["verdict-square", claims.css_class(row["verdict"])]
                square = nodes.reference("", LETTER[row["verdict"]], refuri=f"#row-{row['id']}", classes=classes)
                square["reftitle"] = f"{row['place']}: {row['verdict']}"
                squares += [square, nodes.Text(" ")]
            label = nodes.reference("", f"Chapter {int(chapter[:2])}", refuri=f"{chapter}.html")
            lines += nodes.list_item("", _paragraph(label, *squares))
        index = nodes.bullet_list(classes=["verdict-index"])
        for verdict in verdicts.MEANING:
            found = [row for row in rows if row["verdict"] == verdict]
            if found:
                anchor = place_of(self.part, verdict)
                name = self.verdict({"verdict": verdict, "link": None}, f"#{anchor}")
                links = [nodes.reference("", row["place"], refuri=f"#row-{row['id']}") for row in found]
                joined = [child for link in links for child in (nodes.Text(", "), link)][1:]
                entry = _paragraph(nodes.inline("", LETTER[verdict], classes=["verdict-letter"]), " ", name)
                entry += [nodes.Text(f" ({len(found)}): "), *joined]
                index += nodes.list_item("", entry, ids=[anchor])
        return [lines, index]


class Summary(_Directive):
    def run(self):
        times = Counter(row["verdict"] for row in self.rows())
        body = []
        for verdict, meaning in verdicts.MEANING.items():
            badge = self.verdict({"verdict": verdict, "link": None})
            uri = f"ledger.html#{place_of(self.part, verdict)}"
            count = nodes.reference("", str(times[verdict]), refuri=uri) if times[verdict] else nodes.Text("0")
            body.append(([], [[_paragraph(badge)], [nodes.paragraph("", meaning)], [_paragraph(count)]]))
        return [self.table(["Verdict", "It means", "Claims"], body, [25, 63, 12], ["ledger-summary"])]


class Deviations(_Directive):
    """A section for each verdict but "holds", the weightiest first."""

    def run(self):
        table, result = self.rows(), []
        for verdict in WEIGHT:
            entries = [row for row in table if row["verdict"] == verdict]
            if not entries:
                continue
            title = f"{verdict[0].upper()}{verdict[1:]}: {len(entries)} of {len(table)}"
            section = nodes.section("", nodes.title("", title), ids=[place_of(self.part, verdict)])
            section += nodes.paragraph("", f"{verdicts.MEANING[verdict][0].upper()}{verdicts.MEANING[verdict][1:]}.")
            items = nodes.definition_list(classes=["deviations"])
            for row in entries:
                place = nodes.reference("", row["place"], refuri=f"ledger.html#row-{row['id']}")
                term = nodes.term("", "", place, nodes.Text("  "), self.verdict(row), ids=[f"deviation-{row['id']}"])
                found = _paragraph(nodes.strong("", "Found: "), f"{row['ours']} ({row['spread']}).")
                said = self.text(f"**The paper:** {row['paper']}")
                parts = [self.text(row["statement"]), said, found]
                if row["note"]:
                    parts.append(_paragraph(nodes.strong("", "Why: "), row["note"]))
                items += nodes.definition_list_item("", term, nodes.definition("", *parts))
            section += items
            result.append(section)
        return result or [nodes.paragraph("", "No executed chapter reports a deviation yet.")]


def _load(app, page, template, context, doctree):
    """The script, on pages with a ledger alone."""
    if doctree is not None and any("ledger" in table["classes"] for table in doctree.findall(nodes.table)):
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app):
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-picture", Picture)
    app.add_directive("ledger-summary", Summary)
    app.add_directive("deviations", Deviations)
    app.connect("config-inited", lambda _, config: config.html_static_path.append(str(FOLDER)))
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
