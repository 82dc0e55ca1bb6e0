"""The site of docs/: whole, read without a network, and saying what the Markdown says."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from docs.site.build import build
from docs.site.pages import (
    REFERENCE,
    ROOT,
    BrokenLinkError,
    exported,
    listed,
    navigated,
    place,
    rewritten,
    shown,
    source_of,
)

# What is opened in a browser: text and pictures, tables, code, the reference.
OPENED = ("index.html", "choosing.html", "c_api.html", "reference/squeezebert.engine.html")
WIDTHS = (390, 1280)
PATIENCE_MS = 300_000


def test_places() -> None:
    assert place("README.md") == "index.md"
    assert place("docs/python.md") == "python.md"
    assert place("docs/images/demo.svg") == "images/demo.svg"
    assert place("docs/results/") == "results/index.md"
    assert place("web/README.md") == "web/index.md"
    assert place("examples/c/text.c") == "examples/c/text.c.md"
    assert place("Dockerfile") == "Dockerfile.md"


@pytest.fixture
def little(tmp_path: Path) -> Path:
    """A repository of a page and what it links to."""
    (tmp_path / "docs" / "tables").mkdir(parents=True)
    (tmp_path / "docs" / "tables" / "a.csv").write_text("1\n", encoding="utf-8")
    (tmp_path / "tool.py").write_text('"""Makes ```fences```."""\n', encoding="utf-8")
    return tmp_path


def test_links_lead_to_the_pages_of_the_site(little: Path) -> None:
    page = (
        "[a tool](../tool.py) `[none](x)` [here](#part) [there](https://example.org/)\n"
        '[files](tables "all") and [one](tables/a.csv#top)\n\n```\n[none](y)\n```\n'
    )
    (little / "docs" / "page.md").write_text(page, encoding="utf-8")
    text, links = rewritten("docs/page.md", little)
    assert text == (
        "[a tool](tool.py.md) `[none](x)` [here](#part) [there](https://example.org/)\n"
        '[files](tables/index.md "all") and [one](tables/a.csv#top)\n\n```\n[none](y)\n```\n'
    )
    assert [link.target for link in links] == ["tool.py", "docs/tables/", "docs/tables/a.csv"]
    assert shown("tool.py", little).splitlines()[2:] == [
        "``````python",
        '"""Makes ```fences```."""',
        "``````",
    ]
    assert listed("docs/tables/", little)[0] == "# docs/tables\n\n- [a.csv](a.csv)\n"


@pytest.mark.parametrize("target", ["gone.md", "../gone/", "../../above.md"])
def test_a_broken_link_is_named(little: Path, target: str) -> None:
    (little / "docs" / "page.md").write_text(f"# Page\n\n[x]({target})\n", encoding="utf-8")
    with pytest.raises(BrokenLinkError, match=rf"^docs/page\.md:3: {re.escape(target)} leads to"):
        rewritten("docs/page.md", little)


def test_every_page_is_in_the_navigation() -> None:
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    pages = list(navigated(project["nav"]))
    assert len(pages) == len(set(pages))
    sources = {source_of(page) for page in pages if not page.startswith("reference/")}
    wanted = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert wanted - sources == set(), "add a line to `nav` in zensical.toml"
    assert [page for page in pages if page.startswith("reference/")] == [
        f"reference/{module}.md" for module in REFERENCE
    ]


@pytest.mark.parametrize("module", ["squeezebert", "squeezebert.tasks", "squeezebert.spacy"])
def test_exported_names_are_read_from_the_sources(module: str) -> None:
    pytest.importorskip("spacy")
    names = __import__(module, fromlist=["__all__"]).__all__
    assert exported(module) == [name for name in names if not name.startswith("__")]


def checkout(folder: Path) -> Path:
    """The repository with folders of its own for what is built, and for the pages of docs/."""
    for path in ROOT.iterdir():
        if path.name not in (".cache", ".git", "build", "docs", "zensical.toml"):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew."""
    pytest.importorskip("zensical", reason="make docs needs squeezebert[docs]")
    pytest.importorskip("mkdocstrings", reason="make docs needs squeezebert[docs]")
    root = checkout(tmp_path_factory.mktemp("checkout"))
    assert build(root) == []
    return root / "build" / "site"


@pytest.mark.slow
def test_a_wrong_anchor_and_a_wrong_name_are_errors(tmp_path: Path, site: Path) -> None:
    root = checkout(tmp_path)
    page = root / "docs" / "design.md"
    page.write_text("# Design\n\n[x](python.md#no-such-part) [y][squeezebert.lode]\n", "utf-8")
    remarks = "\n".join(build(root))
    assert "no-such-part" in remarks
    assert "squeezebert.lode" in remarks


class Outline(HTMLParser):
    """Counts blocks of a page's article."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == "article"
        if self.inside and tag in ("li", "pre", "table", "h2", "h3", "img"):
            self.found[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "article"


def outline_on_a_code_host(text: str) -> Counter[str]:
    """The same counts by the rules of CommonMark, where lists and code need less indentation."""
    found: Counter[str] = Counter()
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            found["pre"] += 1
        elif token.nesting == 1 and token.tag in ("li", "table", "h2", "h3"):
            found[token.tag] += 1
        found["img"] += sum(child.type == "image" for child in token.children or ())
    return +found


@pytest.mark.slow
def test_pages_have_the_parts_that_a_code_host_shows(site: Path) -> None:
    pages = site.parent / "docs"
    differing: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for page in sorted(pages.rglob("*.md")):
        name = page.relative_to(pages)
        if name.parts[0] == "reference":
            continue
        outline = Outline()
        outline.feed((site / name).with_suffix(".html").read_text(encoding="utf-8"))
        expected = outline_on_a_code_host(page.read_text(encoding="utf-8"))
        if outline.found != expected:
            differing[str(name)] = (outline.found, expected)
    assert differing == {}


@pytest.mark.slow
def test_the_reference_has_what_is_exported(site: Path) -> None:
    for module in REFERENCE:
        page = (site / "reference" / f"{module}.html").read_text(encoding="utf-8")
        assert "&gt;&gt;&gt;" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
        assert not re.search(r":(func|class|meth|mod|data):", page)
        for name in exported(module):
            home = "squeezebert" if name in exported("squeezebert") else module
            there = (site / "reference" / f"{home}.html").read_text(encoding="utf-8")
            assert f'id="{home}.{name}"' in there, f"{module}.{name}"


@pytest.mark.slow
def test_it_is_read_from_a_folder_without_a_network(browser: Any, site: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type("bad-rows")
    page.wait_for_selector("text=/[1-9][0-9]* results?/")
    page.wait_for_selector("a[href*='own_data.html']")
    for name in OPENED:
        page.goto((site / name).as_uri())
        page.wait_for_load_state("load")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert said == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, site: Path, scheme: str) -> None:
    script = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core comes with `make web`")
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for name in OPENED:
            page.goto((site / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.evaluate(script.read_text(encoding="utf-8"))
            found = page.evaluate("axe.run().then(result => result.violations)")
            told = [
                (one["id"], [node["html"] for node in one["nodes"]])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert told == [], (name, width)
    context.close()
