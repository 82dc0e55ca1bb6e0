"""Lays out the pages of the site: Markdown of the repository, with the links of the site.

The documentation is plain Markdown that is read on a code host as well, so its links lead anywhere
in the repository: to cards of models, recipes, sources. What the navigation in ``zensical.toml``
names, and whatever that links to, comes into one folder; sources come as pages that show them. The
reference has a page for each module of ``REFERENCE``, filled from the docstrings by mkdocstrings.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

# What the pages need besides, and whose file it is.
ASSETS = {
    "assets/site.css": "docs/site/site.css",
    "assets/site.js": "docs/site/site.js",
    "assets/iframe-worker.js": "docs/site/iframe-worker.js",
    "assets/icon.svg": "src/squeezebert/playground/page/icon.svg",
}

# The modules that a user imports from, in the order of the reference, each with its ``__all__``.
REFERENCE = (
    "squeezebert",
    "squeezebert.tasks",
    "squeezebert.data",
    "squeezebert.comparison",
    "squeezebert.report",
    "squeezebert.engine",
    "squeezebert.model",
    "squeezebert.training",
    "squeezebert.quantization",
    "squeezebert.classical",
    "squeezebert.sklearn",
    "squeezebert.spacy",
)

IMAGES = {".gif", ".jpg", ".png", ".svg", ".webp"}
DATA = {".csv", ".json", ".jsonl"}
LANGUAGES = {"": "text", ".h": "c", ".mjs": "js", ".py": "python", ".sh": "bash"}

FENCE = re.compile(r"^ *(`{3,}|~{3,})")
# Code between backticks, or a link: its place and what may follow it, a title.
LINK = re.compile(r"(?P<code>(?P<ticks>`+).+?(?P=ticks))|\]\((?P<target>[^)\s]+)(?P<title>[^)]*)\)")
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#")


class BrokenLinkError(Exception):
    """A link to what the repository does not have, or not as a page."""


class Link(NamedTuple):
    """A link to a file of the repository: where it stands, and to what."""

    line: int
    source: str
    target: str


def place(path: str) -> str:
    """Where a file or folder of the repository stands on the site, both from their roots."""
    inside = path.removeprefix("docs/")
    if inside.endswith("/"):
        return inside + "index.md"
    if inside == "README.md" or inside.endswith("/README.md"):
        return inside.removesuffix("README.md") + "index.md"
    suffix = Path(inside).suffix
    return inside if suffix == ".md" or suffix in IMAGES | DATA else f"{inside}.md"


def resolve(source: str, line: int, target: str, root: Path) -> str:
    """The file that a link leads to, or the folder with a stroke at its end, from the root."""
    path = os.path.normpath(Path(source).parent / target)
    if path.startswith("..") or not (root / path).exists():
        raise BrokenLinkError(f"{source}:{line}: {target} leads to no file of the repository")
    if not (root / path).is_dir():
        return path
    return f"{path}/README.md" if (root / path / "README.md").is_file() else f"{path}/"


def rewritten(source: str, root: Path = ROOT) -> tuple[str, list[Link]]:
    """A page with its links as the site has them, and the files that they lead to."""
    lines: list[str] = []
    links: list[Link] = []
    fence = ""
    here = Path(place(source)).parent

    for number, line in enumerate((root / source).read_text(encoding="utf-8").splitlines(), 1):

        def replace(match: re.Match[str], number: int = number) -> str:
            target = match["target"]
            if target is None or OUTSIDE.match(target):
                return match[0]
            path, sharp, anchor = target.partition("#")
            found = resolve(source, number, path, root)
            links.append(Link(number, source, found))
            there = Path(os.path.relpath(place(found), here)).as_posix()
            return f"]({there}{sharp}{anchor}{match['title']})"

        marks = FENCE.match(line)
        if marks and not fence:
            fence = marks[1]
        elif marks and line.strip() == fence:
            fence = ""
        elif not fence:
            line = LINK.sub(replace, line)
        lines.append(line)
    return "\n".join(lines) + "\n", links


def shown(path: str, root: Path = ROOT) -> str:
    """A page that shows a source file."""
    code = (root / path).read_text(encoding="utf-8")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", code)), default=0) + 3)
    suffix = Path(path).suffix
    language = LANGUAGES.get(suffix, suffix.removeprefix("."))
    return f"# {path}\n\n{fence}{language}\n{code.rstrip()}\n{fence}\n"


def listed(path: str, root: Path = ROOT) -> tuple[str, list[Link]]:
    """A page that lists the files of a folder, and those files."""
    files = sorted(
        file
        for file in (root / path).rglob("*")
        if file.is_file() and not file.name.startswith(".")
    )
    links = [Link(0, path, file.relative_to(root).as_posix()) for file in files]
    names = [file.relative_to(root / path).as_posix() for file in files]
    here = Path(place(path)).parent
    items = [
        f"- [{name}]({Path(os.path.relpath(place(link.target), here)).as_posix()})"
        for name, link in zip(names, links, strict=True)
    ]
    return f"# {path.rstrip('/')}\n\n" + "\n".join(items) + "\n", links


def exported(module: str, root: Path = ROOT) -> list[str]:
    """The names in a module's ``__all__``, read without importing it."""
    path = root / "src" / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("__")]
    raise ValueError(f"{file} has no __all__")


