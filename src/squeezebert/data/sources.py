"""The data sets known by name: a plain table.

:mod:`squeezebert.data.catalog` works with it, ``docs/data.md`` says where the files come from.
"""

from __future__ import annotations

from collections.abc import Mapping

from squeezebert.data.glue_sources import GLUE_SOURCES
from squeezebert.data.layouts import (
    SPLITS,
    ClincJson,
    Columns,
    Dialogues,
    Source,
    Table,
    split_files,
)
from squeezebert.data.splits import (
    below_title,
    clean_ag_news,
    clean_newsgroup_post,
    whole_text,
)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NC = "CC BY-NC-SA 4.0"
_FOUR = ("LOC", "MISC", "ORG", "PER")
_THREE = ("LOC", "ORG", "PER")
_GERMEVAL = split_files("germeval2014", "NER-de-train.tsv", "NER-de-dev.tsv", "NER-de-test.tsv")
_GERMEVAL_TYPES = tuple(
    f"{kind}{part}" for kind in ("LOC", "ORG", "OTH", "PER") for part in ("", "deriv", "part")
)
_DAILY = split_files(
    "dailydialog",
    "dialogues_train.txt.gz",
    "dialogues_validation.txt",
    "dialogues_test.txt",
)
_LER_TYPES = _names("AN EUN GRT GS INN LD LDS LIT MRK ORG PER RR RS ST STR UN VO VS VT")
_NEWSGROUPS = _names("""
    alt.atheism comp.graphics comp.os.ms-windows.misc comp.sys.ibm.pc.hardware
    comp.sys.mac.hardware comp.windows.x misc.forsale rec.autos rec.motorcycles
    rec.sport.baseball rec.sport.hockey sci.crypt sci.electronics sci.med sci.space
    soc.religion.christian talk.politics.guns talk.politics.mideast talk.politics.misc
    talk.religion.misc
""")

