"""The end of a training: the bundle, the plots and the MLflow run, and the report about them."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blockrisk.models.bundle import MANIFEST, reference_quantiles, save_bundle
from blockrisk.serving.cautions import Caution
from blockrisk.training.curves import calibration_table
from blockrisk.training.fitting import Examples, Fitted, slice_counts
from blockrisk.training.plots import MODEL, draw_all
from blockrisk.training.report import Report
from blockrisk.training.sentences import mistake
from blockrisk.training.split import RowSplit
from blockrisk.training.tracking import STORE, Run, Tracked, track

_PARAMS: Final = ("kind", "learner", "horizon_days", "until", "seed", "fingerprint", "base_rate")


@dataclass(frozen=True)
class Shipment:
    """Hold what both ways to train hand over when the model is fitted."""

    out: Path
    examples: Examples
    split: RowSplit
    fitted: Fitted
    manifest: Mapping[str, Any]
    cautions: tuple[Caution, ...]
    unknown: dict[str, int]
    account: tuple[str, ...] = ()


def check_target(out: Path, *, replace: bool, what: str = "bundle", mark: str = MANIFEST) -> None:
    """Refuse an existing target before the work, not after it: one without the file `mark` is none of ours."""
    if out.exists() and not (out / mark).is_file():
        raise mistake("not_ours", out=out, what=what)
    if out.exists() and not replace:
        raise mistake("out_exists", out=out, what=what)


def ship(shipment: Shipment, *, replace: bool, mlflow: bool) -> Report:
    """Write the bundle, log the run if asked to, and report."""
    slices = slice_counts(shipment.examples, shipment.split)
    manifest = {
        **shipment.manifest,
        "base_rate": float(shipment.examples.y.mean()),
        "slices": slices,
        "metrics": shipment.fitted.metrics.to_dict(),
        "horizons": shipment.fitted.horizons,
        "cautions": [caution.to_json() for caution in shipment.cautions],
    }
    reference = reference_quantiles(shipment.examples.frame)
    fitted = shipment.fitted
    save_bundle(shipment.out, fitted.model, manifest, reference=reference, ladder=fitted.ladder, replace=replace)
    return Report(
        bundle=shipment.out,
        manifest=manifest,
        metrics=shipment.fitted.metrics,
        slices=slices,
        unknown=shipment.unknown,
        cautions=shipment.cautions,
        account=shipment.account,
        tracked=_tracked(shipment, manifest) if mlflow else None,
        calibration=calibration_table(fitted.samples[MODEL].y, fitted.samples[MODEL].p),
    )


def _tracked(shipment: Shipment, manifest: Mapping[str, Any]) -> Tracked:
    with tempfile.TemporaryDirectory() as folder:
        plots = draw_all(shipment.fitted.samples, Path(folder))
        return log_training(shipment.out.name, shipment.out, manifest, plots)


def log_training(name: str, bundle: Path, manifest: Mapping[str, Any], plots: Sequence[Path] = (), store: Path = STORE) -> Tracked:
    """Log a training to MLflow under a name: parameters, figures and counts of the manifest, plots, and the bundle."""
    figures = {
        f"{forecast}.{metric}" if forecast != "model" else metric: value
        for forecast, column in manifest["metrics"].items()
        for metric, value in column.items()
        if value is not None
    }
    params = {name: manifest[name] for name in _PARAMS if name in manifest}
    for part, counts in manifest["slices"].items():
        params |= {f"{part}.{key}": value for key, value in counts.items()}
    return track(Run(name, params, figures, bundle, plots, {"data_digest": manifest["data_digest"]}), store)
