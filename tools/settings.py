"""Settings as they are typed, `eta=1e-4 gammas=[0.1, 0.3]`, and the names of the files that hold such runs."""

import difflib
import hashlib
import re

import yaml
from papermill.cli import _resolve_type
from papermill.iorw import NoDatesSafeLoader
from papermill.translators import PythonTranslator


def parameters(notebook):
    """The names of the chapter's parameters."""
    cell = next((cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])), None)
    return [] if cell is None else [parameter.name for parameter in PythonTranslator.inspect(cell)]


def read(texts, known):
    """Settings by name. A text may hold several, apart by blanks; blanks within brackets or quotes belong to a value.

    The names must be among `known`: papermill would write any other text into a cell, as code. Raises ValueError.
    """
    settings = {}
    for piece in (piece for text in texts for piece in pieces(text)):
        name, equals, text = piece.partition("=")
        if not equals:
            raise ValueError(f"{piece!r} is no parameter setting: write name=value, a text with blanks in quotes")
        check_name(name, known)
        if name in settings:
            raise ValueError(f"parameter {name!r} is set twice")
        settings[name] = value(name, text)
    return settings


def check_name(name, known):
    """Raise ValueError for a name that is none of the chapter's parameters."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{hint}. This chapter takes: {', '.join(known)}.")


def pieces(text):
    """A text cut at its blanks, but for those within brackets or quotes."""
    piece, depth, quote = "", 0, None
    for c in text + " ":
        if c.isspace() and not depth and quote is None:
            yield from [piece] if piece else []
            piece = ""
            continue
        piece += c
        if quote is not None:
            quote = None if c == quote else quote
        elif c in "'\"":
            quote = c
        else:
            depth += (c in "[{") - (c in "]}")
    if piece:
        raise ValueError(f"a bracket or a quote is left open, or closed twice, in {piece.strip()!r}")


def value(name, text):
    """A value: numbers as `papermill -p` reads them, lists of them, true and false as YAML."""
    number = _resolve_type(text)
    if not isinstance(number, str):
        return number
    try:
        found = yaml.load(text, Loader=NoDatesSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ValueError(f"parameter {name!r} must be a number, a list, true, false or a text, not {text!r}") from None
    return text if found is None else numbers(found)


def numbers(found):
    """A value as YAML read it, with its numbers: YAML takes 1e-4 for a text: as a number, at any depth of a list."""
    if isinstance(found, list):
        return [numbers(entry) for entry in found]
    return _resolve_type(found) if isinstance(found, str) else found


def file_name(stem, settings):
    """A name that tells of the settings, holds nothing that means something in a path, and is theirs alone."""
    if not settings:
        return f"{stem}.ipynb"
    text = ",".join(f"{name}={value}" for name, value in settings.items())
    digest = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:8]
    return f"{stem}-{re.sub('[^A-Za-z0-9_=.]+', '-', text)[:80].strip('-.')}-{digest}.ipynb"
