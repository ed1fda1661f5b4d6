"""Which chapters there are: those that `_toc.yml` names, whatever else lies in the folder."""

import re
from pathlib import Path

import yaml

from src.book import claims

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"


def scripts(root=ROOT):
    """The chapters' .py files in reading order.

    Raises ValueError where the table of contents names none, or lacks a chapter that `claims.yml` names.
    """
    toc, chapters = root / "_toc.yml", root / "chapters"
    try:
        files = list(_files(yaml.safe_load(toc.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{toc} cannot be read as YAML: {error}") from None
    names = [name[1] for name in (re.fullmatch(r"chapters/(\d\d_\w+)", file) for file in files) if name]
    if not names:
        raise ValueError(f"{toc} must name a chapter, as '- file: chapters/01_model'")
    for id, claim in claims.read(chapters / "claims.yml").items():
        if claim["chapter"] not in names:
            raise ValueError(f"claims.yml gives {id!r} to {claim['chapter']!r}, which {toc.name} does not name")
    return [chapters / f"{name}.py" for name in names]


def pages(root=ROOT):
    """The pages of the site in reading order, such as chapters/01_model."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *_files(toc)]


def _files(node):
    """Every `file:` of a table of contents, in order."""
    if isinstance(node, dict):
        yield from [node["file"]] if isinstance(node.get("file"), str) else []
        node = list(node.values())
    for child in node if isinstance(node, list) else []:
        yield from _files(child)


def select(numbers, among):
    """Those of the chapters `among` that have the given numbers (or names): all where none is given.

    Raises ValueError for a number that no chapter has, and for a chapter without its .py.
    """
    wanted = [number.zfill(2) if number.isdigit() else number for number in numbers]
    for number in wanted:
        if not any(number in (script.stem, script.name[:2]) for script in among):
            raise ValueError(f"no chapter {number!r}; _toc.yml names: {', '.join(script.stem for script in among)}")
    found = [script for script in among if not wanted or {script.stem, script.name[:2]} & set(wanted)]
    for script in found:
        if not script.is_file():
            raise ValueError(f"{script} is missing, and _toc.yml names it")
    return found
