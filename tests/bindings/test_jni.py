"""Java's answers are Python's: what ``make jni`` built, run by the JVM of this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from squeezebert.checkpoint.bundle import write_bundle
from squeezebert.engine import _native

TEXTS = [
    "Angela Merkel flew to Washington.",
    "\U0001f600 Angela Merkel sprach in Köln mit Éva Szabó.",
    "The striker scored twice in the second half.",
    "",
]
GAPS = ["I would like [MASK] [MASK] of coffee.", "\U0001f600 Ich gehe [MASK] Hause."]
TYPED = ["", "Where is the statoin", "\U0001f600 See you tomo", "Wie spät is"]


@pytest.fixture
def java(root: Path) -> list[str]:
    built = root / "build" / "jni"
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("no JDK here")
    if not any(built.glob("libsqueezebert_jni.*")):
        pytest.skip("`make jni` built nothing here; it says what is missing")
    return ["java", "-Xcheck:jni", f"-Djava.library.path={built}", "-cp"]


def utf16(text: str, position: int) -> int:
    return len(text[:position].encode("utf-16-le")) // 2


def expected(call: str, model: _native.TextModel, text: str) -> list[str]:
    if call == "tag":
        return [
            f"{kind} {utf16(text, start)} {utf16(text, end)} {score}"
            for kind, start, end, score in model.tag(text)
        ]
    if call == "fill":
        return [f"{filled} {score}" for _, score, filled in model.fill_all(text, 3, words=True)]
    start, end, words = model.suggest(text, len(text), 3)
    shown = [f"{word} {kind.upper()} {score}" for word, kind, score in words]
    return [f"{utf16(text, start)} {utf16(text, end)}", *shown]


def same(one: str, two: str) -> bool:
    *words, score = one.split(" ")
    *others, other = two.split(" ")
    return words == others and float(score) == pytest.approx(float(other), abs=1e-6)


def test_answers_are_pythons(root: Path, java: list[str], tmp_path: Path) -> None:
    pretrained = root / "src" / "squeezebert" / "pretrained"
    asked = [("tag", "squeezebert-mini-ner", text) for text in TEXTS]
    asked += [("fill", "squeezebert-mini-mlm", text) for text in GAPS]
    asked += [("suggest", "squeezebert-mini-mlm", text) for text in TYPED]
    asked += [("classify", "squeezebert-mini-news", TEXTS[2])]
    lines = [f"{call}\t{pretrained / name}\t{text}" for call, name, text in asked]
    (tmp_path / "asked").write_text("\n".join(lines), encoding="utf-8")
    bundle = tmp_path / "ner.safetensors"
    write_bundle(pretrained / "squeezebert-mini-ner", bundle)
    classes, built = tmp_path / "classes", root / "build" / "jni"
    source = Path(__file__).with_name("Answers.java")
    subprocess.run(
        ["javac", "-encoding", "UTF-8", "-cp", built, "-d", classes, source],
        check=True,
    )
    paths = [tmp_path / "asked", bundle, tmp_path / "nowhere-ü", tmp_path / "answers"]
    done = subprocess.run(
        [*java, f"{built}:{classes}", "Answers", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING in native method" not in done.stdout + done.stderr
    *answers, buffers, wrong, threads = (
        (tmp_path / "answers").read_text(encoding="utf-8").splitlines()
    )
    models = {name: _native.TextModel(str(pretrained / name), 1) for _, name, _ in asked}
    assert len(answers) == len(asked)
    for (call, name, text), line in zip(asked, answers, strict=True):
        parts = line.split("\t")[:-1]
        if call == "classify":
            scores = models[name].classify(text, None)
            assert [float(part.split(" ")[1]) for part in parts] == pytest.approx(scores, abs=1e-6)
            continue
        right = expected(call, models[name], text)
        assert len(parts) == len(right)
        assert all(same(one, two) for one, two in zip(parts, right, strict=True)), (parts, right)
    assert buffers == "TOKEN_CLASSIFICATION true true"
    missing, head, place, closed = wrong.split("\t")
    assert missing.startswith("1 ")
    assert "nowhere-ü" in missing
    assert head.startswith("3 classify is for a text_classification head")
    assert place == "Turin"
    assert closed == "the model is closed"
    assert threads == "40 true true"
