"""A browser for the tests of the site: Debian's Chromium, driven by Selenium, and what it finds on a page."""

import contextlib
import functools
import http.server
import importlib.util
import json
import shutil
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from tools.chapters import ROOT

AXE = ROOT / "_build" / "axe" / "axe.min.js"
CHECKS = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
THEMES = ("light", "dark")
SOME = [
    "chapters/index.html",
    "chapters/ledger.html",
    "chapters/explorer.html",
    "chapters/04_three_variables.html",
    "chapters/notation.html",
]


def missing():
    """Why there is no browser here; empty: there is one."""
    if importlib.util.find_spec("selenium") is None:
        return "Selenium is not installed (make browser)"
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found (make browser)" if absent else ""


class Browser:
    """One Chromium for a whole run."""

    def __enter__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        self.profile = tempfile.mkdtemp()
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1280,900"):
            options.add_argument(f"--{flag}")
        options.add_argument(f"--user-data-dir={self.profile}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # The driver's path is given: Selenium's own manager would go online.
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(120)
        self.driver.set_page_load_timeout(60)
        self.cdp("Network.enable")
        self.cdp("Network.setCacheDisabled", cacheDisabled=True)  # every page as at a first visit
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def width(self, pixels):
        """A window so wide; a narrow one is a phone."""
        size = {"width": pixels, "height": 900 if pixels > 500 else 812, "deviceScaleFactor": 1}
        self.cdp("Emulation.setDeviceMetricsOverride", **size, mobile=pixels < 500)

    def open(self, url):
        """Load a page anew and wait for its formulas."""
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(url)
        self.driver.execute_async_script(
            "const done = arguments[0], at = () => requestAnimationFrame(() => done(performance.now()));"
            "window.MathJax?.startup?.promise ? MathJax.startup.promise.then(at) : at();"
        )
        self.run(CHECKS)

    def theme(self, name):
        self.run("document.documentElement.dataset.mode = document.documentElement.dataset.theme = arguments[0]", name)

    def axe(self, only):
        """The rules of axe-core that the page breaks, with their elements; `only`: tags or rules."""
        if not self.run("return Boolean(window.axe)"):
            self.run(AXE.read_text(encoding="utf-8"))
        return self.driver.execute_async_script(
            "const [only, done] = arguments;"
            "axe.run(document, {resultTypes: ['violations'], runOnly: only, preload: false}).then((found) => done("
            " found.violations.map((v) => [v.id, v.nodes.map((n) => [n.target.join(' '), n.html.slice(0, 150)])])));",
            only,
        )


class Visit(NamedTuple):
    """What was found on a page at a width: each list is of sentences that say element and pixels."""

    page: str  # with its scheme and width
    name: str
    web: bool  # by http
    width: int
    console: list  # warnings and errors
    elsewhere: list  # addresses outside the site that were asked for
    weights: dict  # bytes that went over the wire, by address
    times: dict  # ms: DOMContentLoaded, MathJax's end
    found: dict  # {(theme, check): sentences}
    axe: dict  # {theme: [(rule, [(selector, html)])]}


def visit(browser, address, name, width):
    browser.width(width)
    browser.open(f"{address}/{name}")
    times = browser.run("return siteChecks.times()")
    found, axe = {}, {}
    for theme in THEMES:
        browser.theme(theme)
        found |= {(theme, check): sentences for check, sentences in browser.run("return siteChecks.all()").items()}
        if AXE.exists() and address.startswith("http") and width > 500:  # elsewhere the page is the same
            axe[theme] = browser.axe(AXE_TAGS if theme == "light" else ["color-contrast"])
    entries = [entry for entry in browser.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    console = [f"{entry['level']}: {entry['message']}" for entry in entries]
    elsewhere, weights = network(browser, address)
    web = address.startswith("http")
    page = f"{name} ({'http' if web else 'file'}, {width} px)"
    return Visit(page, name, web, width, console, elsewhere, weights, times, found, axe)


def network(browser, address):
    """What a page asked for outside `address`, and how many bytes came for each address."""
    asked, elsewhere, weights = {}, [], {}
    for entry in browser.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        about = message["params"]
        if message["method"] == "Network.requestWillBeSent":
            url = asked[about["requestId"]] = about["request"]["url"]
            if not url.startswith((address, "data:", "blob:", "about:")):
                elsewhere.append(url)
        elif message["method"] == "Network.loadingFinished" and about["requestId"] in asked:
            url = asked[about["requestId"]]
            weights[url] = weights.get(url, 0) + about["encodedDataLength"]
    return elsewhere, weights


@contextlib.contextmanager
def serve(folder):
    """The folder over http, on a free port of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
