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

import nbformat
import yaml
from IPython.display import display

from src import verdicts

_CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
_KEYS = {"id": str, "row": int, "place": str, "statement": str, "paper": str, "chapter": str}
PARTS = ("the paper", "companions", "found here")  # of the ledger
_REPORT = ("id", "verdict", "evidence", "measured", "spread", "note", "numbers")
_TOLERANCE = 0.02  # by which a claim's numbers may differ from run to run, relative, unless claims.yml says otherwise
_PLUS_MINUS = re.compile(r"(?:±|\+/-)\s*(\d*\.?\d+(?:[eE][+-]?\d+)?)")


class _Loader(yaml.SafeLoader):
    """YAML in which a key that occurs twice in one entry is an error: two claims that ran into each other."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(sorted(twice))} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(path=_CHAPTERS / "claims.yml"):
    """The claims of ``claims.yml`` by id: dicts with id, row, place, statement, paper, chapter, part and tolerance.

    Raises ValueError, naming the file, the entry and what is allowed, for anything else.
    """
    try:
        entries = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise ValueError(f"{path} must be a YAML list of claims in UTF-8: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} must be a YAML list of claims, not {_short(entries)}")
    claims = {}
    for k, entry in enumerate(entries, 1):
        id = entry.get("id") if isinstance(entry, dict) else entry
        try:
            _check_claim(entry)
            if id in claims:
                raise ValueError("must have an id that no other entry has")
        except ValueError as error:
            raise ValueError(f"{path}: entry {k} ({_short(id)}) {error}") from None
        claims[id] = {"part": PARTS[0], **entry, "tolerance": float(entry.get("tolerance", _TOLERANCE))}
    return claims


def _check_claim(entry):
    if not isinstance(entry, dict) or not set(_KEYS) <= set(entry) <= {*_KEYS, "part", "tolerance"}:
        keys = list(entry) if isinstance(entry, dict) else entry
        raise ValueError(f"must have {', '.join(_KEYS)}, and may have part and tolerance; it has {_short(keys)}")
    for key, kind in _KEYS.items():
        value, allowed = entry[key], "a text that is not empty" if kind is str else "an integer from 1 on"
        right = value.strip() if isinstance(value, str) else type(value) is int and value > 0
        if not isinstance(value, kind) or not right:
            raise ValueError(f"must have {allowed} as its {key}, not {_short(value)}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry["id"]):
        raise ValueError("must have an id of lower-case letters, digits, dots and hyphens")
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", entry["chapter"]):
        raise ValueError(f"must name a chapter like 01_model, not {entry['chapter']!r}")
    if entry.get("part", PARTS[0]) not in PARTS:
        raise ValueError(f"must be of the part {' or '.join(PARTS)}, not {_short(entry['part'])}")
    tolerance = entry.get("tolerance", _TOLERANCE)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance <= 1:
        raise ValueError(f"must have a tolerance between 0 and 1, not {_short(tolerance)}")


def report(id, *, verdict, evidence, measured, spread, numbers, note=""):
    """Display what this chapter found about the claim ``id``.

    ``verdict`` is one of the verdicts of `src.verdicts`, computed from the run, and ``evidence`` says how we know.
    ``measured`` and ``spread`` are short texts formatted from the run (``spread="exact"`` where nothing was sampled);
    ``numbers`` holds what was measured once more, as numbers by name, to be compared from run to run (None or NaN where
    there is none); ``note`` is one sentence: the reason, the correction or the choice made.

    Raises ValueError for an id that ``claims.yml`` lacks, another verdict or evidence, an empty text, a spread of ±0,
    and numbers that are none.
    """
    entry = {"id": id, "verdict": verdict, "evidence": evidence, "measured": measured, "spread": spread, "note": note}
    known = _claims()
    if not isinstance(id, str) or id not in known:
        raise ValueError(f"id must be one of {', '.join(known)}; got {id!r}")
    check(entry | {"numbers": numbers})
    # JSON has no NaN and no infinity
    entry |= {"numbers": {k: float(x) if x is not None and math.isfinite(x) else None for k, x in numbers.items()}}
    place = known[id]["place"]
    display({"text/html": _card(place, entry), "text/plain": _plain(place, entry)}, metadata={"claim": entry}, raw=True)


def check(entry):
    """Raise ValueError, saying what is allowed, unless ``entry`` is what a report holds, whatever its id."""
    if not isinstance(entry, dict) or set(entry) != set(_REPORT):
        keys = list(entry) if isinstance(entry, dict) else entry
        raise ValueError(f"a report must have {', '.join(_REPORT)}; got {_short(keys)}")
    for name in ("id", "measured", "spread"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise ValueError(f"{name} must be a short text; got {_short(entry[name])}")
    for name, allowed in {"verdict": verdicts.MEANING, "evidence": verdicts.EVIDENCE}.items():
        if not isinstance(entry[name], str) or entry[name] not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}; got {_short(entry[name])}")
    if not isinstance(entry["note"], str):
        raise ValueError(f"note must be a text; got {_short(entry['note'])}")
    if any(float(number) == 0 for number in _PLUS_MINUS.findall(entry["spread"])):
        raise ValueError(f"spread {entry['spread']!r}: say 'exact' where nothing varies, or print enough digits")
    if not isinstance(entry["numbers"], dict):
        raise ValueError(f"numbers must be a dict of numbers by name; got {_short(entry['numbers'])}")
    for name, number in entry["numbers"].items():
        if not isinstance(name, str) or not name:
            raise ValueError(f"numbers must have texts as names; got {_short(name)}")
        if isinstance(number, bool) or not isinstance(number, numbers_.Real | None):
            raise ValueError(f"numbers[{name!r}] must be a number; got {_short(number)}")


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
        output["metadata"]["claim"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "claim" in output.get("metadata", {})
    ]


def stored(path):
    """The reports stored in the notebook at ``path``, in order.

    Raises ValueError, naming the file, the report and what is allowed, for no notebook and for a report that is none.
    """
    try:
        notebook = nbformat.reads(Path(path).read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
        found = reports(notebook)
    except Exception as error:  # whatever nbformat meets in a file that is no notebook
        raise ValueError(f"{path} must be a notebook of format 4, JSON in UTF-8: {_short(error)}") from None
    for k, entry in enumerate(found, 1):
        id = entry.get("id") if isinstance(entry, dict) else entry
        try:
            check(entry)
        except ValueError as error:
            raise ValueError(f"{path}: report {k} ({_short(id)}): {error}") from None
    return found


def css_class(verdict):
    """The class that colours a verdict in ``book.css``."""
    return "claim-" + re.sub(r"\W+", "-", verdict)


@cache
def _claims():
    return read()


def _short(value):
    """A value as a complaint shows it: its first line, and not too much of that."""
    text = (str(value) if isinstance(value, Exception) else repr(value)).strip().partition("\n")[0]
    return text if len(text) <= 120 else text[:117] + "..."


def _card(place, entry):
    text = {key: html.escape(value) for key, value in entry.items() if isinstance(value, str)}
    note = f'<div class="claim-note">{text["note"]}</div>' if entry["note"] else ""
    return (
        f'<div class="claim {css_class(entry["verdict"])}" id="claim-{text["id"]}">'
        f'<div class="claim-head"><span class="claim-place">{html.escape(place)}</span> '
        f'<a class="claim-verdict" href="ledger.html#row-{text["id"]}">{text["verdict"]}</a> '
        f'<span class="claim-evidence">{text["evidence"]}</span></div>'
        f'<div class="claim-body">{text["measured"]} ({text["spread"]})</div>{note}</div>'
    )


def _plain(place, entry):
    lines = [f"{place}: {entry['verdict']} ({entry['evidence']})"]
    lines += [f"  measured: {entry['measured']} ({entry['spread']})"]
    return "\n".join(lines + ([f"  note: {entry['note']}"] if entry["note"] else []))
