"""The course's three models on TF-IDF of words, fitted and judged on the same split as ours."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from plugins.spam.data import Messages
from shared.quality import binary_metrics


def judge_rivals(fit: Messages, judge: Messages, seed: int) -> dict[str, dict[str, float]]:
    """Fit decision tree, random forest and XGBoost on `fit`, and return the figures of each on `judge`."""
    vectorizer = TfidfVectorizer()
    matrix, other = vectorizer.fit_transform(fit.texts), vectorizer.transform(judge.texts)
    models: Mapping[str, Any] = {
        "decision tree": DecisionTreeClassifier(random_state=seed),
        "random forest": RandomForestClassifier(200, random_state=seed),
        # One thread: several wait for each other longer than they work on data of this size.
        "XGBoost": XGBClassifier(n_estimators=200, random_state=seed, n_jobs=1),
    }
    found = {}
    for name, model in models.items():
        model.fit(matrix, np.array(fit.spam))
        probability = model.predict_proba(other)[:, 1].astype(float)
        found[name] = binary_metrics(np.array(judge.spam), probability, probability >= 0.5)
    return found
