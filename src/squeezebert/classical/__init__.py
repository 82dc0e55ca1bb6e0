"""Classical models: what seconds of one core reach on the same rows, without a neural network.

They are the bar that an encoder has to pass before it is worth its trouble.

=========================== =======================================================================
``text_classification``     TF-IDF of words and characters, linear support-vector machine with
                            calibrated probabilities; ridge regression for numbers
``token_classification``    linear-chain conditional random field over word shapes and neighbors
``masked_lm``               the likeliest token after the one before (bigrams, then frequencies)
=========================== =======================================================================

Each is a fitted :class:`Classical`: it answers like a :class:`~squeezebert.pipeline.Pipeline`, in
the terms of the same task, so that scores and reports are made by the same code. They need
``squeezebert[classical]``.
"""

from __future__ import annotations

from squeezebert.classical.base import Classical, fit_classical

__all__ = ["Classical", "fit_classical"]
