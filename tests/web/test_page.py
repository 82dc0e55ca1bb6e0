"""The page in a browser: each tab does its work without a network, and answers as Python does."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import squeezebert
from squeezebert.engine import _native
from squeezebert.playground import PlaygroundServer, Site

pytestmark = pytest.mark.browser

TABS = ("keyboard", "news", "names", "race")
NAMES = "Angela Merkel flog nach Washington \U0001f600, dann nach Zürich."
NEWS = "The central bank left interest rates unchanged on Thursday."
SPAM = "You have WON a free prize! Text CLAIM to 80123 now to get it, 150p per message."


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, at its first tab, in a fresh browser whose complaints fail the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(120_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type == "error" else None,
    )
    page.goto(address)
    ready(page, "keyboard")
    yield page
    context.close()
    # What a test keeps from coming is no complaint of the page's.
    assert [text for text in complaints if "net::ERR_" not in text] == []


def ready(page: Any, tab: str) -> None:
    if tab != "race":
        page.wait_for_selector(f"#{tab} .clock:not(:empty)")


def open_tab(page: Any, tab: str) -> None:
    page.click(f"#tab-{tab}")
    ready(page, tab)


def ask(page: Any, tab: str, text: str, answered: str) -> None:
    """Types a text and waits until the page's answer holds `answered`."""
    page.fill(f"#{tab} textarea", text)
    page.wait_for_function(
        "([tab, answered]) => document.querySelector(`#${tab} .side`).innerText.includes(answered)",
        arg=[tab, answered],
    )


def test_first_tab_is_a_small_download(page: Any, site: Path) -> None:
    offer = json.loads((site / "models.json").read_text(encoding="utf-8"))
    model = next(one for one in offer["models"] if one["name"] == "squeezebert-mini-mlm")
    shell = [path for path in site.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]
    for build in ("one", "threads"):
        engine = offer[build]["bytes"]
        assert model["bytes"] + engine + sum(path.stat().st_size for path in shell) < 5_000_000
    loaded = (offer["one"]["bytes"] + model["bytes"]) / 1e6
    assert f"{loaded:.1f} MB" in page.inner_text("#bytes")


def test_each_tab_works_without_a_network(page: Any, root: Path) -> None:
    pretrained = root / "src" / "squeezebert" / "pretrained"
    for tab in TABS[1:3]:
        open_tab(page, tab)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    page.context.set_offline(True)
    page.reload()  # page, engine and models: all of it was kept

    open_tab(page, "keyboard")
    text = "I have an appointment with the "
    page.focus("#keyboard textarea")
    words = _native.TextModel(str(pretrained / "squeezebert-mini-mlm"), 1).suggest(
        text, len(text), 3
    )[2]
    ask(page, "keyboard", text, words[0][0])
    assert page.locator(".strip button").all_inner_texts() == [word for word, _, _ in words]
    page.keyboard.press("Alt+Digit1")
    assert page.input_value("#keyboard textarea") == f"{text}{words[0][0]} "
    # A word that is finished and wrong is mended by a tap.
    ask(page, "keyboard", "Where is the statoin ", "%")
    page.click("button[aria-label='station instead of statoin']")
    assert page.input_value("#keyboard textarea") == "Where is the station "

    open_tab(page, "news")
    classes = squeezebert.load("squeezebert-mini-news", task="text_classification")(NEWS)
    ask(page, "news", NEWS, classes.label)
    label, confidence = page.inner_text("#news .about .verdict").split()
    assert label == classes.label == "business"
    assert abs(int(re.sub(r"\D", "", confidence)) / 100 - classes.score) < 0.02
    kinds = squeezebert.load("squeezebert-mini-spam", task="text_classification")(SPAM)
    assert kinds.label == "spam"
    ask(page, "news", SPAM, "spam\n")
    page.wait_for_selector("#news .spam.warn")
    assert page.inner_text("#news .spam .verdict strong") == "spam"

    open_tab(page, "names")
    ask(page, "names", NAMES, "Zürich")
    marked = page.locator(".marked mark").all_inner_texts()
    found = squeezebert.load("squeezebert-mini-ner", task="token_classification")(NAMES)
    expected = [f"{one.text} {one.type}" for one in found]
    assert [" ".join(text.split()) for text in marked] == expected
    assert page.inner_text(".marked").startswith("Angela Merkel")


