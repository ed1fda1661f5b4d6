"""The explorer by keyboard, by its address, from the disk, and without scripts."""

import pytest

pytest.importorskip("selenium", reason="Selenium is not installed (make browser)")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PAGE = "chapters/explorer.html"


def shown(browser):
    """What the explorer shows: its fields, its paths, its live text and the address."""
    return browser.run(
        "const all = (what) => [...document.querySelectorAll(`.explorer ${what}`)];"
        "return {fields: all('input[type=number]').map((node) => node.value),"
        " own: all('.portrait .trajectory').map((node) => node.getAttribute('d')).join(),"
        " curves: all('.curves path.inner').map((node) => node.getAttribute('d')).join(),"
        " text: all('.explorer-facts')[0]?.textContent, hash: location.hash}"
    )


def until(browser, condition):
    """What is shown as soon as `condition` holds of it."""
    return WebDriverWait(browser.driver, 20).until(lambda _: condition(now := shown(browser)) and now)


def press(browser, *keys):
    for key in keys:
        browser.driver.switch_to.active_element.send_keys(key)


def tab_to(browser, selector, most=150):
    for _ in range(most):
        press(browser, Keys.TAB)
        if browser.run("return document.activeElement.matches(arguments[0])", selector):
            return
    pytest.fail(f"{selector} is not reached by {most} tabs")


@pytest.fixture(params=["http", "file"])
def page(request, browser, served, site):
    browser.width(1280)
    address = served if request.param == "http" else site[0].as_uri()
    browser.open(f"{address}/{PAGE}")
    until(browser, lambda now: now["text"])
    return f"{address}/{PAGE}"


def test_a_slider_is_moved_by_keys(browser, page):
    before = shown(browser)
    tab_to(browser, "#explorer-trace")
    press(browser, Keys.SHIFT + Keys.TAB)
    assert browser.run("return document.activeElement.type") == "range"
    press(browser, Keys.NULL, *[Keys.ARROW_RIGHT] * 20)
    after = until(browser, lambda now: now["hash"] and now["text"] != before["text"])
    assert float(after["fields"][2]) > float(before["fields"][2])
    assert after["own"] != before["own"] and after["curves"] != before["curves"]
    assert f"trace={float(after['fields'][2]):g}" in after["hash"] and after["hash"].startswith("#explore:")


def test_the_number_that_is_typed_is_shown(browser, page):
    before = shown(browser)
    tab_to(browser, "#explorer-d")
    press(browser, Keys.CONTROL + "a", Keys.NULL, "503", Keys.ENTER)
    after = until(browser, lambda now: "d=503&" in now["hash"])
    assert after["own"] != before["own"]


def test_the_buttons_are_pressed_by_keys(browser, page):
    first = shown(browser)
    tab_to(browser, ".explorer button:nth-of-type(2)")
    press(browser, Keys.SPACE)
    turned = until(browser, lambda now: "15 iterations" in (now["text"] or "") or "after 15" in (now["text"] or ""))
    assert turned["fields"][2] != first["fields"][2]
    tab_to(browser, ".explorer button:nth-of-type(3)", 3)
    press(browser, Keys.ENTER)
    again = until(browser, lambda now: now["fields"] == first["fields"] and now["text"] == first["text"])
    assert again["own"] == first["own"] and again["hash"] == ""


def test_an_address_restores_what_was_seen(browser, page):
    browser.open(f"{page}#explore:d=503&norm=4&trace=-12&at=1000")
    now = until(browser, lambda now: now["text"])
    assert [float(value) for value in now["fields"]] == [503, 4, -12, 1000]
    browser.run("location.hash = '#explore:d=503&norm=4&trace=-8&at=1000'")
    until(browser, lambda now: float(now["fields"][2]) == -8)


def test_an_address_that_makes_no_sense_does_no_harm(browser, page):
    browser.open(f"{page}#explore:d=abc&norm=1e99&trace=&x")
    now = until(browser, lambda now: now["text"])
    assert "NaN" not in str(now)


def test_without_scripts_there_is_a_figure(browser, page):
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.driver.get("about:blank")
        browser.driver.get(page)
        image = browser.driver.find_element(By.CSS_SELECTOR, ".explorer img, .explorer svg")
        assert image.is_displayed() and image.size["width"] > 100
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
