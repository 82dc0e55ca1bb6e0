"""What others report on the sets of docs/results.md, with where it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One figure.

    Args:
        data: The data set by its name here.
        score: The score by its name here.
        model: Whose it is.
        value: As a fraction.
        source: Where it stands, and what is different there.
    """

    data: str
    score: str
    model: str
    value: float
    source: str


_FLAIR = "the card of flair/ner-{}-large (Schweter & Akbik 2020), {}"
_STUDY = 'the study this project starts from ("Exploring SqueezeBERT", Padova), whose {}'

PUBLISHED = (
    Published(
        "conll2003_en",
        "entity_f1",
        "BERT-base",
        0.924,
        "Devlin et al. 2019, with document context, mean of five runs",
    ),
    Published(
        "conll2003_en",
        "entity_f1",
        "Flair large",
        0.9436,
        _FLAIR.format("english", "on corrected test labels"),
    ),
    Published(
        "conll2003_de",
        "entity_f1",
        "Flair large",
        0.9231,
        _FLAIR.format("german", "on the revised annotation; ours is the one of 2003"),
    ),
    Published(
        "conll2003_en",
        "token_accuracy",
        "SqueezeBERT",
        0.9674,
        _STUDY.format("token accuracy is over English and German together"),
    ),
    Published(
        "conll2003_en",
        "token_accuracy",
        "BERT-base",
        0.9756,
        _STUDY.format("token accuracy is over English and German together"),
    ),
    Published(
        "ag_news",
        "accuracy",
        "BERT-base",
        0.945,
        "the card of lucasresck/bert-base-cased-ag-news, trained on 120,000 rows (here: 17,639)",
    ),
    Published(
        "ag_news",
        "accuracy",
        "BERT-base, pretrained further",
        0.952,
        "Sun et al. 2019 (BERT-ITPT-FiT, 4.80 % error), trained on 120,000 rows",
    ),
    Published(
        "bbc_news",
        "accuracy",
        "SqueezeBERT",
        0.9463,
        _STUDY.format("news set is not named, so nor is it this one for certain"),
    ),
    Published(
        "bbc_news",
        "accuracy",
        "BERT-base",
        0.9705,
        _STUDY.format("news set is not named, so nor is it this one for certain"),
    ),
    Published(
        "dailydialog",
        "average_cosine_similarity",
        "SqueezeBERT",
        0.6972,
        _STUDY.format("cosine similarity is not defined: not comparable with ours"),
    ),
    Published(
        "dailydialog",
        "average_cosine_similarity",
        "BERT-base",
        0.7820,
        _STUDY.format("cosine similarity is not defined: not comparable with ours"),
    ),
)
