"""Every reference can be found: a DOI or a link, the paper itself first."""

from conftest import CHAPTERS
from pybtex.database import parse_file


def test_every_reference_has_a_doi_or_a_link():
    entries = parse_file(CHAPTERS / "references.bib").entries
    assert next(iter(entries)) == "li2017convergence"
    for key, entry in entries.items():
        doi, url = entry.fields.get("doi", ""), entry.fields.get("url", "")
        assert doi.startswith("10.") or url.startswith("https://"), key


def test_every_reference_is_cited():
    text = "\n".join(path.read_text() for pattern in ("*.py", "*.md") for path in CHAPTERS.glob(pattern))
    for key in parse_file(CHAPTERS / "references.bib").entries:
        assert key in text, f"{key} is cited nowhere"
