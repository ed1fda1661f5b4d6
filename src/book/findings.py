"""Findings in prose: numbers that the build takes from the reports, and a link to the cell that decided.

A Sphinx extension. ``{finding}`printed sum: {factor:9} of the gradient <lemma-2.1>` `` becomes the text, linked to the
claim's card; ``{factor:9}`` is the number `factor` of the claim's report to nine digits (without ``:9`` to three, with
``:%`` in per cent). A claim or number that is not there stops the build.
"""

import re

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from src.book import ledger
from src.book.typeset import number

_FORM = re.compile(r"(?P<text>.+?)\s*<(?P<id>[\w.-]+)>", re.DOTALL)


class _Number(float):
    def __format__(self, form):
        return f"{number(100 * self)} %" if form == "%" else number(self, int(form or 3))


def filled(text, reports):
    """(the text with its numbers, the chapter of its claim) of ``text <claim>``; reports: as `ledger.executed`.

    Raises ValueError, naming what there is, for a claim that no chapter reports and a number that it does not have.
    """
    form = _FORM.fullmatch(text)
    if not form:
        raise ValueError(f"a finding must be 'text <claim>', not {text!r}")
    for chapter, entries in reports.items():
        for report in entries:
            if report["id"] == form["id"]:
                numbers = {name: _Number(value) for name, value in report["numbers"].items()}
                try:
                    return form["text"].format_map(numbers), chapter
                except KeyError as error:
                    there = ", ".join(numbers) or "none"
                    raise ValueError(f"{form['id']} has no number {error.args[0]!r}: there is {there}") from None
    raise ValueError(f"no chapter reports {form['id']!r}")


class Finding(SphinxRole):
    def run(self):
        self.env.note_reread()  # the page follows the notebooks
        reports = self.env.temp_data.get("reports") or ledger.executed(f"{self.env.srcdir}/chapters")
        self.env.temp_data["reports"] = reports
        try:
            text, chapter = filled(self.text, reports)
        except ValueError as error:
            return [], [self.inliner.reporter.error(f"finding: {error}", line=self.lineno)]
        id = _FORM.fullmatch(self.text)["id"]
        return [nodes.reference("", text, refuri=f"{chapter}.html#claim-{id}", classes=["finding"])], []


def setup(app):
    app.add_role("finding", Finding())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
