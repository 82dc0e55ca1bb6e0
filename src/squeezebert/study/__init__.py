"""The study this project starts from, repeated at its own size: ``docs/study.md`` tells the method.

Published checkpoints are fetched, fine-tuned and measured as the study did it, and in our engine.
What is done stays done::

    OUTPUT/sources.json     which commit of each repository was taken, and what was checked
    OUTPUT/checkpoints/MODEL  links to the published checkpoints in the hub's cache
    OUTPUT/data/SET/        data sets from the hub in our own formats
    OUTPUT/models/SET/MODEL the fine-tuned models
    OUTPUT/measured/SET.json    what was measured on a set
    OUTPUT/study.json, report.html, report.md, report.json, tradeoff.svg
"""

from __future__ import annotations

from squeezebert.study.plan import Plan, make_plan
from squeezebert.study.result import StudyResult
from squeezebert.study.run import run_study
from squeezebert.study.settings import StudySettings

__all__ = ["Plan", "StudyResult", "StudySettings", "make_plan", "run_study"]
