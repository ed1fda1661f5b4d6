"""Claims of the paper and what a chapter found: the report that a cell displays and the ledger reads back.

The ledger's left side is ``chapters/claims.yml``. A chapter calls :func:`report` once for each of its claims; the
report is the cell's output (a card for the reader, and the same as data in the output's metadata), so the
executed notebooks are the only store there is.
"""

import html
import re
from functools import cache
from pathlib import Path

import yaml
from IPython.display import display

from src import verdicts

_REPORTED = tuple(verdict for verdict in verdicts.MEANING if verdict != verdicts.OPEN)
_CLAIMS = Path(__file__).resolve().parents[2] / "chapters" / "claims.yml"
_PLUS_MINUS = re.compile(r"(?:±|\+/-)\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)")


def read(path=_CLAIMS):
    """The claims of ``claims.yml`` by id: dicts with id, row, place, statement, paper, chapter.

    Raises ValueError for an entry that lacks one of these and for an id that occurs twice.
    """
    claims = {}
    for entry in yaml.safe_load(Path(path).read_text(encoding="utf-8")):
        if set(entry) != {"id", "row", "place", "statement", "paper", "chapter"}:
            raise ValueError(f"{path}: an entry must have id, row, place, statement, paper, chapter; got {entry}")
        if entry["id"] in claims:
            raise ValueError(f"{path}: the id {entry['id']!r} occurs twice")
        claims[entry["id"]] = entry
    return claims


def report(id, *, verdict, measured, spread, note=""):
    """Display what this chapter found about the claim ``id``.

    ``verdict`` is one of the constants of `src.verdicts`, computed from the run; ``measured`` and ``spread`` are short
    texts formatted from the run (``spread="exact"`` where nothing was sampled); ``note`` is one sentence: the
    reason, the correction or the choice made.

    Raises ValueError for an id that ``claims.yml`` lacks, another verdict, an empty text or a spread of ±0.
    """
    claims = _claims()
    if id not in claims:
        raise ValueError(f"unknown claim id {id!r}; chapters/claims.yml has: {', '.join(claims)}")
    if verdict not in _REPORTED:
        raise ValueError(f"verdict must be one of {', '.join(_REPORTED)}; got {verdict!r}")
    for name, text in {"measured": measured, "spread": spread}.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} must be a short text; got {text!r}")
    if not isinstance(note, str):
        raise ValueError(f"note must be a text; got {note!r}")
    if any(float(number) == 0 for number in _PLUS_MINUS.findall(spread)):
        raise ValueError(f"spread {spread!r}: say 'exact' where nothing varies, or print enough digits")
    entry = {"id": id, "verdict": verdict, "measured": measured, "spread": spread, "note": note}
    place = claims[id]["place"]
    display({"text/html": _card(place, entry), "text/plain": _plain(place, entry)}, metadata={"claim": entry}, raw=True)


def reports(notebook):
    """The reports stored in an executed notebook (an nbformat node or its JSON), in order."""
    return [
        dict(output["metadata"]["claim"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "claim" in output.get("metadata", {})
    ]


def css_class(verdict):
    """The class that colours a verdict in ``book.css``."""
    return "claim-" + re.sub(r"\W+", "-", verdict)


@cache
def _claims():
    return read()


def _card(place, entry):
    text = {key: html.escape(value) for key, value in entry.items()}
    note = f'<div class="claim-note">{text["note"]}</div>' if entry["note"] else ""
    return (
        f'<div class="claim {css_class(entry["verdict"])}" id="claim-{text["id"]}">'
        f'<div class="claim-head"><span class="claim-place">{html.escape(place)}</span> '
        f'<span class="claim-verdict">{text["verdict"]}</span></div>'
        f'<div class="claim-body">{text["measured"]} ({text["spread"]})</div>{note}</div>'
    )


def _plain(place, entry):
    lines = [f"{place}: {entry['verdict']}", f"  measured: {entry['measured']} ({entry['spread']})"]
    return "\n".join(lines + ([f"  note: {entry['note']}"] if entry["note"] else []))
