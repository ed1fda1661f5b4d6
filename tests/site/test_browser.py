"""What a reader's browser makes of the site: by http and from the disk, wide and narrow, light and dark."""

import re
from urllib.parse import urlsplit

import pytest

pytest.importorskip("selenium", reason="Selenium is not installed (make browser)")

import html5lib
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from site_browser import AXE, SOME

# Messages of the console that are nobody's fault: (pattern, reason).
ALLOWED_MESSAGES = []

# Rules of axe-core that the theme's own parts break: {rule: (selector of the parts, reason)}.
THEMES_OWN = {}

# The same of valid HTML: (text of the complaint, reason).
THEMES_HTML = [("search.html: id search-input stands twice", "the theme has a field in its dialog and one on the page")]

MATHJAX_AND_ICONS = re.compile(r"mathjax|MathJax|tex-(chtml|svg|mml)|fontawesome|/fa-|_static/vendor/")
MOST_STOPS_BEFORE_THE_TEXT = 3
PAGES_BY_KEYBOARD = ["chapters/index.html", "chapters/ledger.html", "chapters/explorer.html"]


def told(findings):
    """The findings as text, a line for each."""
    return "\n" + "\n".join(findings)


def found(visits, check):
    """What a check of checks.js said, with its page and theme; what is so in both themes, once."""
    lines = []
    for visit in visits:
        light, dark = (visit.found[theme, check] for theme in ("light", "dark"))
        lines += [f"{visit.page}: {sentence}" for sentence in light]
        lines += [f"{visit.page}, dark: {sentence}" for sentence in dark if sentence not in light]
    return lines


def test_the_console_is_silent(visits):
    allowed = [pattern for pattern, _ in ALLOWED_MESSAGES]
    lines = [f"{v.page}: {text}" for v in visits for text in v.console if not any(re.search(a, text) for a in allowed)]
    assert not lines, told(lines)


def test_nothing_is_asked_for_elsewhere(visits):
    lines = [f"{visit.page}: {url}" for visit in visits for url in visit.elsewhere]
    assert not lines, told(lines)


@pytest.mark.parametrize("check", ["sideways", "clipped", "orphaned", "small", "images", "unnamed", "stops", "colours"])
def test_page(visits, check):
    """No page scrolls sideways, no formula is cut, no full stop begins a line, ...: see checks.js."""
    lines = found(visits, check)
    assert not lines, told(lines)


@pytest.fixture(scope="session")
def broken_rules(visits):
    """(page, theme, rule, selector, html) of all that axe-core finds."""
    if not AXE.exists():
        pytest.skip("axe-core is not there (make browser)")
    return [
        (visit.page, theme, rule, *node)
        for visit in visits
        for theme, rules in visit.axe.items()
        for rule, nodes in rules
        for node in nodes
    ]


def is_the_themes(rule, selector):
    return rule in THEMES_OWN and THEMES_OWN[rule][0] in selector


def test_axe_finds_nothing(broken_rules):
    ours = [row for row in broken_rules if not is_the_themes(row[2], row[3])]
    assert not ours, told(f"{page}, {theme}: {rule}: {at}: {html}" for page, theme, rule, at, html in ours)


def test_what_is_allowed_to_the_theme_is_still_needed(broken_rules):
    assert {rule for _, _, rule, selector, _ in broken_rules if is_the_themes(rule, selector)} == set(THEMES_OWN)


def test_a_page_weighs_little(visits):
    """Besides MathJax and the theme's icons a page is no more than 1.5 MB."""
    lines = []
    for visit in visits:
        own = {url: size for url, size in visit.weights.items() if not MATHJAX_AND_ICONS.search(url)}
        heavy = sorted(own, key=own.get, reverse=True)[:3]
        if visit.web and sum(own.values()) > 1.5e6:
            largest = ", ".join(f"{urlsplit(url).path} {own[url] / 1e3:.0f} kB" for url in heavy)
            lines.append(f"{visit.page}: {sum(own.values()) / 1e6:.2f} MB ({largest})")
    assert not lines, told(lines)


