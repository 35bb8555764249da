"""The peer of metrics.mjs: the same metrics with scikit-learn on samples of patients; prints processor seconds a sample."""
import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve

warnings.simplefilter("ignore")
job = json.loads(sys.argv[1])
data = np.load(job["file"])
truth = data["test_labels"].astype(int)
scores = 1 / (1 + np.exp(-data["test_logits"].astype(np.float64)))
patients = data["test_patient"]
THRESHOLD = job["threshold"]


def ece(t, s, bins=15):
    observed, predicted = calibration_curve(t, s, n_bins=bins)
    held = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], s), minlength=bins)
    return (held[held > 0] * np.abs(observed - predicted)).sum() / len(t)


def fpr_at(t, s, wanted):
    fpr, tpr, _ = m.roc_curve(t, s)
    return fpr[tpr >= wanted].min()


LABEL = dict(
    auc=lambda t, s, c: m.roc_auc_score(t, s),
    average_precision=lambda t, s, c: m.average_precision_score(t, s),
    f1=lambda t, s, c: m.f1_score(t, c),
    precision=lambda t, s, c: m.precision_score(t, c, zero_division=0),
    recall=lambda t, s, c: m.recall_score(t, c),
    specificity=lambda t, s, c: m.recall_score(t, c, pos_label=0),
    accuracy=lambda t, s, c: m.accuracy_score(t, c),
    balanced_accuracy=lambda t, s, c: m.balanced_accuracy_score(t, c),
    kappa=lambda t, s, c: m.cohen_kappa_score(t, c),
    mcc=lambda t, s, c: m.matthews_corrcoef(t, c),
    f1_at_half=lambda t, s, c: m.f1_score(t, s >= 0.5),
    fpr_at_tpr_95=lambda t, s, c: fpr_at(t, s, 0.95),
    brier=lambda t, s, c: m.brier_score_loss(t, s),
    ece=lambda t, s, c: ece(t, s),
)


def evaluate(t, s, what):
    c = (s >= THRESHOLD).astype(int)
    names = ["auc", "average_precision"] if what == "auc-ap" else list(LABEL)
    figures = {f"macro {name}": np.mean([LABEL[name](t[:, k], s[:, k], c[:, k]) for k in range(t.shape[1])])
               for name in names}
    if what == "auc-ap":
        return figures
    half = (s >= 0.5).astype(int).ravel()
    kappa, flattened, auc = m.cohen_kappa_score(t.ravel(), half), m.accuracy_score(t.ravel(), half), m.roc_auc_score(t.ravel(), s.ravel())
    return figures | {
        "overall exact_match": m.accuracy_score(t, c),
        "overall f1_samples": m.f1_score(t, c, average="samples", zero_division=0),
        "overall coverage_error": m.coverage_error(t, s),
        "overall label_ranking_average_precision": m.label_ranking_average_precision_score(t, s),
        "overall ranking_loss": m.label_ranking_loss(t, s),
        "overall auc_micro": auc,
        "overall average_precision_micro": m.average_precision_score(t, s, average="micro"),
        "overall f1_micro": m.f1_score(t, c, average="micro"),
        "overall precision_micro": m.precision_score(t, c, average="micro"),
        "overall recall_micro": m.recall_score(t, c, average="micro"),
        "overall hamming_loss": m.hamming_loss(t, c),
        "odir kappa": kappa,
        "odir f1_flattened_equals_accuracy": flattened,
        "odir auc": auc,
        "odir score": (kappa + flattened + auc) / 3,
    }


whole = evaluate(truth, scores, job["what"])
_, cluster = np.unique(patients, return_inverse=True)
order = np.argsort(cluster, kind="stable")
rows_of = np.split(order, np.cumsum(np.bincount(cluster))[:-1])
rng = np.random.default_rng(0)
start = time.process_time()
for _ in range(job["repetitions"]):
    rows = np.concatenate([rows_of[k] for k in rng.integers(len(rows_of), size=len(rows_of))])
    evaluate(truth[rows], scores[rows], job["what"])
seconds = time.process_time() - start
print(json.dumps(dict(seconds_each=seconds / job["repetitions"], figures={k: float(v) for k, v in whole.items()},
                      versions=f"scikit-learn {sklearn.__version__} numpy {np.__version__}")))
