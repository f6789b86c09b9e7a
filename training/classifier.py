"""Our learners as a scikit-learn classifier, for pipelines, searches and cross-validation."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from blockrisk.training.learners import DEFAULT_LEARNER, find_learner

Array = np.ndarray


class BlockClassifier(ClassifierMixin, BaseEstimator):
    """Fit one of `learners.LEARNERS` to feature columns and two classes, as scikit-learn's classifiers do.

    Args:
        learner: the name of a learner.
        monotone: maps columns to +1 (the chance of the second class never falls) or -1; columns of an array are x0, x1, ...
        seed: the same rows and seed give the same model.
        jobs: processes.

    X is float[n, p] with NaN where unknown, or a DataFrame, whose text columns are learnt as levels; y holds two distinct values,
    the greater of which is forecast as a block. After `fit`: classes_, n_features_in_, feature_names_in_ (of a DataFrame) and
    model_, what `fit` of the learner gave.

    >>> X = np.linspace(-2.0, 2.0, 200).reshape(-1, 1)
    >>> y = (np.random.default_rng(0).random(200) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
    >>> chance = BlockClassifier("smooth_logistic").fit(X, y).predict_proba(X)[:, 1]
    >>> bool(chance[0] < 0.3 < 0.7 < chance[-1])
    True

    """

    def __init__(
        self, learner: str = DEFAULT_LEARNER, *, monotone: dict[str, int] | None = None, seed: int = 0, jobs: int = 1
    ) -> None:
        self.learner = learner
        self.monotone = monotone
        self.seed = seed
        self.jobs = jobs

    def __sklearn_tags__(self) -> Any:
        """Say what the input may be: missing values are allowed, classes are two."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "BlockClassifier":
        """Fit; ValueError for anything but two classes. Rows of weight 0 count as absent."""
        frame, y = self._frame(X, y, fitting=True)
        check_classification_targets(y)
        if type_of_target(y, input_name="y") != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {type_of_target(y)}.")
        weight = _check_sample_weight(sample_weight, frame, dtype=np.float64)
        used = np.flatnonzero(weight > 0)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(np.unique(labels[used])) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        self.model_ = find_learner(self.learner).fit(
            frame.iloc[used].reset_index(drop=True),
            labels[used],
            weight=weight[used],
            monotone=self.monotone,
            seed=self.seed,
            jobs=self.jobs,
        )
        return self

    def decision_function(self, X: Any) -> Array:
        """Give the log-odds of the second class, float64[n]."""
        check_is_fitted(self)
        return np.asarray(self.model_.margin(self._frame(X)))

    def predict_proba(self, X: Any) -> Array:
        """Give the probabilities of both classes, float64[n, 2]."""
        check_is_fitted(self)
        return np.asarray(self.model_.predict_proba(self._frame(X)))

    def predict(self, X: Any) -> Array:
        """Give the likelier class of each row."""
        likelier = self.decision_function(X) > 0
        return np.asarray(self.classes_[likelier.astype(int)])

    def _frame(self, X: Any, y: Any = "no_validation", *, fitting: bool = False) -> Any:
        """Check the input and make a frame of it, with y when fitting."""
        if isinstance(X, pd.DataFrame) and not all(pd.api.types.is_numeric_dtype(kind) for kind in X.dtypes):
            validate_data(self, X, y=y, skip_check_array=True, reset=fitting)
            return (X, np.asarray(y)) if fitting else X
        checked = validate_data(self, X, y=y, dtype=np.float64, ensure_all_finite="allow-nan", reset=fitting)
        values = checked[0] if fitting else checked
        names = getattr(self, "feature_names_in_", [f"x{place}" for place in range(values.shape[1])])
        frame = pd.DataFrame(values, columns=list(names))
        return (frame, checked[1]) if fitting else frame
