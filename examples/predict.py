"""The three tasks with the shipped models."""

from __future__ import annotations

import squeezebert


def main() -> None:
    """Prints a few predictions."""
    classify = squeezebert.load("squeezebert-mini-news", task="text_classification")
    headlines = [
        "The striker scored twice in the second half.",
        "The central bank left its interest rate where it was.",
    ]
    for headline, answer in zip(headlines, classify(headlines), strict=True):
        print(f"{answer.label:>12}  {answer.score:.2f}  {headline}")

    tag = squeezebert.load("squeezebert-mini-ner", task="token_classification")
    for entity in tag("Ada Lovelace met Charles Babbage in London."):
        print(f"{entity.type:>12}  {entity.score:.2f}  {entity.text}")

    fill = squeezebert.load("squeezebert-mini-mlm", task="masked_lm")
    (gap,) = fill("How are you? I am [MASK], thank you.", top_k=3)
    for guess in gap.candidates:
        print(f"{guess.token:>12}  {guess.score:.2f}  {guess.text}")


if __name__ == "__main__":
    main()
