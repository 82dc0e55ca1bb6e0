from __future__ import annotations

import base64
import dataclasses
import re
from html.parser import HTMLParser

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report.pages.comparison_page import render_html

EMPTY = {"meta", "link", "br", "hr", "img", "input", "col"}
NAMES = ["pair", "many", "single", "awkward"]


class Page(HTMLParser):
    """Reads a page strictly: every element must be closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(params=NAMES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render_html(request.getfixturevalue(request.param)))


def test_it_is_well_formed_with_one_heading(page: Page) -> None:
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert {"lang": "en"} in page.all("html")


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    assert not page.all("script")
    assert not [tag for tag, attributes in page.tags if any(n.startswith("on") for n in attributes)]
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    policies = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_style_fetches_nothing(pair: Report) -> None:
    style = "".join(re.findall(r"<style>(.*?)</style>", render_html(pair), re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {one["href"][1:] for one in page.all("a") if one["href"].startswith("#")}
    assert targets <= set(ids)


def test_charts_are_told_to_those_who_cannot_see(page: Page) -> None:
    for attributes in page.all("svg"):
        assert (
            attributes.get("aria-hidden") == "true"
            or attributes.get("aria-label")
            or (attributes.get("overflow") == "visible")
        )
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(attributes.get("scope") for attributes in page.all("th"))


def test_missing_values_are_dashes(page: Page) -> None:
    words = set(re.findall(r"[\w–]+", page.text))
    assert not {"nan", "NaN", "None", "inf", "Undefined"} & words


def test_the_values_are_there(pair: Report) -> None:
    text = Page(render_html(pair)).text
    for expected in (
        "SqueezeBERT-mini answers 1.5× faster than BERT-mini on average",
        "0.614",
        "1.59× 1.49–1.70",
        "−2.1",
        "Matthews correlation",
        "0.6972",
        "300.0",
        "Example 9000 processor, 8 cores, 2 threads used, 16.4 GB",
        "The harbour town opens a laboratory",
        "squeezebert compare squeezebert-mini",
        "sample_news is small",
    ):
        assert expected in text


def test_the_data_come_with_the_page(pair: Report) -> None:
    html = render_html(pair)
    [link] = [one for one in Page(html).all("a") if "download" in one]
    kind, _, data = link["href"].partition(",")
    assert kind == "data:application/json;base64"
    assert Report.from_json(base64.b64decode(data).decode()) == pair


def test_markup_in_a_report_is_text(awkward: Report) -> None:
    html = render_html(awkward)
    assert "<script" not in html
    assert "<script>alert('x')</script>" in Page(html).text


def test_entities_are_highlighted_and_verdicts_told_in_words(pair: Report) -> None:
    html = render_html(pair)
    page = Page(html)
    assert '<mark class="e2">Nordwind Energy<b>ORG</b></mark>' in html
    assert len(page.all("mark")) == 4 + 4 + 4 + 1
    verdicts = [one["aria-label"] for one in page.all("span") if one.get("role") == "img"]
    assert verdicts.count("right") == 5
    assert verdicts.count("wrong") == 5


def test_a_gap_is_drawn(pair: Report) -> None:
    assert 'Could you <span class="gap">' in render_html(pair)


def test_one_model_has_nothing_to_be_compared_with(single: Report) -> None:
    page = Page(render_html(single))
    ids = {attributes.get("id") for attributes in page.all("section")}
    assert not {"tradeoff", "speed", "study"} & ids
    assert "baseline" not in page.text


def test_many_models_have_an_overview(many: Report, pair: Report) -> None:
    assert "All models at a glance" in Page(render_html(many)).text
    assert "All models at a glance" not in Page(render_html(pair)).text


def test_parts_that_were_not_measured_are_left_out(pair: Report) -> None:
    results = tuple(
        dataclasses.replace(
            result, latency_by_length=(), confusion=None, labels=(), per_class={}, scores={}
        )
        for result in pair.results
    )
    report = dataclasses.replace(
        pair, results=results, examples=(), study=(), notes=(), command="", datasets=()
    )
    page = Page(render_html(report))
    for absent in ("Latency against length", "What is taken for what", "Beside the study"):
        assert absent not in page.text
    assert "Not shown, because the score or the CPU time is missing" in page.text


def test_an_empty_report_is_still_a_page(single: Report) -> None:
    report = dataclasses.replace(single, results=(), datasets=())
    assert "Nothing was measured" in Page(render_html(report)).text
