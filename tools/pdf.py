"""The whole book as one PDF: `make pdf` joins the pages of the site and has Chromium print them.

Every page becomes a part of one document, in the order of the table of contents, so that links between them work and
formulas are set once. What is folded on the site and matters is unfolded by the site's own style for print.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from tools import chapters

PDF = chapters.ROOT / "_build" / "book.pdf"
_SECONDS = 600  # that Chromium may take
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--generate-pdf-document-outline")
# Formulas are set while virtual time runs, which stands still as long as a script does.
_WAIT = "--virtual-time-budget=100000"
_BREAK = "article.bd-article { break-before: page; } @page { size: A4; margin: 18mm 16mm; }"


def join(html, names):
    """One document of the pages `names` (such as chapters/01_model) of the site in the folder `html`, as text."""
    pages = {f"{name}.html": BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser") for name in names}
    whole = next(iter(pages.values()))
    articles = [_part(page, address, pages) for address, page in pages.items()]
    head = whole.head
    for script in head.find_all("script"):
        if "MathJax" not in script.text and "mathjax" not in script.get("src", ""):
            script.decompose()
    for tag in head.find_all(["script", "link"]):
        for attribute in ("src", "href"):
            if attribute in tag.attrs:
                tag[attribute] = _from_root(next(iter(pages)), tag[attribute])
    head.append(BeautifulSoup(f"<style>{_BREAK}</style>", "html.parser"))
    body = "".join(map(str, articles))
    return f'<!DOCTYPE html>\n<html lang="en" data-mode="light" data-theme="light">{head}<body>{body}</body></html>'


def _part(page, address, pages):
    """The article of a page, its ids made unlike those of other pages and its links leading within the document."""
    article = page.find("article", class_="bd-article").extract()
    for tag in article.find_all(["script", "noscript"]):
        tag.decompose() if tag.name == "script" else tag.unwrap()
    article["id"] = _id(address, "")
    for tag in article.find_all(id=True):
        tag["id"] = _id(address, tag["id"])
    for tag in article.find_all(src=True):
        tag["src"] = _from_root(address, tag["src"])
    for tag in article.find_all("a", href=True):
        if urlsplit(tag["href"]).scheme:
            continue
        path, _, fragment = _from_root(address, tag["href"]).partition("#")
        if (path or address) in pages:
            tag["href"] = "#" + _id(path or address, unquote(fragment))
        else:
            del tag["href"]  # a file for download
    return article


def _id(address, fragment):
    return re.sub(r"\W", "-", address.removesuffix(".html")) + ("--" + fragment if fragment else "")


def _from_root(address, link):
    """A relative link of the page at `address`, seen from the site's root."""
    if not link or link.startswith(("#", "data:")) or urlsplit(link).scheme:
        return link
    path = [*Path(address).parent.parts]
    for step in link.split("/"):
        path = path[:-1] if step == ".." else [*path, step]
    return "/".join(path)


def write(html, to):
    """Print the site in the folder `html` to the file `to`; RuntimeError where there is no Chromium, or it fails."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("no browser: install Debian's chromium (as root, make browser does it)")
    page = html / "book-in-one.html"  # beside what its links lead to
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / to.name
        try:
            page.write_text(join(html, chapters.pages()), "utf-8")
            command = [chromium, *_FLAGS, _WAIT, f"--user-data-dir={folder}", f"--print-to-pdf={made}", page.as_uri()]
            run = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"Chromium did not print within {_SECONDS} s") from None
        finally:
            page.unlink(missing_ok=True)
        if run.returncode or not made.is_file():
            raise RuntimeError(f"Chromium printed nothing: {' '.join(run.stderr.split()[-30:])}")
        shutil.move(made, to)


def main():
    html = chapters.ROOT / "_build" / "html"
    if not html.is_dir():
        sys.exit("no site to print: make site renders it")
    print("printing the book ...", flush=True)
    try:
        write(html, PDF)
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"{PDF.relative_to(chapters.ROOT)}: {PDF.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
