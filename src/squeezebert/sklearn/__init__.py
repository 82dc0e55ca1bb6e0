"""Models as estimators of scikit-learn: in its pipelines, its grid searches, its metrics.

>>> from squeezebert.sklearn import SqueezeBertVectorizer
>>> vectorizer = SqueezeBertVectorizer("squeezebert-mini-mlm", threads=1)
>>> vectorizer.fit_transform(["Good morning!", "Good evening!"]).shape
(2, 256)

Fitting needs ``squeezebert[train]``, all of it ``squeezebert[sklearn]``. A fitted estimator holds
its model as files in memory when it is pickled, so that it goes to other processes and to disk.
"""

from importlib.util import find_spec

from squeezebert.errors import MissingDependencyError

if find_spec("sklearn") is None:
    raise MissingDependencyError.for_extra("scikit-learn", "sklearn", "squeezebert.sklearn")

from squeezebert.sklearn.classifier import SqueezeBertClassifier
from squeezebert.sklearn.tagger import SqueezeBertTagger
from squeezebert.sklearn.vectorizer import SqueezeBertVectorizer

__all__ = ["SqueezeBertClassifier", "SqueezeBertTagger", "SqueezeBertVectorizer"]
