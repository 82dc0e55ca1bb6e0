from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from squeezebert.errors import ConfigError
from squeezebert.model import HeadConfig, TaskModel, load_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.distillation.loss import (
    mean_vectors,
    relation_divergence,
    soft_label_loss,
    state_distance,
    vector_divergence,
)
from squeezebert.training.distillation.teaching import make_student
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.losses import cross_entropy_loss
from squeezebert.training.loop.start import start_model
from squeezebert.training.pretraining.pretrain import pretrain
from squeezebert.training.recipe.run import (
    CorpusSource,
    DistillationRecipe,
    FinetuneRecipe,
    ModelRecipe,
    PretrainRecipe,
)

TEACHER_SHAPE = {
    "hidden_size": 48,
    "embedding_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


def distilling(recipe: PretrainRecipe, **settings: object) -> PretrainRecipe:
    return dataclasses.replace(recipe, distillation=DistillationRecipe(**settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def teacher(tiny_pretraining: PretrainRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT wider and deeper than the student, trained a little."""
    output = tmp_path_factory.mktemp("teacher")
    model = dataclasses.replace(tiny_pretraining.model, start="bert-mini", shape=TEACHER_SHAPE)
    loop = dataclasses.replace(tiny_pretraining.loop, max_steps=30, evaluate_steps=30)
    pretrain(dataclasses.replace(tiny_pretraining, model=model, loop=loop), output)
    return output


def masked_lm(recipe: ModelRecipe, tokenizer: Tokenizer) -> TaskModel:
    torch.manual_seed(0)
    return start_model(recipe, HeadConfig(kind="masked_lm"), tokenizer)


def batch(tokenizer: Tokenizer, *, padded: bool = False) -> Batch:
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(5, tokenizer.vocab_size, (3, 10), generator=draw)
    inputs = {"input_ids": ids}
    if padded:
        inputs["attention_mask"] = torch.arange(10)[None] < torch.tensor([10, 4, 7])[:, None]
    return Batch(inputs=inputs, labels=torch.zeros(0), targets=30, tokens=30)


# --- the parts ------------------------------------------------------------------------------------


def test_vectors_are_compared_by_whom_they_resemble() -> None:
    draw = torch.Generator().manual_seed(0)
    a = torch.nn.functional.normalize(torch.randn(6, 8, generator=draw), dim=-1)
    turned, _ = torch.linalg.qr(torch.randn(8, 8, generator=draw))
    assert vector_divergence(a @ turned, a).abs() < 1e-5  # the same angles in another basis
    b = torch.nn.functional.normalize(torch.randn(6, 5, generator=draw), dim=-1)
    others = ~torch.eye(6, dtype=torch.bool)
    target, ours = (torch.softmax((x @ x.T / 0.05)[others].view(6, 5), -1) for x in (a, b))
    expected = (target * (target / ours).log()).sum(-1).mean()
    torch.testing.assert_close(vector_divergence(b, a), expected, rtol=1e-3, atol=1e-4)


def test_a_vector_is_the_mean_of_the_tokens_that_are_shown() -> None:
    states = torch.randn(2, 3, 4)
    shown = torch.tensor([[True, True, False], [True, True, True]])
    found = mean_vectors(states, shown)
    expected = torch.nn.functional.normalize(states[0, :2].mean(dim=0), dim=0)
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(found[1], mean_vectors(states[1:], None)[0])


def test_soft_labels_are_a_divergence_times_the_squared_temperature() -> None:
    ours, theirs = torch.randn(5, 7), torch.randn(5, 7)
    expected = torch.nn.functional.kl_div(
        torch.log_softmax(ours / 3, -1), torch.softmax(theirs / 3, -1), reduction="batchmean"
    )
    torch.testing.assert_close(soft_label_loss(ours, theirs, 3.0), 9 * expected)
    assert soft_label_loss(ours, ours, 2.0).abs() < 1e-6


def test_states_are_compared_in_units_of_the_teachers_variance() -> None:
    theirs = torch.randn(2, 50, 8) * 3 + 1
    shown = torch.ones(2, 50, dtype=torch.bool)
    constant = theirs.mean(dim=(0, 1), keepdim=True).expand_as(theirs)
    torch.testing.assert_close(state_distance(constant, theirs, shown), torch.tensor(1.0))
    torch.testing.assert_close(
        state_distance(theirs + 1, theirs, shown),
        state_distance(10 * theirs + 10, 10 * theirs, shown),
    )


def test_what_padding_holds_changes_neither_states_nor_relations() -> None:
    shown = torch.tensor([[True, True, True, False]])
    ours, theirs = torch.randn(1, 4, 8), torch.randn(1, 4, 16)
    other, others = ours.clone(), theirs.clone()
    other[0, 3], others[0, 3] = 99.0, -99.0
    assert state_distance(ours, theirs[..., :8], shown) == state_distance(
        other, others[..., :8], shown
    )
    assert relation_divergence(ours, theirs, shown, heads=4) == relation_divergence(
        other, others, shown, heads=4
    )


def test_relations_compare_vectors_of_any_width_by_heads() -> None:
    shown = torch.ones(1, 3, dtype=torch.bool)
    x, y = torch.randn(1, 3, 4), torch.randn(1, 3, 6)
    total = torch.zeros(())
    for head in range(2):
        a, b = x[0, :, 2 * head : 2 * head + 2], y[0, :, 3 * head : 3 * head + 3]
        ours = torch.log_softmax(a @ a.T / 2**0.5, -1)
        theirs = torch.softmax(b @ b.T / 3**0.5, -1)
        total += torch.nn.functional.kl_div(ours, theirs, reduction="batchmean") / 2
    torch.testing.assert_close(relation_divergence(x, y, shown, heads=2), total)
    turned = y.flip(-1)  # heads change places and dimensions within them: products stay
    assert relation_divergence(turned, y, shown, heads=1).abs() < 1e-6


# --- a student and its teachers -------------------------------------------------------------------


def test_a_student_that_is_its_teacher_has_nothing_to_learn(
    teacher: Path, tokenizer: Tokenizer
) -> None:
    model = load_model(teacher)
    assert isinstance(model, TaskModel)
    recipe = DistillationRecipe(
        teachers=(str(teacher),), task=0, hidden=1, embeddings=1, relations=1, relation_heads=4
    )
    student, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
    assert loss.measure(student, batch(tokenizer, padded=True)) < 1e-6
    assert loss(student, batch(tokenizer)) < 1e-4
    with torch.no_grad():
        model.encoder.blocks[1].output.bias[0] += 1.0  # type: ignore[union-attr, operator]
    assert loss.measure(student, batch(tokenizer)) > 1e-3


def test_gradients_reach_the_student_and_the_projections_and_no_teacher(
    teacher: Path, tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer
) -> None:
    recipe = DistillationRecipe(
        teachers=(str(teacher), str(teacher)), task=0, hidden=1, relations=1, relation_heads=4
    )
    model = masked_lm(tiny_pretraining.model, tokenizer)
    student, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
    names = {name for name, _ in student.named_parameters()}
    assert {name for name in names if not name.startswith("model.")} == {
        f"up.{number}.{part}" for number in (0, 1) for part in ("weight", "bias")
    }
    loss(student, batch(tokenizer)).backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0
        for name, parameter in student.named_parameters()
        if "up." in name or "encoder.blocks.0.attention" in name
    )
    head = [p.grad for n, p in student.named_parameters() if "head.transform" in n]
    assert head
    assert head == [None] * len(head)  # no loss asked for it


@pytest.mark.parametrize("project", [False, True])
def test_equal_widths_are_compared_one_by_one_unless_a_projection_is_asked_for(
    project: bool, teacher: Path, tokenizer: Tokenizer
) -> None:
    model = load_model(teacher)
    assert isinstance(model, TaskModel)
    recipe = DistillationRecipe(teachers=(str(teacher),), task=0, hidden=1, project=project)
    student, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
    assert bool(list(student.up.parameters())) == project
    # Its own teacher: only through a projection that has learnt nothing yet is there a distance.
    assert (loss.measure(student, batch(tokenizer)) > 0.1) == project


def test_layers_are_paired_evenly_or_as_told(
    teacher: Path, tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer
) -> None:
    def pairs(**settings: object) -> list[tuple[int, int]]:
        recipe = DistillationRecipe(teachers=(str(teacher),), hidden=1, **settings)  # type: ignore[arg-type]
        model = masked_lm(tiny_pretraining.model, tokenizer)
        student, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
        return list(zip(student.layers, loss.teachers[0].layers, strict=True))

    assert pairs() == [(0, 1), (1, 3)]
    assert pairs(layers=((1, 4), (2, 1))) == [(0, 3), (1, 0)]


# --- runs -----------------------------------------------------------------------------------------


def test_pretraining_from_a_teacher_alone_nears_it_on_held_out_text(
    teacher: Path, tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    recipe = distilling(
        tiny_pretraining,
        teachers=(str(teacher),),
        task=0.0,
        hidden=1.0,
        relations=1.0,
        relation_heads=4,
    )
    loop = dataclasses.replace(recipe.loop, max_steps=40, evaluate_steps=10)
    result = pretrain(dataclasses.replace(recipe, loop=loop), tmp_path / "out")
    assert result.main_score == "distillation_loss"
    metrics = (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()
    dev = [line for line in map(json.loads, metrics) if line["kind"] == "dev"]
    assert dev[-1]["distillation_loss"] < 0.9 * dev[0]["distillation_loss"]
    model = load_model(tmp_path / "out")
    assert isinstance(model, TaskModel)
    assert model.head_config.kind == "masked_lm"


@pytest.mark.parametrize("sentence_order", [False, True])
def test_soft_labels_of_a_masked_lm_go_beside_its_own_loss(
    teacher: Path, tiny_pretraining: PretrainRecipe, tmp_path: Path, sentence_order: bool
) -> None:
    recipe = distilling(tiny_pretraining, teachers=(str(teacher),), task=0.5, logits=0.5)
    masking = dataclasses.replace(recipe.masking, sentence_order=sentence_order)
    result = pretrain(dataclasses.replace(recipe, masking=masking), tmp_path / "out")
    assert result.main_score == "masked_loss"
    assert {"masked_loss", "masked_accuracy", "distillation_loss"} <= set(result.scores)


def test_fine_tuning_learns_the_teachers_labels_without_any_of_its_own(
    sentiment: Path, tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    assert accuracy_of_taught(tiny_classification, tmp_path) > 0.8


def accuracy_of_taught(
    recipe: FinetuneRecipe, directory: Path, student_tokenizer: str | None = None
) -> float:
    """Of a student that sees soft labels only, of a teacher made by the same recipe."""
    teacher = directory / "teacher"
    finetune(recipe, teacher)
    model = recipe.model
    if student_tokenizer is not None:
        model = dataclasses.replace(model, tokenizer=student_tokenizer)
    learnt = DistillationRecipe(teachers=(str(teacher),), task=0.0, logits=1.0)
    taught = dataclasses.replace(recipe, model=model, distillation=learnt)
    result = finetune(taught, directory / "student")
    return result.scores[result.main_score]


def test_soft_labels_kept_over_epochs_are_those_of_the_teacher(
    sentiment: Path, tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    teacher = tmp_path / "teacher"
    finetune(tiny_classification, teacher)
    scores: list[float] = []
    for epochs in (2.0, 1.9):  # once for all, and batch by batch
        loop = dataclasses.replace(tiny_classification.loop, epochs=epochs, log_steps=1)
        learnt = DistillationRecipe(teachers=(str(teacher),), task=0.0, logits=1.0)
        recipe = dataclasses.replace(tiny_classification, distillation=learnt, loop=loop)
        output = tmp_path / str(epochs)
        finetune(recipe, output)
        lines = map(json.loads, (output / "metrics.jsonl").read_text().splitlines())
        scores.append(next(line["loss"] for line in lines if line["kind"] == "train"))
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


def test_teachers_go_where_the_batches_are(teacher: Path, tokenizer: Tokenizer) -> None:
    model = load_model(teacher)
    assert isinstance(model, TaskModel)
    recipe = DistillationRecipe(teachers=(str(teacher),), task=0, hidden=1)
    _, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
    loss.teachers[0].look(batch(tokenizer).to(torch.device("meta")))
    assert loss.teachers[0].trace.hidden[0].device.type == "meta"


# --- another vocabulary ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_vocabulary(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with capital and small letters and other pieces."""
    directory = tmp_path_factory.mktemp("other")
    lines = corpus.read_text(encoding="utf-8").splitlines()
    Tokenizer.train(lines, vocab_size=40, lowercase=False).save(directory)
    return directory


def test_a_teacher_of_another_vocabulary_is_neared_word_by_word(
    teacher: Path, tiny_pretraining: PretrainRecipe, other_vocabulary: Path, tmp_path: Path
) -> None:
    model = dataclasses.replace(tiny_pretraining.model, tokenizer=str(other_vocabulary))
    loop = dataclasses.replace(tiny_pretraining.loop, max_steps=60, evaluate_steps=1)
    recipe = distilling(
        dataclasses.replace(tiny_pretraining, model=model, loop=loop),
        teachers=(str(teacher),),
        task=0.0,
        hidden=1.0,
        relations=1.0,
        relation_heads=4,
    )
    result = pretrain(recipe, tmp_path / "out")
    metrics = (tmp_path / "out" / "metrics.jsonl").read_text().splitlines()
    dev = [line for line in map(json.loads, metrics) if line["kind"] == "dev"]
    assert result.scores["distillation_loss"] < 0.5 * dev[0]["distillation_loss"]


def test_a_classifier_learns_labels_from_another_vocabulary(
    sentiment: Path, tiny_classification: FinetuneRecipe, other_vocabulary: Path, tmp_path: Path
) -> None:
    assert accuracy_of_taught(tiny_classification, tmp_path, str(other_vocabulary)) > 0.8


def test_teachers_keep_to_the_rows_they_are_to_teach_on(
    teacher: Path, tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer
) -> None:
    model = masked_lm(tiny_pretraining.model, tokenizer)
    recipe = DistillationRecipe(teachers=(str(teacher),), hidden=1.0, logits=1.0)
    student, loss = make_student(model, recipe, tokenizer, cross_entropy_loss)
    whole = batch(tokenizer)
    positions = torch.tensor([3, 8, 12, 25])  # two in the first row, one in each of the others
    whole = dataclasses.replace(whole, inputs={**whole.inputs, "positions": positions})
    part = Batch(
        inputs={
            "input_ids": whole.inputs["input_ids"][[0, 2]],
            "positions": torch.tensor([3, 8, 15]),
        },
        labels=whole.labels,
        targets=3,
        tokens=20,
    )
    student.eval()
    taught = dataclasses.replace(whole, taught=torch.tensor([True, False, True]))
    torch.testing.assert_close(loss.measure(student, taught), loss.measure(student, part))
    nobody = dataclasses.replace(whole, taught=torch.tensor([False, False, False]))
    assert loss.measure(student, nobody) == 0


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 1.0, "layers": ((3, 1),)}, "the student has no layer 3"),
        ({"hidden": 1.0, "layers": ((1, 9),)}, "has no layer 9"),
        ({"relations": 1.0, "relation_heads": 5}, "does not divide a width of 32"),
    ],
)
def test_layers_and_heads_that_are_not_there_are_refused(
    teacher: Path,
    tiny_pretraining: PretrainRecipe,
    tokenizer: Tokenizer,
    settings: dict[str, object],
    message: str,
) -> None:
    recipe = DistillationRecipe(teachers=(str(teacher),), **settings)  # type: ignore[arg-type]
    model = masked_lm(tiny_pretraining.model, tokenizer)
    with pytest.raises(ConfigError, match=message):
        make_student(model, recipe, tokenizer, cross_entropy_loss)


