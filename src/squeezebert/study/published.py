"""What the study published, and how it went about it.

The scores and seconds are the talk's ("Exploring SqueezeBERT", a student group at Padova). How they
were taken stands in the group's public notebooks, https://github.com/BaioSbubens/Exploring-SqueezeBERT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from squeezebert.comparison.schema import StudyRow
from squeezebert.comparison.study import STUDY
from squeezebert.spec import TaskName

SOURCE = (
    "“Exploring SqueezeBERT”, a talk by a student group of the University of Padova; lengths, "
    "batches and numbers of texts from its notebooks, "
    "https://github.com/BaioSbubens/Exploring-SqueezeBERT"
)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How the study tested one task.

    Args:
        data: What it was tested on, in the hub's words.
        texts: Test texts.
        length: Tokens that every text was padded or cut to.
        batch: Texts of a batch.
        entity_f1: Of names, SqueezeBERT's and BERT's: in the notebooks, not in the talk.
    """

    data: str
    texts: int
    length: int
    batch: int
    entity_f1: tuple[float, float] | None = None


PROTOCOLS: Mapping[TaskName, Protocol] = {
    "masked_lm": Protocol(
        data="better_daily_dialog, the first 40 % of its lines", texts=3096, length=50, batch=16
    ),
    "text_classification": Protocol(
        data="valurank/News_Articles_Categorization", texts=373, length=300, batch=8
    ),
    "token_classification": Protocol(
        data="eriktks/conll2003",
        texts=3453,
        length=100,
        batch=8,
        entity_f1=(0.8560, 0.8958),
    ),
}

ROWS: Mapping[str, StudyRow] = {row.task: row for row in STUDY}

DIFFERENCES: Mapping[TaskName, str] = {
    "masked_lm": (
        "The study masks 10 % of the tokens of single lines. Here whole dialogues are read, and "
        "15 % of their tokens are masked, so a guess has more to go by. Its cosine is taken in "
        "each model's own input table as that stands: the vectors of such a table share a large "
        "common part, so that any two tokens look alike, and more so in one model's table than in "
        "another's. Its two figures do not compare. Ours is taken in one table for all, "
        "mean-centered; the row “as the study did” gives the other. A seventh of DailyDialog's "
        "test dialogues stand in its train part; here none does."
    ),
    "text_classification": (
        "With 373 test articles, an accuracy of 95 % has an interval of about two points to either "
        "side."
    ),
    "token_classification": (
        "The study's accuracy counts every piece of a word, ours counts words. Most words are not "
        "names, so that both say little: entity F1 tells the models apart. The talk names English "
        "and German, the notebooks load the English set; here each language has a model and a "
        "table of its own."
    ),
}
"""What differs on a task, whatever is run."""

GENERAL = (
    "The study's seconds are those of a clock around the whole test, ours are of processor time, "
    "over all threads, of models that take turns. The study pads every text to one length (50, "
    "300 and 100 tokens), so that every text costs as much as the longest; the row “as the study "
    "did” pads alike, all others do not. Both train with the same rate, batches and epochs."
)
"""What differs everywhere."""
