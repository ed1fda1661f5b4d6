"""The site builds from the stored outputs without a warning, stands on its own, and none of its links is broken."""

import json
import re
from urllib.parse import unquote, urlsplit

from conftest import SCRIPTS

from src.book import claims


def chapters(pages):
    return {path: page for path, page in pages.items() if path.parent.name == "chapters"}


def test_every_page_is_there(site):
    _, pages = site
    names = {path.stem for path in chapters(pages)}
    assert names >= {"index", "ledger", "deviations", "bibliography"} | {script.stem for script in SCRIPTS}


def test_internal_links_and_images_resolve(site):
    html, pages = site
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    broken = []
    for path, page in pages.items():
        for tag, attribute in [("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")]:
            for element in page.find_all(tag, attrs={attribute: True}):
                url = urlsplit(element[attribute])
                if url.scheme or url.netloc:
                    continue
                target = (path.parent / unquote(url.path)).resolve() if url.path else path
                if not target.exists() or (
                    url.fragment and target in anchors and unquote(url.fragment) not in anchors[target]
                ):
                    broken.append(f"{path.relative_to(html)}: {element[attribute]}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site):
    html, pages = site
    elsewhere = re.compile(r"^(https?:)?//")
    loaded = [
        f"{path.name}: {element}"
        for path, page in pages.items()
        for element in page.find_all(["script", "link", "img", "iframe", "source", "object"])
        for attribute in ("src", "href", "data")
        if elsewhere.match(str(element.get(attribute, "")))
    ]
    for path, page in pages.items():
        loaded += [f"{path.name}: {script}" for script in page.find_all("script") if "://" in (script.string or "")]
    css = [p for p in html.rglob("*.css") if re.search(r"(@import|url\()\s*['\"]?(https?:)?//", p.read_text("utf-8"))]
    assert loaded == []
    assert css == []


def test_formulas_are_rendered_by_the_site_itself(site):
    html, pages = site
    (mathjax,) = {
        (path.parent / script["src"].partition("?")[0]).resolve()
        for path, page in chapters(pages).items()
        for script in page.find_all("script", src=re.compile("mathjax"))
    }
    assert mathjax.is_relative_to(html) and mathjax.exists()


def test_figures_have_alt_text(site):
    _, pages = site
    for path, page in chapters(pages).items():
        for image in page.select("article img"):
            alt = image.get("alt", "")
            assert len(alt) > 10, f"{path.name}: {alt!r}"
            assert "_images" not in alt and not alt.endswith((".png", ".svg")), f"{path.name}: {alt!r}"


def test_no_formula_or_role_is_left_as_text(site):
    _, pages = site
    for path, page in chapters(pages).items():
        article = page.find("article")
        for element in article.find_all(["pre", "code", "script"]) + article.select(".math, .cell_input"):
            element.decompose()
        left = re.findall(r"\$[^$\n]+\$|\{[a-z:]+\}`|\\frac|\\\|", article.get_text())
        assert left == [], f"{path.name}: {left}"


def test_ledger_json_is_complete(site):
    html, pages = site
    rows = json.loads((html / "ledger.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in rows] == list(claims.read())
    keys = {"id", "row", "place", "statement", "paper", "ours", "spread", "verdict", "evidence", "numbers"}
    keys |= {"note", "chapter", "link", "part", "seeds"}
    assert all(set(row) == keys for row in rows)
    executed = {script.stem for script in SCRIPTS}
    for row in rows:
        assert (row["link"] is None) == (row["chapter"] not in executed)
        if row["link"]:
            file, _, anchor = row["link"].partition("#")
            assert pages[html / file].find(id=anchor), row["link"]


def test_the_ledger_page_shows_every_row(site):
    html, pages = site
    rows = json.loads((html / "ledger.json").read_text(encoding="utf-8"))
    shown = pages[html / "chapters" / "ledger.html"].select("table.ledger tbody tr")
    assert [tr.find("strong").get_text() for tr in shown] == [row["place"] for row in rows]
    assert [tr.select_one(".claim-verdict").get_text(strip=True) for tr in shown] == [row["verdict"] for row in rows]
    assert all(tr.find(id=f"row-{row['id']}") for tr, row in zip(shown, rows, strict=True))