def test_soft_labels_of_another_vocabulary_are_refused(
    teacher: Path, tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer
) -> None:
    model = masked_lm(tiny_pretraining.model, tokenizer)
    recipe = DistillationRecipe(teachers=("squeezebert-mini-mlm",), logits=1.0)
    with pytest.raises(ConfigError, match="another vocabulary") as error:
        make_student(model, recipe, tokenizer, cross_entropy_loss)
    assert error.value.hint is not None
    assert "distillation.logits to 0" in error.value.hint


def test_text_that_nobody_teaches_on_wants_a_loss_of_its_own(
    tiny_pretraining: PretrainRecipe,
) -> None:
    sources = (CorpusSource(path="german.txt", taught=False),)
    corpus = dataclasses.replace(tiny_pretraining.corpus, sources=sources)
    recipe = dataclasses.replace(tiny_pretraining, corpus=corpus)
    with pytest.raises(ConfigError, match=r"nothing is learnt on german\.txt"):
        distilling(recipe, teachers=("a",), task=0.0, hidden=1.0)


def test_soft_labels_want_the_same_head(
    teacher: Path, tiny_classification: FinetuneRecipe, sentiment: Path, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(
        tiny_classification, distillation=DistillationRecipe(teachers=(str(teacher),), logits=1.0)
    )
    with pytest.raises(ConfigError, match="a masked_lm head"):
        finetune(recipe, tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"teachers": ("a",)}, "nothing to learn from them"),
        ({"hidden": -1.0}, "hidden is -1.0"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"layers": ((1,),)}, "pairs"),
        ({"relation_layers": (1,)}, "one pair"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DistillationRecipe(**settings)  # type: ignore[arg-type]
