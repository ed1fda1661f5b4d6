"""A chapter's two files: the .py that is written, the .ipynb that keeps it with its outputs."""

import difflib
import hashlib
import json
import os

import jupytext
import nbformat
from nbformat import v4
from papermill.translators import PythonTranslator

METADATA = {  # the same for every chapter and every Python, so that a refreshed notebook differs where its cells do
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
LARGEST = 1_000_000  # bytes of a notebook with its outputs


def written(script):
    """The notebook that a chapter's .py describes, without outputs."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def read(path):
    """The notebook stored at `path`; None where there is none, or something else (half a merge, an empty file)."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception:  # whatever a damaged file can raise
        return None
    return notebook


def in_step(script):
    """The stored notebook of a chapter. Raises ValueError where it is missing or says something else than the .py."""
    path, refresh = script.with_suffix(".ipynb"), f"make refresh CHAPTER={script.name[:2]}"
    notebook = read(path)
    if notebook is None:
        state = "cannot be read as a notebook" if path.exists() else "is missing"
        raise ValueError(f"{path.name} {state}: {refresh} makes it from the .py")
    if _content(notebook) != _content(written(script)):
        raise ValueError(f"the pair is out of step: {script.name} and {path.name} differ; {refresh} executes the .py")
    return notebook


def _content(notebook):
    return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]


def digest(notebook):
    """What its cells say, as one short text."""
    return hashlib.sha256(json.dumps([(cell.cell_type, cell.source) for cell in notebook.cells]).encode()).hexdigest()


def check_unedited(previous, script):
    """Raise ValueError where the .ipynb holds edits that `refresh` would lose: it differs from the .py, and from what
    the last refresh stored (or, where that is not known, is newer than the .py)."""
    path = script.with_suffix(".ipynb")
    if previous is None or digest(previous) == digest(written(script)):
        return
    stored = previous.metadata.get("book", {}).get("cells")
    if stored != digest(previous) if stored else path.stat().st_mtime > script.stat().st_mtime:
        raise ValueError(
            f"{path.name} was edited after its last refresh, and {script.name} says something else. To keep the edits: "
            f".venv/bin/jupytext --to py:percent -o chapters/{script.name} chapters/{path.name}; to drop them: "
            f"delete {path.name}"
        )


def keep_ids(chapter, cells, previous):
    """Give cells the ids they had; a new cell's id follows from the chapter and its text."""
    old = [(cell.cell_type, cell.source) for cell in previous]
    new = [(cell.cell_type, cell.source) for cell in cells]
    ids = [None] * len(new)
    for operation, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal" or (operation == "replace" and i2 - i1 == j2 - j1):
            ids[j1:j2] = [cell.get("id") for cell in previous[i1:i2]]
    ids = [id if id not in ids[:k] else None for k, id in enumerate(ids)]
    taken = {id for id in ids if id}
    for k, (kind, source) in enumerate(new):
        salt = 0
        while ids[k] is None:
            digest = hashlib.sha1(f"{chapter}\n{kind}\n{source}\n{salt}".encode()).hexdigest()[:8]
            ids[k], salt = (digest if digest not in taken else None), salt + 1
        taken.add(ids[k])
        cells[k].id = ids[k]


def given(notebook, parameters):
    """The notebook with the parameters set in a cell of their own, as papermill sets them."""
    if parameters:
        injected = v4.new_code_cell(PythonTranslator.codify(parameters), metadata={"tags": ["injected-parameters"]})
        at = next(k for k, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
        notebook.cells.insert(at + 1, injected)
    return notebook


def without_warnings(notebook):
    """Drop what went to stderr: warnings, which name paths of this machine."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def try_writing(path):
    """Raise ValueError where no notebook could be stored at `path`: asked before the work, not after it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        _write(path, "\n" * LARGEST, keep=False)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None


def store(notebook, path):
    """Write an executed notebook, whole or not at all."""
    nbformat.validate(notebook)
    _write(path, nbformat.writes(notebook) + "\n")


def _write(path, text, keep=True):
    temporary = path.with_name(f".{path.name}.{os.getpid()}")  # another process has another name
    try:
        temporary.write_text(text, encoding="utf-8")
        if keep:
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