def test_pages_are_ready_soon(visits, record_property):
    """Times of a shared machine are noise: they are reported, and only a page that hangs fails."""
    for visit in visits:
        record_property(visit.page, {name: round(ms) for name, ms in visit.times.items()})
    lines = [f"{visit.page}: {visit.times}" for visit in visits if visit.times["content"] > 15000]
    assert not lines, told(lines)


def test_html_is_valid(site):
    """No id stands twice, and a parser that follows the standard has no complaint."""
    html, pages = site
    lines = []
    for path, page in pages.items():
        ids = [tag["id"] for tag in page.find_all(id=True)]
        lines += [f"{path.relative_to(html)}: id {name} stands twice" for name in {i for i in ids if ids.count(i) > 1}]
        parser = html5lib.HTMLParser()
        parser.parse(path.read_text(encoding="utf-8"))
        for (line, _), error, detail in parser.errors:
            lines.append(f"{path.relative_to(html)}, line {line}: {error} {detail}")
    assert lines == [text for text, _ in THEMES_HTML], told(lines)


def tabbed(browser, most):
    """The stops of the Tab key: (name, in the article, what shows of the focus), until it leaves the page."""
    browser.run("window.stops = []; document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(most):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.run(
            "const node = document.activeElement;"
            "if (node === document.body || stops[0]?.node === node) return true;"
            "stops.push({node, look: siteChecks.look(node)}); return false"
        ):
            break
    else:
        pytest.fail(f"after {most} stops the Tab key has not left the page")
    return browser.run(
        "document.activeElement.blur();"
        "return stops.map(({node, look}) => [siteChecks.name(node), Boolean(node.closest('article')),"
        "  look !== siteChecks.look(node)])"
    )


@pytest.mark.parametrize("name", PAGES_BY_KEYBOARD)
def test_the_tab_key_goes_through_the_page(browser, served, name):
    browser.width(1280)
    browser.open(f"{served}/{name}")
    stops = tabbed(browser, 1000)
    assert any(inside for _, inside, _ in stops)
    unseen = [node for node, _, seen in stops if not seen]
    assert not unseen, told(f"{name}: the focus is not seen at {node}" for node in unseen)


def test_a_link_skips_to_the_text(browser, served):
    browser.width(1280)
    browser.open(f"{served}/{SOME[0]}")
    for _ in range(MOST_STOPS_BEFORE_THE_TEXT):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.run("return document.activeElement.matches('a[href^=\"#\"]')"):
            break
    else:
        pytest.fail(f"no skip link among the first {MOST_STOPS_BEFORE_THE_TEXT} stops")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.run("return Boolean(document.activeElement.closest('main'))"), "the next stop lies outside the text"


def test_the_theme_button_makes_the_page_dark(browser, served):
    browser.width(1280)
    browser.open(f"{served}/{SOME[0]}")
    browser.theme("light")
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    button = browser.driver.find_element(By.CSS_SELECTOR, ".theme-switch-button")
    for _ in range(3):  # auto, light, dark
        browser.run("arguments[0].click()", button)
        if browser.run("return document.documentElement.dataset.theme") == "dark":
            break
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    assert browser.run("return siteChecks.all().colours") == []
    assert browser.run("return getComputedStyle(document.body).backgroundColor") != ground
    browser.run("localStorage.clear()")


def test_print_shows_no_navigation(browser, served):
    browser.width(1280)
    browser.open(f"{served}/{SOME[0]}")
    browser.cdp("Emulation.setEmulatedMedia", media="print")
    seen = browser.run(
        "return [...document.querySelectorAll('nav, .bd-sidebar, .bd-sidebar-primary, .bd-header, .header-article,"
        " .prev-next-footer, .skip-link')].filter((n) => n.checkVisibility() && n.getBoundingClientRect().height > 0)"
        ".map(siteChecks.name)"
    )
    browser.cdp("Emulation.setEmulatedMedia", media="")
    assert not seen, told(seen)


def test_a_link_leads_to_its_place(browser, served):
    """Over http each page's own fragments are there, also those that a script makes."""
    broken = []
    for name in SOME:
        browser.open(f"{served}/{name}")
        broken += browser.run(
            "return [...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.getAttribute('href').slice(1))"
            ".filter((id) => id && !id.startsWith('explore:') && !document.getElementById(decodeURIComponent(id)))"
        )
    assert broken == []
