"""The ledger: every claim of the paper beside what the executed chapters report, as rows, as JSON and as CSV.

The rows come from ``claims.yml`` and the notebooks beside it. A Sphinx extension: what is wrong between them is a
warning, the built site gets ``ledger.json`` and ``ledger.csv``, and `src.book.ledger_pages` shows the rows.
"""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging

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


def read(source):
    """(the claims, the reports) of the source tree ``source``."""
    chapters = Path(source) / "chapters"
    return claims.read(chapters / "claims.yml"), executed(chapters)


def _number_chapters(app, doctree):
    """Put a chapter's number before its title: the chapters call each other by number, also while some are missing."""
    name = Path(app.env.docname).name
    if name[:2].isdigit():
        title = next(doctree.findall(nodes.title))
        title.insert(0, nodes.Text(f"{int(name[:2])}. "))


def _warn(app):
    try:
        both = read(app.srcdir)
    except ValueError as error:
        raise ExtensionError(f"ledger: {error}") from None
    for problem in problems(*both) + homeless(*both):
        _logger.warning("ledger: %s", problem)


CSV = (
    "id",
    "part",
    "row",
    "place",
    "chapter",
    "verdict",
    "evidence",
    "statement",
    "paper",
    "ours",
    "spread",
    "note",
    "link",
)


def as_csv(table):
    """The rows as CSV, one line a claim and one for the names of the columns."""
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return file.getvalue()


def _write_data(app, exception):
    if exception is None and app.builder.format == "html":
        table = rows(*read(app.srcdir), tried_seeds(app.srcdir))
        out = Path(app.outdir)
        (out / "ledger.json").write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        (out / "ledger.csv").write_text(as_csv(table), encoding="utf-8")


def setup(app):
    app.connect("doctree-read", _number_chapters, priority=400)  # before Sphinx collects the titles
    app.connect("builder-inited", _warn)
    app.connect("build-finished", _write_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
