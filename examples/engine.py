"""The native engine by itself: token ids in, arrays out, in a precision of one's choice."""

from __future__ import annotations

import numpy as np

import squeezebert
from squeezebert.checkpoint.hub import resolve
from squeezebert.engine import Engine, available_isas
from squeezebert.tokenizer import Tokenizer


def main() -> None:
    """Encodes two texts without padding, in each precision, and compares texts as vectors."""
    name = "squeezebert-mini-mlm"
    tokenizer = Tokenizer.load(resolve(name))
    texts = ["How are you? I am [MASK], thank you.", "See you [MASK]!"]
    sequences = [
        [tokenizer.cls_id, *encoded.ids.tolist(), tokenizer.sep_id]
        for encoded in tokenizer.encode(texts)
    ]
    input_ids = np.concatenate(sequences)
    cu_seqlens = np.cumsum([0, *map(len, sequences)])
    print(f"{len(input_ids)} tokens; this machine has {', '.join(available_isas())}")

    exact = Engine.load(name, precision="float32")
    for precision in ("float32", "bf16", "int8"):
        engine = Engine.load(name, precision=precision)
        hidden = engine.encode(input_ids, cu_seqlens)
        error = np.abs(hidden - exact.encode(input_ids, cu_seqlens)).max()
        print(f"{precision:>8} on {engine.isa}: {hidden.shape}, at most {error:.4f} off")

    gaps = np.flatnonzero(input_ids == tokenizer.mask_id)
    best = exact.top_k(input_ids, cu_seqlens, positions=gaps, k=3)
    for gap, ids in zip(gaps, best.ids, strict=True):
        print(f"token {gap}: {', '.join(tokenizer.token(index) for index in ids)}")

    encode = squeezebert.TextEncoder.load(name)
    vectors = encode(["Good morning!", "Good evening!", "The train is late again."])
    print(f"cosines: {vectors[0] @ vectors[1]:.2f} and {vectors[0] @ vectors[2]:.2f}")


if __name__ == "__main__":
    main()
