"""Exports beside the model in PyTorch, which the exporter has no part in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import squeezebert
from squeezebert.errors import CheckpointError, InvalidInputError, MissingDependencyError
from squeezebert.exporting import MANIFEST, ONNX_FILES, export_onnx
from squeezebert.exporting.float32 import Float32Products
from squeezebert.model import load_model
from squeezebert.model.encoder import Encoder

Write = Callable[..., Path]

INPUTS = {
    "input_ids": np.array([[2, 9, 17, 30, 3], [2, 40, 3, 0, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
    "token_type_ids": np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]),
}


def run(path: Path, inputs: dict[str, np.ndarray] = INPUTS) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def expected(directory: Path) -> np.ndarray:
    model = load_model(directory)
    with torch.no_grad():
        output = model(*(torch.from_numpy(INPUTS[name]) for name in INPUTS))
    return (output.last_hidden_state if isinstance(model, Encoder) else output.logits).numpy()


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Where there are tokens."""
    if ours.ndim == 3:
        mask = INPUTS["attention_mask"].astype(bool)
        ours, theirs = ours[mask], theirs[mask]
    return float(np.abs(ours - theirs).max())


@pytest.mark.parametrize("kind", ["masked_lm", "single_label", "regression", "tokens", "encoder"])
@pytest.mark.parametrize("shape", ["squeezebert", "bert"])
def test_every_head_answers_as_in_pytorch(
    kind: str, shape: str, write_model: Write, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "model", kind=kind, shape=shape)
    manifest = export_onnx(source, tmp_path / "onnx")
    temperature = {"single_label": 1.7, "tokens": 0.6}.get(kind, 1.0)
    ours = expected(source) / temperature
    assert difference(ours, run(tmp_path / "onnx" / ONNX_FILES["float32"])) < 1e-4
    rounded = run(tmp_path / "onnx" / ONNX_FILES["int8"])
    assert difference(ours, rounded) < 0.2 * np.abs(ours).max()
    assert [one.precision for one in manifest.files] == ["float32", "int8"]


@pytest.mark.parametrize(
    "shape",
    ["bottleneck", "heads in two groups", "unlike groups", "gelu_new", "relu", "silu", "wide"],
)
def test_every_shape(shape: str, write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="masked_lm", shape=shape)
    export_onnx(source, tmp_path / "onnx")
    ours = expected(source)
    assert difference(ours, run(tmp_path / "onnx" / ONNX_FILES["float32"])) < 1e-4
    assert difference(ours, run(tmp_path / "onnx" / ONNX_FILES["int8"])) < 0.2 * np.abs(ours).max()


def test_a_decoder_of_its_own(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="masked_lm", shape="wide", tied=False)
    export_onnx(source, tmp_path / "onnx")
    ours = expected(source)
    for precision, bound in (("float32", 1e-4), ("int8", 0.2 * np.abs(ours).max())):
        assert difference(ours, run(tmp_path / "onnx" / ONNX_FILES[precision])) < bound


def test_an_old_pytorch_model(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="tokens")
    from safetensors.torch import load_file

    torch.save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    ours = expected(source) / 0.6
    (source / "model.safetensors").unlink()
    export_onnx(source, tmp_path / "onnx", precisions=["float32"])
    assert difference(ours, run(tmp_path / "onnx" / ONNX_FILES["float32"])) < 1e-4


def test_int8_is_smaller_and_has_whole_numbers(write_model: Write, tmp_path: Path) -> None:
    import onnx

    source = write_model(tmp_path / "model", kind="single_label", shape="wide")
    export_onnx(source, tmp_path / "onnx")
    sizes = [(tmp_path / "onnx" / path).stat().st_size for path in ONNX_FILES.values()]
    assert sizes[1] < 0.5 * sizes[0]
    graph = onnx.load(tmp_path / "onnx" / ONNX_FILES["int8"]).graph
    assert sum(node.op_type == "MatMulInteger" for node in graph.node) > 10
    domains = {node.domain for node in graph.node}
    assert domains == {""}, "operators of one run-time alone"


def test_probabilities_are_ours(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="single_label")
    export_onnx(source, tmp_path / "onnx", precisions=["float32"])
    pipeline = squeezebert.load(source, task="text_classification", precision="float32")
    ours = pipeline("the cat sat on the mat")
    ids = np.array(
        [
            pipeline.task.encode([pipeline.task.from_text(ours_text)])[0].input_ids
            for ours_text in ["the cat sat on the mat"]
        ],
        dtype=np.int64,
    )
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    logits = run(
        tmp_path / "onnx" / ONNX_FILES["float32"], inputs | {"token_type_ids": np.zeros_like(ids)}
    )[0]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    assert shares == pytest.approx(
        [ours.probabilities[label] for label in pipeline.labels], abs=1e-5
    )


def test_the_manifest_tells_what_was_verified(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="masked_lm")
    export_onnx(source, tmp_path / "onnx")
    content = json.loads((tmp_path / "onnx" / MANIFEST).read_text())
    assert content["source"] == "model"
    assert (content["format"], content["task"], content["opset"]) == ("onnx", "masked_lm", 17)
    assert content["data"] == ["sample_dialogues"]
    assert content["texts"] > 10
    exact, rounded = content["files"]
    assert exact["agreement"]["same_answers"] == exact["agreement"]["answers"] > 50
    assert exact["agreement"]["max_difference"] < 1e-3
    assert rounded["agreement"]["cosine"] > 0.97
    assert {"onnx", "onnxruntime", "squeezebert"} <= set(content["versions"])
    assert str(tmp_path) not in json.dumps(content)


def test_a_wrong_export_is_refused_and_leaves_nothing(
    write_model: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_model(tmp_path / "model", kind="single_label")
    right = Float32Products.project

    def wrong(self, graph, x, layer):
        y = right(self, graph, x, layer)
        if not layer.name.endswith("blocks.1.intermediate"):
            return y
        return graph.add("Mul", [y, graph.constant("slip", np.float32(1.05))], "slip")

    monkeypatch.setattr(Float32Products, "project", wrong)
    with pytest.raises(CheckpointError, match="does not answer as the engine does"):
        export_onnx(source, tmp_path / "onnx", precisions=["float32"])
    assert not (tmp_path / "onnx").exists()


def test_what_cannot_be_exported(
    write_model: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_model(tmp_path / "model", kind="tokens")
    with pytest.raises(InvalidInputError, match="the precisions are"):
        export_onnx(source, tmp_path / "onnx", precisions=[])
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    with pytest.raises(InvalidInputError, match="is there already"):
        export_onnx(source, tmp_path / "taken")
    config = json.loads((source / "config.json").read_text())
    config["architectures"] = ["SqueezeBertForMultipleChoice"]
    (source / "config.json").write_text(json.dumps(config))
    (source / "task.json").unlink()
    with pytest.raises(InvalidInputError, match="multiple_choice head, which is not exported"):
        export_onnx(source, tmp_path / "onnx")
    monkeypatch.setattr("squeezebert.exporting.export.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"squeezebert\[onnx\]"):
        export_onnx(source, tmp_path / "onnx")
