"""The site, built once in a run, and a browser that has opened its pages."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from tools.chapters import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site: {path: parsed page}; the fixture fails on any warning."""
    out = tmp_path_factory.mktemp("site")
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [*program, "build", ROOT, "-W", "-n", "--keep-going", "-q", "--path-output", out]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "WARNING" not in run.stdout + run.stderr
    html = out / "_build" / "html"
    files = [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]  # templates of the theme
    return html, {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in files}


@pytest.fixture(scope="session")
def browser():
    from site_browser import Browser, missing

    if reason := missing():
        pytest.skip(reason)
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def served(site):
    """The site's address over http."""
    from site_browser import serve

    with serve(site[0]) as address:
        yield address


@pytest.fixture(scope="session", params=["some", pytest.param("every", marks=pytest.mark.stress)])
def visits(request, site, browser, served):
    """What was found on some pages, or every one, by http and from the disk, wide and narrow."""
    from site_browser import SOME, visit

    html, pages = site
    names = sorted(path.relative_to(html).as_posix() for path in pages) if request.param == "every" else SOME
    return [
        visit(browser, address, name, width)
        for address in (served, html.as_uri())
        for name in names
        for width in (1280, 375)
    ]
