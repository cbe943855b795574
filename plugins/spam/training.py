"""Trains and judges the spam model, beside the course's three and the other linear one, on one honest split.

Near-duplicates lie on one side of the split. Everything that is fitted, the vocabulary, the calibration and the
threshold included, is fitted on the training part alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from plugins.spam.data import Messages, read_messages
from plugins.spam.features import tokens, words
from plugins.spam.model import VIEWS, Parameters, SpamModel, SpamRequest, SpamResult
from shared.errors import BadInput
from shared.model import Part, Progress, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOLDOUT: Final = 0.2
FOLDS: Final = 5
SEED: Final = 1
FEWEST: Final = 50
PRUNE: Final = 0.004
"""Weights below this share of the largest are dropped: they change no verdict and are most of the file."""
COURSE: Final = {
    # What its notebook prints is partly measured on training rows; these are its features measured honestly.
    "course's decision tree": {"accuracy": 0.886},
    "course's random forest": {"accuracy": 0.910},
    "course's XGBoost": {"accuracy": 0.929},
    "course as printed": {"accuracy": 0.9946},
}


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    from shared.splits import holdout

    progress(0.0, "reading")
    rows = read_messages(data)
    out = holdout(rows.texts, HOLDOUT)
    fit, judge = rows.part(out, False), rows.part(out, True)
    for part in (fit, judge):
        if len(part.texts) < FEWEST or len(set(part.spam)) < 2 or sum(part.spam) < FOLDS:
            raise BadInput("{path} has too few messages to train and to judge on.", path=data)
    progress(0.05, "choosing by cross-validation")
    name, found = _choose(fit, lambda done: progress(0.05 + 0.55 * done, "choosing by cross-validation"))
    parameters = found()
    parameters.write(folder)
    progress(0.7, "comparing")
    compared = _compare(fit, judge, lambda done: progress(0.7 + 0.25 * done, "comparing"))
    report = _report(
        SpamModel(parameters), judge, {"chosen": name, "compared": compared, "trained_on": len(fit.texts)}
    )
    progress(1.0, "done")
    return report


def evaluate(model: SpamModel, data: Path, part: Part) -> Report:
    """Judge `model` on all rows of `data`, or on those that training never sees."""
    from shared.splits import holdout

    rows = read_messages(data)
    if part == "holdout":
        rows = rows.part(holdout(rows.texts, HOLDOUT), True)
        if len(set(rows.spam)) < 2:
            raise BadInput("{path} has too few messages to train and to judge on.", path=data)
    return _report(model, rows, {})


def _report(model: SpamModel, rows: Messages, details: dict[str, Any]) -> Report:
    from shared.quality import binary_report

    answers = model.predict([SpamRequest(text) for text in rows.texts])
    return binary_report(
        rows.spam,
        [a.probability for a in answers if isinstance(a, SpamResult)],
        model.parameters.threshold,
        labels=("ham", "spam"),
        reference=COURSE,
        details=details,
    )


def _analyzers() -> dict[str, Callable[[str], list[str]]]:
    def analyzer(view: str) -> Callable[[str], list[str]]:
        grams = VIEWS[view]
        return lambda text: [gram for gram, _, _ in grams(words(text))]

    return {view: analyzer(view) for view in VIEWS}


def _candidates() -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    return {
        "LinearSVC, C=1, balanced": lambda: LinearSVC(C=1.0, class_weight="balanced"),
        "LinearSVC, C=4": lambda: LinearSVC(C=4.0),
        "logistic regression, C=100": lambda: LogisticRegression(C=100.0, max_iter=400),
    }


def _choose(rows: Messages, progress: Callable[[float], None]) -> tuple[str, Callable[[], Parameters]]:
    """Choose a linear model by average precision over folds; return its name and how to fit it on all rows."""
    import numpy as np
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import StratifiedGroupKFold

    from shared.splits import group_near_duplicates

    truth = np.array(rows.spam)
    folds = list(
        StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(
            rows.texts, truth, group_near_duplicates(rows.texts)
        )
    )
    decisions = {name: np.zeros(len(truth)) for name in _candidates()}
    for step, (fit, judge) in enumerate(folds):
        vectors = _Vectors([rows.texts[i] for i in fit])
        matrix, other = vectors.matrix, vectors.transform([rows.texts[i] for i in judge])
        for name, make in _candidates().items():
            decisions[name][judge] = make().fit(matrix, truth[fit]).decision_function(other)
        progress((step + 1) / FOLDS)
    best = max(decisions, key=lambda name: average_precision_score(truth, decisions[name]))
    return best, lambda: _fit(rows, best, decisions[best])


class _Vectors:
    """TF-IDF of both views, each of unit length, side by side."""

    def __init__(self, texts: Sequence[str]) -> None:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.views = {
            view: TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, min_df=2)
            for view, analyzer in _analyzers().items()
        }
        self.matrix = hstack([v.fit_transform(texts) for v in self.views.values()]).tocsr()

    def transform(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import hstack

        return hstack([v.transform(texts) for v in self.views.values()]).tocsr()


def _fit(rows: Messages, name: str, decisions: "NDArray[np.float64]") -> Parameters:
    """Fit the chosen model on all training rows; calibrate it, and set its threshold, on out-of-fold decisions."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    truth = np.array(rows.spam)
    vectors = _Vectors(rows.texts)
    model = _candidates()[name]().fit(vectors.matrix, truth)
    platt = LogisticRegression(C=1e6).fit(decisions[:, None], truth)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    odds = 1 / (1 + np.exp(-(slope * decisions + shift)))
    grid = sorted(np.linspace(0.3, 0.7, 41), key=lambda t: abs(t - 0.5))
    threshold = float(max(grid, key=lambda t: round(f1_score(truth, odds >= t), 3)))
    weights, at, views = model.coef_[0], 0, {}
    least = PRUNE * np.abs(weights).max()
    for view, vectorizer in vectors.views.items():
        names = vectorizer.get_feature_names_out()
        # All idfs are kept where a weight is dropped, if any n-gram's is: unit length needs them.
        views[view] = {
            str(gram): (float(idf), float(w) if abs(w) >= least else 0.0)
            for gram, idf, w in zip(names, vectorizer.idf_, weights[at : at + len(names)], strict=True)
        }
        at += len(names)
    seen = frozenset(token for text in rows.texts for token in tokens(words(text)))
    known = frozenset(token for token in seen if token in views["word"])
    return Parameters(views, float(model.intercept_[0]), slope, shift, threshold, known)