SOURCES: Mapping[str, Source] = {
    # -- entities --------------------------------------------------------------------------------
    "conll2003_en": Source(
        task="token_classification",
        files=split_files("conll2003_en", "eng.train", "eng.testa", "eng.testb"),
        layout=Columns(scheme="IOB1"),
        labels=_FOUR,
        languages=("en",),
        license="research only (Reuters RCV1)",
        note="the shared task's own splits; IOB1 read as IOB2",
    ),
    "conll2003_de": Source(
        task="token_classification",
        files=split_files("conll2003_de", "deu.train", "deu.testa", "deu.testb"),
        layout=Columns(),
        labels=_FOUR,
        languages=("de",),
        license="research only (ECI Multilingual Text Corpus)",
        note="the annotation of 2003, not the revision of 2006",
    ),
    "wikiann_en": Source(
        task="token_classification",
        files=split_files("wikiann_en", "train.txt", "dev.txt", "test.txt"),
        layout=Columns(),
        labels=_THREE,
        complete=False,
        languages=("en",),
        license="not stated (text: Wikipedia, CC BY-SA)",
        note="automatic labels",
    ),
    "wikiann_de": Source(
        task="token_classification",
        files=split_files("wikiann_de", "train.txt", "dev.txt", "test.txt"),
        layout=Columns(),
        labels=_THREE,
        complete=False,
        languages=("de",),
        license="not stated (text: Wikipedia, CC BY-SA)",
        note="automatic labels",
    ),
    "germeval2014": Source(
        task="token_classification",
        files=_GERMEVAL,
        layout=Columns(token_column=1, tag_column=2, ragged=True),
        labels=_GERMEVAL_TYPES,
        languages=("de",),
        license="CC BY 4.0",
        note="outer entities, all 12 types",
    ),
    "germeval2014_main": Source(
        task="token_classification",
        files=_GERMEVAL,
        layout=Columns(token_column=1, tag_column=2, ragged=True, other_types="O"),
        labels=("LOC", "ORG", "OTH", "PER"),
        languages=("de",),
        license="CC BY 4.0",
        note="outer entities of the four main types; -deriv and -part are O",
    ),
    "german_ler": Source(
        task="token_classification",
        files=split_files(
            "german_ler", "ler_train.conll.gz", "ler_dev.conll.gz", "ler_test.conll.gz"
        ),
        layout=Columns(),
        labels=_LER_TYPES,
        languages=("de",),
        license="CC BY 4.0",
        note="court decisions, 19 types; many sentences stand in several splits",
    ),
    "uner_ewt": Source(
        task="token_classification",
        files=split_files("ner_gold_en", dev="uner_ewt_dev.conll"),
        layout=Columns(),
        labels=_THREE,
        complete=False,
        languages=("en",),
        license="CC BY-SA 4.0",
        note="web text of five kinds; the dev part alone",
    ),
    "broad_twitter": Source(
        task="token_classification",
        files=split_files("ner_gold_en", "btc_train.conll", "btc_dev.conll", "btc_test.conll"),
        layout=Columns(),
        labels=_THREE,
        complete=False,
        languages=("en",),
        license="CC BY 4.0",
        note="tweets; names of users are persons",
    ),
    "wikigold": Source(
        task="token_classification",
        files=split_files("ner_gold_en", "wikigold.conll"),
        layout=Columns(),
        labels=_FOUR,
        languages=("en",),
        license="CC BY 4.0",
        note="Wikipedia, tagged by hand; one part",
    ),
    "wnut17": Source(
        task="token_classification",
        files=split_files(
            "ner_gold_en", "wnut17_train.conll", "wnut17_dev.conll", "wnut17_test.conll"
        ),
        layout=Columns(),
        labels=_FOUR,
        languages=("en",),
        license="CC BY 4.0",
        note="rare names in social media; six types as four",
    ),
    "mobie": Source(
        task="token_classification",
        files=split_files(
            "ner_gold_de", "mobie_train.conll", "mobie_dev.conll", "mobie_test.conll"
        ),
        layout=Columns(),
        labels=_THREE,
        complete=False,
        languages=("de",),
        license="CC BY 4.0",
        note="tweets and reports on traffic: many places and firms, few persons",
    ),
    # -- news and mail ---------------------------------------------------------------------------
    "ag_news": Source(
        task="text_classification",
        files=split_files("ag_news", train="train_subset.jsonl.gz", test="test.csv"),
        layout=Table(),
        layouts={
            "test": Table(
                text=("1", "2"),
                label="0",
                joiner=" . ",
                label_names={"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"},
            )
        },
        labels=("World", "Sports", "Business", "Sci/Tech"),
        split="dev",
        clean=clean_ag_news,
        languages=("en",),
        license="non-commercial (not stated)",
        note="train is a subset of 18,567; HTML escapes undone; dev is 5 % of train",
    ),
    "bbc_news": Source(
        task="text_classification",
        files={"all": "bbc_news/bbc.jsonl.gz"},
        layout=Table(text=("title", "text"), joiner="\n"),
        labels=("business", "entertainment", "politics", "sport", "tech"),
        split="all",
        distinct=below_title,
        languages=("en",),
        license="non-commercial research",
        note="no repeated articles; our split, 70/10/20 %",
    ),
    "sms_spam": Source(
        task="text_classification",
        files={"all": "sms_spam/SMSSpamCollection"},
        layout=Table(text="1", label="0", delimiter="\t"),
        labels=("ham", "spam"),
        split="all",
        distinct=whole_text,
        languages=("en",),
        license="CC BY 4.0",
        note="no repeated messages; our split, 70/10/20 %",
    ),
    "newsgroups20": Source(
        task="text_classification",
        files=split_files("newsgroups20", train="train.jsonl.xz", test="test.jsonl.xz"),
        layout=Table(),
        labels=_NEWSGROUPS,
        split="dev",
        clean=clean_newsgroup_post,
        languages=("en",),
        license="not stated (Usenet posts)",
        note="split by date; headers, quotes and signatures removed; dev is 5 % of train",
    ),
    "reuters21578": Source(
        task="text_classification",
        files=split_files("reuters21578", train="training.jsonl.gz", test="test.jsonl.gz"),
        layout=Table(label="labels"),
        problem_type="multi_label",
        split="dev",
        languages=("en",),
        license="research only",
        note="ApteMod; dev is 5 % of train",
    ),
    "gnad10_de": Source(
        task="text_classification",
        files=split_files("gnad10_de", test="test.jsonl.gz"),
        layout=Table(),
        languages=("de",),
        license=_NC,
        note="test only",
    ),
    # -- GLUE ------------------------------------------------------------------------------------
    **GLUE_SOURCES,
    # -- intents ---------------------------------------------------------------------------------
    "clinc150": Source(
        task="text_classification",
        files=dict.fromkeys(SPLITS, "intents/clinc150/data_full.json"),
        layout=ClincJson(),
        languages=("en",),
        license="CC BY 3.0",
        note="the 150 intents; out-of-scope queries left out",
    ),
    "banking77": Source(
        task="text_classification",
        files=split_files("intents/banking77", train="train.csv", test="test.csv"),
        layout=Table(label="category"),
        split="dev",
        languages=("en",),
        license="CC BY 4.0",
        note="dev is 5 % of train",
    ),
    "snips": Source(
        task="text_classification",
        files=split_files("intents/snips", train="train.jsonl.gz", test="validate.jsonl.gz"),
        layout=Table(label="intent"),
        split="dev",
        languages=("en",),
        license="CC0 1.0",
        note="test is the published validation set; dev is 5 % of train",
    ),
    # -- dialogues -------------------------------------------------------------------------------
    "dailydialog": Source(
        task="masked_lm",
        files=_DAILY,
        layout=Dialogues(),
        languages=("en",),
        license=_NC,
        note="official splits, though a seventh of dev and test stands in train",
    ),
    "dailydialog_dedup": Source(
        task="masked_lm",
        files=_DAILY,
        layout=Dialogues(),
        unseen=True,
        languages=("en",),
        license=_NC,
        note="each dialogue once; dev and test without those of train",
    ),
    "xdailydialog_en": Source(
        task="masked_lm",
        files=split_files(
            "xdailydialog_en", "dialogues_text_En_1k.txt", "en_dev_human.txt", "en_test_human.txt"
        ),
        layout=Dialogues(),
        languages=("en",),
        license=_NC,
        note="train is the published sample of 1,000; overlaps dailydialog",
    ),
    "xdailydialog_de": Source(
        task="masked_lm",
        files=split_files(
            "xdailydialog_de", "dialogues_text_De_1k.txt", "de_dev_human.txt", "de_test_human.txt"
        ),
        layout=Dialogues(),
        languages=("de",),
        license=_NC,
        note="train is the published sample of 1,000; translated, parallel to xdailydialog_en",
    ),
    # -- shipped with the package ----------------------------------------------------------------
    "sample_news": Source(
        task="text_classification",
        files=dict.fromkeys(SPLITS, "news.jsonl"),
        layout=Table(label="topic"),
        labels=_names("business culture health politics sport technology"),
        split="field",
        shipped=True,
        languages=("en",),
        license="CC BY 4.0 or Apache-2.0",
    ),
    "sample_dialogues": Source(
        task="masked_lm",
        files=dict.fromkeys(SPLITS, "dialogues.jsonl"),
        layout=Dialogues(),
        split="field",
        shipped=True,
        languages=("en",),
        license="CC BY 4.0 or Apache-2.0",
    ),
    "sample_ner_en": Source(
        task="token_classification",
        files=dict.fromkeys(SPLITS, "ner_en.conll"),
        layout=Columns(),
        labels=_FOUR,
        split="field",
        shipped=True,
        languages=("en",),
        license="CC BY 4.0 or Apache-2.0",
    ),
    "sample_ner_de": Source(
        task="token_classification",
        files=dict.fromkeys(SPLITS, "ner_de.conll"),
        layout=Columns(),
        labels=_FOUR,
        split="field",
        shipped=True,
        languages=("de",),
        license="CC BY 4.0 or Apache-2.0",
    ),
}
