"""The npm package in Node: its answers are Python's, its README runs."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from squeezebert.playground import NativeAnswers, Site

PORTABLE = """
import json, sys
from squeezebert.playground import NativeAnswers, Site
site = Site(native=True)
answers = NativeAnswers(site.bundles, site.specs)
print(json.dumps([answers.answer(asked)["answer"] for asked in json.load(sys.stdin)]))
site.close()
"""


def texts(root: Path, name: str) -> list[str]:
    samples = root / "src" / "squeezebert" / "samples"
    if name.endswith(".conll"):
        blocks = (samples / name).read_text(encoding="utf-8").split("\n\n")
        sentences = [[line.split()[0] for line in block.splitlines() if line] for block in blocks]
        return [" ".join(words) for words in sentences if words]
    lines = (samples / name).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"] if "text" in row else row["turns"][0] for row in rows]


def questions(root: Path) -> list[dict[str, Any]]:
    """The sample data, thinned, and what is hard about strings."""
    asked: list[dict[str, Any]] = []
    odd = ["", "\U0001f600 Zürich, e\u0301te\u0301 — 東京\u200d!", "a" * 3000, "[MASK]\x00 x"]
    tagged = texts(root, "ner_en.conll")[::8] + texts(root, "ner_de.conll")[::8] + odd
    for model in ("squeezebert-mini-ner", "bert-mini-ner"):
        asked += [{"model": model, "call": "tag", "text": text} for text in tagged]
    for text in texts(root, "news.jsonl")[::5] + odd:
        asked.append({"model": "squeezebert-mini-news", "call": "classify", "text": text})
    for text in texts(root, "dialogues.jsonl")[::5] + odd:
        asked.append({"model": "squeezebert-mini-spam", "call": "classify", "text": text})
    filler: dict[str, Any] = {"model": "squeezebert-mini-mlm", "topK": 5}
    for text in texts(root, "dialogues.jsonl")[::5]:
        words = text.split()
        masked = " ".join([*words[: len(words) // 2], "[MASK]", *words[len(words) // 2 + 1 :]])
        asked.append({**filler, "call": "fill", "text": masked})
        cursor = len(text) * 2 // 3
        asked.append({**filler, "call": "suggest", "text": text[:cursor], "cursor": cursor})
    asked.append({**filler, "call": "suggest", "text": odd[1] + " the statoin", "cursor": 29})
    return asked


def same(got: object, expected: object) -> bool:
    """Equal, but for the last digits of numbers: compilers and libraries differ there."""
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return got == pytest.approx(expected, abs=2e-5)
    if isinstance(expected, list) and isinstance(got, list):
        pairs = zip(got, expected, strict=False)
        return len(got) == len(expected) and all(same(a, b) for a, b in pairs)
    if isinstance(expected, dict) and isinstance(got, dict):
        return got.keys() == expected.keys() and all(same(got[key], expected[key]) for key in got)
    return got == expected


def test_answers_equal_pythons(root: Path, package: Path, node: str, site: Path) -> None:
    asked = questions(root)
    assert len(asked) > 100
    stdin = json.dumps(asked)
    script = Path(__file__).with_name("answers.mjs")
    got = json.loads(_run(node, script, package, site / "models", stdin=stdin))
    # The kernels that have no instruction of their own, as in WebAssembly.
    portable = {**os.environ, "SQUEEZEBERT_ISA": "portable"}
    expected = json.loads(_run(sys.executable, "-c", PORTABLE, stdin=stdin, env=portable))
    different = [
        (question, mine, python)
        for question, mine, python in zip(asked, got, expected, strict=True)
        if not same(mine, python)
    ]
    assert different == []


def test_threads_give_the_same_answers(package: Path, node: str, site: Path) -> None:
    texts = [
        "Ada met Alan.",
        "Angela Merkel flog nach Zürich. " * 20,
        "Ada Lovelace in London. " * 60,
    ]
    script = f"""
    import {{ load }} from {json.dumps((package / "node.js").as_uri())};
    const model = {json.dumps(str(site / "models" / "squeezebert-mini-ner.safetensors"))};
    const said = [];
    for (const threads of [1, 2, 3]) {{
      const tag = await load(model, {{ threads }});
      const answers = [];
      for (let round = 0; round < 5; ++round) {{
        for (const text of {json.dumps(texts)}) answers.push(await tag(text));
      }}
      const error = await load(new Uint8Array(9), {{ threads }}).catch(({{ message }}) => message);
      said.push({{ threads: tag.info.threads, answers, error }});
    }}
    console.log(JSON.stringify(said));
    """
    one, *others = json.loads(_run(node, "--input-type=module", "-e", script))
    assert [said["threads"] for said in (one, *others)] == [1, 2, 3]
    assert len(one["answers"][2]) > 30
    for said in others:
        assert said["answers"] == one["answers"]
        assert said["error"] == one["error"]


def test_errors_are_told(package: Path, node: str, site: Path) -> None:
    script = f"""
    import {{ load, SqueezeBertError }} from {json.dumps((package / "node.js").as_uri())};
    const model = {json.dumps(str(site / "models" / "squeezebert-mini-mlm.safetensors"))};
    const told = async (call) => {{
      try {{ await call(); return "nothing"; }}
      catch (error) {{ return error instanceof SqueezeBertError ? error.message : String(error); }}
    }};
    const fill = await load(model, {{ task: "masked_lm" }});
    const said = [
      await told(() => fill("no gap")),
      await told(() => load(new Uint8Array(1000))),
      await told(() => load("/nowhere.safetensors")),
      await told(() => load(model, {{ task: "token_classification" }})),
      await told(() => fill.suggest("a", 9)),
    ];
    const pending = fill("[MASK]");
    fill.close();
    said.push(await told(() => pending), await told(() => fill("[MASK]")));
    console.log(JSON.stringify(said));
    """
    said = json.loads(_run(node, "--input-type=module", "-e", script))
    wanted = [r"\[MASK\].*\nhint: ", "header", "cannot be read", "task is masked_lm", "cursor"]
    for message, pattern in zip(said, [*wanted, "closed", "closed"], strict=True):
        assert re.search(pattern, message, re.DOTALL), said


def test_it_is_a_small_download(package: Path) -> None:
    scripts = [path.read_bytes() for path in package.glob("*.js")]
    for engine in ("engine.wasm", "engine_threads.wasm"):  # a page takes one of them
        shipped = [(package / engine).read_bytes(), *scripts]
        assert sum(len(gzip.compress(file, 9)) for file in shipped) < 250_000


def test_the_engine_asks_for_few_functions(package: Path, node: str) -> None:
    script = (
        "const bytes = require('fs').readFileSync(process.argv[1]);"
        "const module = new WebAssembly.Module(bytes);"
        "console.log(WebAssembly.Module.imports(module).length)"
    )
    assert int(_run(node, "-e", script, package / "engine.wasm")) < 25


def test_the_readme_runs(root: Path, package: Path, node: str, site: Path, tmp_path: Path) -> None:
    page = (root / "web" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```js\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 2
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "squeezebert").symlink_to(root / "web")
    (tmp_path / "models").symlink_to(site / "models")
    for number, (code, output) in enumerate(blocks):
        file = tmp_path / f"block_{number}.mjs"
        file.write_text(code, encoding="utf-8")
        assert _run(node, file, cwd=tmp_path) == output


def test_the_package_holds_what_it_needs(root: Path, package: Path) -> None:
    about = json.loads((root / "web" / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in about
    for entry in about["exports"].values():
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            assert (root / "web" / target).is_file()
    import squeezebert

    assert about["version"] == squeezebert.__version__


def test_native_answers_are_those_of_a_page(site: Path) -> None:
    files = Site(native=True)
    try:
        for name, path in files.bundles.items():
            assert path.read_bytes() == (site / "models" / f"{name}.safetensors").read_bytes()
        asked = {"model": "squeezebert-mini-ner", "call": "tag", "text": "Ada met Alan."}
        assert NativeAnswers(files.bundles, files.specs).answer(asked)["answer"]
    finally:
        files.close()


def _run(
    *command: str | Path,
    stdin: str | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    done = subprocess.run(
        command,
        input=stdin,
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
