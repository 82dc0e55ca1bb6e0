"""Entities and topics in a pipeline of spaCy; wants squeezebert[spacy]."""

from __future__ import annotations

import spacy

TEXTS = (
    "Ada Lovelace met Charles Babbage in London.",
    "The central bank in Frankfurt left its interest rate where it was.",
)


def main() -> None:
    """Prints what two components find."""
    nlp = spacy.blank("en")
    for name in ("squeezebert-small-ner", "squeezebert-small-news"):
        nlp.add_pipe("squeezebert", name=name, config={"model": name, "threads": 1})
    for doc in nlp.pipe(TEXTS):
        topic = max(doc.cats, key=doc.cats.__getitem__)
        names = ", ".join(f"{ent.text} ({ent.label_})" for ent in doc.ents)
        print(f"{topic:>10}  {names}")


if __name__ == "__main__":
    main()
