"""Training: from recipes to model directories. Needs torch and accelerate (``[train]``).

``finetune`` and ``pretrain`` are thin: both hand a model, a source of batches and a loss to the one
loop in :mod:`squeezebert.training.loop.loop`. Recipes are plain data and import no torch.
"""
