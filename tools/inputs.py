"""What a chapter's outputs depend on, as digests: its text, the code that it imports, recordings, packages."""

import ast
import hashlib
from functools import cache
from threading import Lock

from src.book import claims
from src.runs import code
from tools import notebooks
from tools.chapters import ROOT

SAID = {"text": "its text", "code": "the code that it imports", "recordings": "a recording", "packages": "the packages"}


_ONE_AT_A_TIME = Lock()  # two threads that make syntax trees at once are an error of Python 3.11


def of(script, root=ROOT):
    """{"text", "code", "recordings", "packages"}: a digest of each, "" for recordings where the chapter reads none."""
    with _ONE_AT_A_TIME:
        return _of(script, root)


def _of(script, root):
    source = script.read_text(encoding="utf-8")
    files = {name: _file(name, root).read_text(encoding="utf-8") for name in modules(source, root)}
    reads = any("recorded." in text for name, text in files.items() if not name.startswith(("src.runs", "src.book")))
    recordings = sorted((root / "data" / "recorded").glob("*.npz")) if reads or "recorded." in source else []
    own = [entry for entry in claims.read(root / "chapters" / "claims.yml").values() if entry["chapter"] == script.stem]
    pins = [root / name for name in ("requirements.txt", "constraints.txt")]
    return {
        "text": _digest([notebooks.digest(notebooks.written(script)).encode(), repr(own).encode()]),
        "code": _digest(f"{name}\n{_bare(text)}".encode() for name, text in sorted(files.items())),
        "recordings": _digest(path.name.encode() + path.read_bytes() for path in recordings),
        "packages": _digest(path.read_bytes() for path in pins if path.exists()),
    }


def changed(before, now):
    """What differs, as a sentence's end: "its text and the code that it imports"; "" where nothing does."""
    return " and ".join(SAID[kind] for kind in SAID if before.get(kind) != now[kind])


def modules(source, root=ROOT):
    """The names of all modules of `src` that a piece of Python imports, directly or not."""
    found, new = set(), set(_imported(source, root))
    while new:
        found |= new
        new = {name for one in new for name in _imported(_file(one, root).read_text(encoding="utf-8"), root)} - found
    return found


def _imported(source, root):
    return [name for name in _names(source) if _file(name, root)]


@cache
def _names(source):
    """What a piece of Python may import from `src`: some of it are modules."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name for name in found if name.split(".")[0] == "src"]


_bare = cache(code.bare)


def _file(name, root):
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def _digest(parts):
    parts = list(parts)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16] if parts else ""