def _compare(
    fit: Messages, judge: Messages, progress: Callable[[float], None]
) -> dict[str, dict[str, float]]:
    """Fit the course's three models on TF-IDF of words, and the linear ones, and judge all on the held-out part."""
    import numpy as np
    from sklearn import metrics
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.tree import DecisionTreeClassifier
    from xgboost import XGBClassifier

    truth, answer = np.array(fit.spam), np.array(judge.spam)
    simple = TfidfVectorizer(stop_words="english", max_features=2000)
    few, few_judged = simple.fit_transform(fit.texts), simple.transform(judge.texts)
    rich = _Vectors(fit.texts)
    rich_judged = rich.transform(judge.texts)
    rivals: dict[str, tuple[Any, Any, Any]] = {
        "decision tree, depth 6": (DecisionTreeClassifier(max_depth=6, random_state=SEED), few, few_judged),
        "random forest": (RandomForestClassifier(200, random_state=SEED), few, few_judged),
        "XGBoost": (XGBClassifier(n_estimators=200, max_depth=6, random_state=SEED), few, few_judged),
        **{name: (make(), rich.matrix, rich_judged) for name, make in _candidates().items()},
    }
    found = {}
    for step, (name, (model, matrix, other)) in enumerate(rivals.items()):
        model.fit(matrix, truth)
        said = model.predict(other).astype(bool)
        decides = hasattr(model, "decision_function")
        score = model.decision_function(other) if decides else model.predict_proba(other)[:, 1]
        found[name] = {
            "accuracy": float(metrics.accuracy_score(answer, said)),
            "f1": float(metrics.f1_score(answer, said)),
            "roc_auc": float(metrics.roc_auc_score(answer, score)),
            "average_precision": float(metrics.average_precision_score(answer, score)),
        }
        progress((step + 1) / len(rivals))
    return found
