"""Claims of the paper and what a chapter found: the report that a cell displays and the ledger reads back.

The ledger's left side is ``chapters/claims.yml``. A chapter calls :func:`report` once for each of its claims; the
report is the cell's output (a card for the reader, and the same as data in the output's metadata), so the
executed notebooks are the only store there is.
"""

import html
import math
import numbers as numbers_
import re
from functools import cache
from pathlib import Path

import yaml
from IPython.display import display

from src import verdicts

_CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
_KEYS = {"id": str, "row": int, "place": str, "statement": str, "paper": str, "chapter": str}
_TOLERANCE = 0.02  # by which a claim's numbers may differ from run to run, relative, unless claims.yml says otherwise
_PLUS_MINUS = re.compile(r"(?:±|\+/-)\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)")


def read(path=_CHAPTERS / "claims.yml"):
    """The claims of ``claims.yml`` by id: dicts with id, row, place, statement, paper, chapter and tolerance.

    Raises ValueError, naming the file, the entry and what is allowed, for anything else.
    """
    try:
        entries = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
    if not isinstance(entries, list):
        raise ValueError(f"{path} must be a list of claims, not {type(entries).__name__}")
    claims = {}
    for k, entry in enumerate(entries):
        name = f"{path}: entry {k + 1} ({entry.get('id') if isinstance(entry, dict) else entry!r})"
        if not isinstance(entry, dict) or not set(_KEYS) <= set(entry) <= {*_KEYS, "tolerance"}:
            raise ValueError(f"{name} must have {', '.join(_KEYS)}, and may have tolerance; it is {entry!r}")
        for key, kind in _KEYS.items():
            if not isinstance(entry[key], kind) or isinstance(entry[key], bool) or entry[key] in ("", 0):
                raise ValueError(f"{name} must have a {kind.__name__} as its {key}, not {entry[key]!r}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry["id"]):
            raise ValueError(f"{name} must have an id of lower-case letters, digits, dots and hyphens")
        if not re.fullmatch(r"\d\d_[a-z0-9_]+", entry["chapter"]):
            raise ValueError(f"{name} must name a chapter like 01_model, not {entry['chapter']!r}")
        tolerance = entry.get("tolerance", _TOLERANCE)
        if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance <= 1:
            raise ValueError(f"{name} must have a tolerance between 0 and 1, not {tolerance!r}")
        if entry["id"] in claims:
            raise ValueError(f"{name} has an id that occurs twice")
        claims[entry["id"]] = {**entry, "tolerance": float(tolerance)}
    return claims


def report(id, *, verdict, measured, spread, evidence=None, numbers=None, note=""):
    """Display what this chapter found about the claim ``id``.

    ``verdict`` is one of the verdicts of `src.verdicts`, computed from the run, and ``evidence`` says how we know.
    ``measured`` and ``spread`` are short texts formatted from the run (``spread="exact"`` where nothing was sampled);
    ``numbers`` holds what was measured once more, as numbers by name, to be compared from run to run; ``note`` is one
    sentence: the reason, the correction or the choice made.

    Raises ValueError for an id that ``claims.yml`` lacks, another verdict or evidence, an empty text, a spread of ±0,
    and numbers that are none.
    """
    known = _claims()
    for name, value, allowed in (("id", id, known), ("verdict", verdict, verdicts.MEANING)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}")
    if evidence is not None and evidence not in verdicts.EVIDENCE:
        raise ValueError(f"evidence must be one of {', '.join(verdicts.EVIDENCE)}; got {evidence!r}")
    for name, text in {"measured": measured, "spread": spread}.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} must be a short text; got {text!r}")
    if not isinstance(note, str):
        raise ValueError(f"note must be a text; got {note!r}")
    if any(float(number) == 0 for number in _PLUS_MINUS.findall(spread)):
        raise ValueError(f"spread {spread!r}: say 'exact' where nothing varies, or print enough digits")
    for name, number in (numbers or {}).items():
        if isinstance(number, bool) or not isinstance(number, numbers_.Real):
            raise ValueError(f"numbers[{name!r}] must be a number; got {number!r}")
    entry = {"id": id, "verdict": verdict, "measured": measured, "spread": spread, "note": note}
    if evidence is not None:
        entry |= {"evidence": evidence}
    if numbers is not None:
        # JSON has no NaN and no infinity
        entry |= {"numbers": {k: float(x) if math.isfinite(x) else None for k, x in numbers.items()}}
    place = known[id]["place"]
    display({"text/html": _card(place, entry), "text/plain": _plain(place, entry)}, metadata={"claim": entry}, raw=True)


def differences(stored, found):
    """How a report differs from the stored one, as sentences: verdict, evidence, and numbers beyond the tolerance."""
    tolerance = _claims()[stored["id"]]["tolerance"]
    result = [
        f"{key} was {stored.get(key)!r} and is {found.get(key)!r}"
        for key in ("id", "verdict", "evidence")
        if stored.get(key) != found.get(key)
    ]
    before, now = stored.get("numbers", {}), found.get("numbers", {})
    for name in {**before, **now}:
        a, b = before.get(name), now.get(name)
        if a is None or b is None:
            same = a is b and (name in before) == (name in now)
        else:
            same = math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)
        if not same:
            result.append(f"{name} was {a} and is {b}, more than {tolerance:g} of it apart")
    return result


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
    text = {key: html.escape(value) for key, value in entry.items() if isinstance(value, str)}
    note = f'<div class="claim-note">{text["note"]}</div>' if entry["note"] else ""
    how = f' <span class="claim-evidence">{text["evidence"]}</span>' if "evidence" in text else ""
    return (
        f'<div class="claim {css_class(entry["verdict"])}" id="claim-{text["id"]}">'
        f'<div class="claim-head"><span class="claim-place">{html.escape(place)}</span> '
        f'<a class="claim-verdict" href="ledger.html#row-{text["id"]}">{text["verdict"]}</a>{how}</div>'
        f'<div class="claim-body">{text["measured"]} ({text["spread"]})</div>{note}</div>'
    )


def _plain(place, entry):
    how = f" ({entry['evidence']})" if "evidence" in entry else ""
    lines = [f"{place}: {entry['verdict']}{how}", f"  measured: {entry['measured']} ({entry['spread']})"]
    return "\n".join(lines + ([f"  note: {entry['note']}"] if entry["note"] else []))
