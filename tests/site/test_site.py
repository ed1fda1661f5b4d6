"""The site builds from the stored outputs without a warning, stands on its own, and none of its links is broken."""

import collections
import copy
import json
import re
import shutil
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import SCRIPTS

from src.book import claims, previews
from tools import chapters as toc
from tools import pdf


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


def test_figures_are_drawings_with_a_narrow_one_for_phones_and_numbered_by_chapter(site):
    _, pages = site
    for path, page in chapters(pages).items():
        for figure in page.select("article figure[id^=fig-]"):
            image, narrow = figure.find("img"), figure.select_one("picture > source")
            assert image["src"].endswith(".svg") and narrow["media"] == "(max-width: 576px)", figure["id"]
            assert narrow["srcset"].endswith(f"/{figure['id']}-narrow.svg"), figure["id"]
            assert (path.parent / narrow["srcset"]).exists(), figure["id"]
            number = figure.select_one(".caption-number").get_text(strip=True)
            assert number.startswith(f"Fig. {int(path.name[:2])}."), number


def test_the_first_page_leads_to_the_cells_that_decide(site):
    html, pages = site
    page = pages[html / "chapters" / "index.html"]
    links = [a["href"] for a in page.select(".findings a.finding")]
    assert len(page.select(".findings li")) == 7 and len(links) >= 7
    for link in links:
        file, _, anchor = link.partition("#")
        assert pages[html / "chapters" / file].find(id=anchor), link
    assert page.select_one(".findings img.picture")["src"].endswith("fig-phase-portrait-narrow.svg")
    assert page.find("a", href="https://arxiv.org/abs/1705.09886")


def test_every_page_says_what_it_is(site):
    _, pages = site
    for path, page in chapters(pages).items():
        description = page.find("meta", attrs={"name": "description"})
        assert description and len(description["content"]) > 20, path.name
        assert page.find("link", rel="icon")["href"].endswith("favicon.svg"), path.name


def test_no_formula_or_role_is_left_as_text(site):
    _, pages = site
    for path, page in chapters(pages).items():
        article = copy.copy(page.find("article"))  # the page is read by other tests too
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


def test_an_id_stands_on_a_page_once(site):
    for path, page in chapters(site[1]).items():
        ids = collections.Counter(tag["id"] for tag in page.find_all(id=True))
        assert [id for id, number in ids.items() if number > 1] == [], path.name


def test_the_first_heading_of_a_page_is_its_title(site):
    for path, page in chapters(site[1]).items():
        headings = page.find("main").find_all(["h1", "h2", "h3", "h4"])
        assert headings[0].name == "h1" and len(page.find_all("h1")) == 1, path.name


def test_a_fold_is_named_by_what_it_hides(site):
    for path, page in chapters(site[1]).items():
        for fold in page.select("article details"):
            name = fold.find("summary")
            assert name.get_text(strip=True) and not name.get("aria-label"), f"{path.name}: {name}"
        assert page.select(".toggle, .dropdown:not(details)") == [], path.name


def test_nothing_opens_in_another_window(site):
    assert {path.name for path, page in site[1].items() if page.select("a[target=_blank]")} == set()


def test_no_line_is_broken_between_a_formula_and_its_full_stop(site):
    for path, page in chapters(site[1]).items():
        for formula in page.select("article span.math"):
            behind = formula.next_sibling
            if isinstance(behind, str) and re.match(r"[^\s—–]", behind):
                assert "kept" in formula.parent.get("class", []), f"{path.name}: {formula.get_text()}{behind[:20]}"


def test_no_prose_is_set_as_a_formula(site):
    for path, page in chapters(site[1]).items():
        for formula in page.select("article .math"):
            words = re.sub(r"\\(text|mathrm|operatorname\*?|begin|end)\s*\{[^}]*\}|\\[A-Za-z]+", "", formula.get_text())
            assert not re.search(r"[A-Za-z]{3,}\s+[a-z]{3,}", words), f"{path.name}: {formula.get_text()}"


