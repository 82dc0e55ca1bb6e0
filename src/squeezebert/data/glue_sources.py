"""GLUE's data sets (Wang et al. 2019) and their German kin, as :mod:`squeezebert.data.sources` has
them. The test labels of most are not public.
"""

from __future__ import annotations

from collections.abc import Mapping

from squeezebert.data.layouts import HubFiles, Source, Table, split_files


def _hub(name: str, train: bool = True, dev: str = "validation") -> HubFiles:
    parts = {"train": "train", "dev": dev} if train else {"dev": dev}
    return HubFiles(
        repository="nyu-mll/glue",
        files={split: f"{name}/{part}-00000-of-00001.parquet" for split, part in parts.items()},
    )


_DEV_ONLY = "the test labels are not public: use dev"
_NLI = ("entailment", "neutral", "contradiction")
_MNLI = Table(
    text="premise",
    pair="hypothesis",
    label_names={str(code): name for code, name in enumerate(_NLI)},
)
_STS = Table(text="sentence1", pair="sentence2", label="score")

GLUE_SOURCES: Mapping[str, Source] = {
    "sst2": Source(
        task="text_classification",
        files=split_files("glue/SST-2", "train.tsv", "dev.tsv"),
        layout=Table(text="sentence", label_names={"0": "negative", "1": "positive"}),
        labels=("negative", "positive"),
        languages=("en",),
        license="not stated (research)",
        note=_DEV_ONLY,
    ),
    "cola": Source(
        task="text_classification",
        files=split_files("glue/CoLA", "train.tsv", "dev.tsv"),
        layout=Table(text="3", label="1", label_names={"0": "unacceptable", "1": "acceptable"}),
        labels=("unacceptable", "acceptable"),
        languages=("en",),
        license="not stated (research)",
        note=_DEV_ONLY,
    ),
    "mrpc": Source(
        task="text_classification",
        files=split_files("glue/MRPC", "train.tsv", "dev.tsv", "msr_paraphrase_test.txt"),
        layout=Table(
            text="#1 String",
            pair="#2 String",
            label="Quality",
            label_names={"0": "not_equivalent", "1": "equivalent"},
            delimiter="\t",
        ),
        labels=("not_equivalent", "equivalent"),
        languages=("en",),
        license="Microsoft Research license",
    ),
    "rte": Source(
        task="text_classification",
        files=split_files("glue/RTE", "train.tsv", "dev.tsv"),
        layout=Table(text="sentence1", pair="sentence2"),
        labels=("entailment", "not_entailment"),
        languages=("en",),
        license="research",
        note=_DEV_ONLY,
    ),
    "wnli": Source(
        task="text_classification",
        files=split_files("glue/WNLI", "train.tsv", "dev.tsv"),
        layout=Table(
            text="sentence1",
            pair="sentence2",
            label_names={"0": "not_entailment", "1": "entailment"},
        ),
        labels=("not_entailment", "entailment"),
        languages=("en",),
        license="CC BY 4.0",
        note="dev repeats train's sentences with other labels: most models fall below 56 %",
    ),
    "qnli": Source(
        task="text_classification",
        files=split_files("glue/QNLI", "train.parquet", "dev.parquet"),
        hub=_hub("qnli"),
        layout=Table(
            text="question",
            pair="sentence",
            label_names={"0": "entailment", "1": "not_entailment"},
        ),
        labels=("entailment", "not_entailment"),
        languages=("en",),
        license="CC BY-SA 4.0",
        note=_DEV_ONLY,
    ),
    "qqp": Source(
        task="text_classification",
        files=split_files("glue/QQP", "train.parquet", "dev.parquet"),
        hub=_hub("qqp"),
        layout=Table(
            text="question1",
            pair="question2",
            label_names={"0": "not_duplicate", "1": "duplicate"},
            empty="keep",
        ),
        labels=("not_duplicate", "duplicate"),
        languages=("en",),
        license="non-commercial (Quora's terms)",
        note=_DEV_ONLY,
    ),
    "mnli": Source(
        task="text_classification",
        files=split_files("glue/MNLI", "train.parquet", "dev_matched.parquet"),
        hub=_hub("mnli", dev="validation_matched"),
        layout=_MNLI,
        labels=_NLI,
        languages=("en",),
        license="mostly OANC's, open",
        note=f"dev is the matched one; {_DEV_ONLY}",
    ),
    "mnli_mismatched": Source(
        task="text_classification",
        files=split_files("glue/MNLI", dev="dev_mismatched.parquet"),
        hub=_hub("mnli", train=False, dev="validation_mismatched"),
        layout=_MNLI,
        labels=_NLI,
        languages=("en",),
        license="mostly OANC's, open",
        note=f"other genres than train's; {_DEV_ONLY}",
    ),
    "stsb": Source(
        task="text_classification",
        files=split_files("glue/STS-B", "train.tsv", "dev.tsv", "sts-test.tsv"),
        layout=_STS,
        layouts={"test": Table(text="5", pair="6", label="4", ragged=True)},
        problem_type="regression",
        languages=("en",),
        license="mixed (research)",
    ),
    "stsb_de": Source(
        task="text_classification",
        files=split_files("stsb_de", "stsb-de-train.csv", "stsb-de-dev.csv", "stsb-de-test.csv"),
        layout=Table(text="0", pair="1", label="2"),
        problem_type="regression",
        languages=("de",),
        license="scores CC BY-SA 4.0, texts mixed",
        note="machine-translated",
    ),
}