def test_the_race_is_run(page: Any) -> None:
    open_tab(page, "race")
    page.select_option("#race-task", "news")
    page.click("#race .primary")
    page.wait_for_selector("#race .result:not(:empty)")
    assert re.search(r"times as fast|Neither", page.inner_text("#race .result"))
    said = page.locator(".lane .said").all_inner_texts()
    assert [text.split(",")[0] for text in said] == ["sport", "sport"]
    times = page.locator(".lane .time").all_inner_texts()
    assert all(re.fullmatch(r"\d+\.\d\s*ms", time) for time in times), times


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Any, root: Path, scheme: str) -> None:
    script = root / "web" / "node_modules" / "axe-core" / "axe.min.js"
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        for tab in TABS:
            open_tab(page, tab)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.evaluate(script.read_text(encoding="utf-8"))
            found = page.evaluate("axe.run().then(result => result.violations)")
            told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
            assert told == [], (tab, width)


def test_tabs_and_words_are_reached_by_keys(page: Any) -> None:
    page.focus("#tab-keyboard")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-news", "aria-selected") == "true"
    assert page.is_visible("#news")
    assert not page.is_visible("#keyboard")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "keyboard-text"
    page.keyboard.press("Tab")
    first = page.inner_text(".strip button:first-child")
    before = page.input_value("#keyboard-text")
    page.keyboard.press("Enter")
    assert page.input_value("#keyboard-text") == f"{before}{first} "


def test_a_failed_download_is_told_and_tried_again(page: Any) -> None:
    page.route("**/squeezebert-mini-news.safetensors*", lambda route: route.abort())
    page.click("#tab-news")
    page.wait_for_selector(".failure:visible")
    assert "cannot be reached" in page.inner_text(".failure")
    # Answers of another tab leave it: its models are there.
    page.click("#tab-keyboard")
    before = page.inner_text(".strip")
    page.fill("#keyboard-text", "I have an appointment with the ")
    page.wait_for_function(
        "before => document.querySelector('.strip').innerText !== before", arg=before
    )
    assert page.is_visible(".failure")
    page.click("#tab-news")
    page.unroute("**/squeezebert-mini-news.safetensors*")
    ask(page, "news", NEWS, "business")
    # Once the second model of the tab has answered too.
    page.wait_for_selector(".failure", state="hidden")


def test_without_webassembly_the_server_answers(browser: Any) -> None:
    site = Site(native=True)
    with PlaygroundServer(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = browser.new_page()
        try:
            page.set_default_timeout(120_000)
            page.goto(server.url)
            open_tab(page, "names")
            ask(page, "names", NAMES, "Zürich")
            assert "built without WebAssembly" in page.inner_text("#where")
        finally:
            page.close()
            server.shutdown()
            thread.join()
            site.close()


def test_the_servers_own_page_obeys_its_policy(browser: Any, package: Path) -> None:
    site = Site()
    with PlaygroundServer(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text))
        try:
            page.set_default_timeout(120_000)
            page.goto(server.url)
            ready(page, "keyboard")
            assert "in this page" in page.inner_text("#where")
            assert page.evaluate("crossOriginIsolated") is True
            cores = page.evaluate("Math.min(4, navigator.hardwareConcurrency)")
            assert ("one core" if cores == 1 else f"up to {cores} cores") in page.inner_text(
                "#where"
            )
            open_tab(page, "names")
            ask(page, "names", f"{NAMES} " * 6, "Zürich")
            assert page.inner_text(".legend").startswith("6 persons")
        finally:
            page.close()
            server.shutdown()
            thread.join()
            site.close()
    assert complaints == []