def test_a_page_and_its_pictures_are_light(site):
    for path, page in chapters(site[1]).items():
        pictures = {(path.parent / image["src"]).resolve() for image in page.select("article img[src]")}
        size = path.stat().st_size + sum(picture.stat().st_size for picture in pictures)
        assert size < 1.5e6, f"{path.name}: {size}"
        loaded = {(path.parent / tag["src"].partition("?")[0]).resolve() for tag in page.select("script[src]")}
        loaded |= {
            (path.parent / tag["href"].partition("?")[0]).resolve() for tag in page.select("link[rel=stylesheet]")
        }
        assert sum(file.stat().st_size for file in loaded if "mathjax" not in file.parts) < 0.7e6, path.name


def test_every_icon_is_in_the_font_that_the_site_brings(site):
    html, pages = site
    style = (html / "_static" / "icons.css").read_text(encoding="utf-8")
    used = {name for page in pages.values() for name in re.findall(r"\bfa-[a-z-]+", str(page))}
    assert used - set(re.findall(r"\.(fa-[a-z-]+)", style)) == set()
    assert len(style) < 10_000


def test_what_is_linked_to_has_a_preview(site):
    html, pages = site
    folder = html / "_static" / previews.OUT
    found = {}
    for path in chapters(pages):
        text = (folder / f"{path.stem}.js").read_text(encoding="utf-8")
        name, shown = re.fullmatch(r'previews\.read\("(.*?)", (\{.*\})\);\n', text, re.DOTALL).groups()
        assert name == path.stem
        found[name] = json.loads(shown)
    for path, page in chapters(pages).items():
        for link in page.select("article a.internal[href]"):
            url = urlsplit(link["href"])
            target = path.parent / url.path if url.path else path
            kinds = pages[target].select_one(
                f'dl[id="{url.fragment}"], .proof[id="{url.fragment}"], .citation[id="{url.fragment}"]'
            )
            if kinds or not url.fragment:
                assert len(found[target.stem].get(unquote(url.fragment), "")) > 20, f"{path.name}: {link['href']}"


def test_no_warning_of_a_run_is_published(site):
    for path, page in chapters(site[1]).items():
        outputs = " ".join(output.get_text() for output in page.select(".cell_output"))
        assert not re.search(r"\w+Warning\b|(/[\w.-]+){2,}\.py\b", outputs), path.name


def test_the_pages_join_to_one_document(site):
    """For print: every page is a part of it, no id stands twice, and links lead within it or to the web."""
    whole = BeautifulSoup(pdf.join(site[0], toc.pages()), "html.parser")
    assert [article["id"] for article in whole.find_all("article")] == [n.replace("/", "-") for n in toc.pages()]
    ids = [tag["id"] for tag in whole.find_all(id=True)]
    assert len(ids) == len(set(ids)) > 500
    links = [a["href"] for a in whole.find_all("a", href=True)]
    within = {link[1:] for link in links if link.startswith("#")}
    assert len(within) > 300 and within <= set(ids)
    assert all(link.startswith(("#", "https://", "mailto:")) for link in links)
    assert all((site[0] / tag["src"].partition("?")[0]).is_file() for tag in whole.find_all(src=True))
    assert all("mathjax" in str(script).lower() for script in whole.find_all("script"))


@pytest.mark.stress
def test_the_book_is_printed(site, tmp_path):
    if shutil.which("chromium") is None:
        pytest.skip("chromium not found (make browser)")
    pdf.write(site[0], tmp_path / "book.pdf")
    printed = (tmp_path / "book.pdf").read_bytes()
    pages = max(int(number) for number in re.findall(rb"/Type /Pages\s.*?/Count (\d+)", printed, re.S))
    assert printed.startswith(b"%PDF") and 200 < pages < 500
    assert not list(site[0].glob("book-in-one*"))
