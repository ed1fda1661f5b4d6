"""What can be taken along: the whole book as a zip, and each chapter's .py beside its page.

A Sphinx extension. A chapter's notebook is among the sources of the site anyway.
"""

import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "downloads"  # in the site
BOOK = "book.zip"
PARTS = (  # of the project; a name with a star stands for several
    *("*.md", "*.txt", "*.toml", "*.cff", "LICENSE*", "Makefile", "_config.yml", "_toc.yml", ".git[ai]*"),
    *("chapters", "data", "src", "tests", "tools", ".ci", ".github", ".binder"),
)
LEFT_OUT = {"raw", "__pycache__", ".ipynb_checkpoints", ".gitconfig"}  # and all that starts with a dot, within folders


def files(root=ROOT):
    """The paths of the book's files, relative to its folder, sorted."""
    found = set()
    for part in (path for name in PARTS for path in root.glob(name)):
        inside = part.rglob("*") if part.is_dir() else [part]
        found |= {path.relative_to(root) for path in inside if path.is_file()}
    return sorted(path for path in found if not _left_out(path.parts))


def _left_out(parts):
    hidden = any(part.startswith(".") and part != ".gitkeep" for part in parts[1:])
    return hidden or bool(LEFT_OUT & set(parts))


def write_zip(path, root=ROOT):
    """The book's files in one folder of a zip at `path`; the same files give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files(root):
            entry = zipfile.ZipInfo(f"book/{name.as_posix()}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if (root / name).stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(entry, (root / name).read_bytes())


def _write(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    write_zip(folder / BOOK)
    for page in (Path(app.srcdir) / "chapters").glob("[0-9][0-9]_*.ipynb"):
        script = ROOT / "chapters" / f"{page.stem}.py"
        if script.exists():
            shutil.copy(script, folder)


def setup(app):
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