def members(module: str) -> list[str]:
    """The names that the page of a module shows: not those that the package itself exports."""
    above = () if module == REFERENCE[0] else exported(REFERENCE[0])
    return [name for name in exported(module) if name not in above]


def reference(module: str) -> str:
    """The page of a module: its docstring, then what it exports."""
    heading = "show_root_heading: false\n      show_root_toc_entry: false"
    parts = [f"# {module}", f"::: {module}\n    options:\n      members: false\n      {heading}"]
    parts += [f"::: {module}.{name}" for name in members(module)]
    return "\n\n".join(parts) + "\n"


def navigated(nav: object) -> Iterator[str]:
    """The pages that a navigation names, by their places on the site."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for value in nav.values():
            yield from navigated(value)
    elif isinstance(nav, list):
        for value in nav:
            yield from navigated(value)


def source_of(page: str, root: Path = ROOT) -> str:
    """The file of the repository that stands at a place on the site."""
    readme = re.sub(r"(^|/)index\.md$", r"\1README.md", page)
    for path in (f"docs/{page}", readme, page.removesuffix(".md")):
        if (root / path).is_file() and place(path) == page:
            return path
    raise BrokenLinkError(f"zensical.toml: the navigation names {page}, which is no page")


def lay_out(folder: Path, root: Path = ROOT) -> list[str]:
    """Writes all pages into ``folder``, which is emptied first. Returns their sources."""
    project = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]
    texts = {f"reference/{module}.md": reference(module) for module in REFERENCE}
    wanted = [source_of(page, root) for page in navigated(project["nav"]) if page not in texts]
    came: dict[str, str] = {}
    shutil.rmtree(folder, ignore_errors=True)
    while wanted:
        path = wanted.pop()
        if path in came.values():
            continue
        page = place(path)
        if page in came or page in texts:
            raise BrokenLinkError(f"{path} and {came.get(page, page)} have one place on the site")
        came[page] = path
        if path.endswith((".md", "/")):
            texts[page], links = (listed if path.endswith("/") else rewritten)(path, root)
            wanted += [link.target for link in links]
        elif page.endswith(".md"):
            texts[page] = shown(path, root)
        else:
            copy(root / path, folder / page)
    for page, text in texts.items():
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).write_text(text, encoding="utf-8")
    for page, path in ASSETS.items():
        copy(root / path, folder / page)
    return sorted(came.values())


def copy(source: Path, target: Path) -> None:
    """Copies a file as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
