"""Score cards from Python: a data folder, tables, vectors or the values of one card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from blockrisk.features import Tables, at_risk, catalogue, read_tables, vectors
from blockrisk.features.at_risk import end_of_calls
from blockrisk.features.build import vector_rows
from blockrisk.features.intake import ZONE
from blockrisk.features.messages import say
from blockrisk.models.bundle import Bundle, load_bundle
from blockrisk.models.estimators import is_number, margins
from blockrisk.models.estimators import probability as chances
from blockrisk.serving.advice import add_advice
from blockrisk.serving.alerts import alerts, read_rule
from blockrisk.serving.bands import bands, ranks
from blockrisk.serving.reasons import reason_columns
from blockrisk.serving.sentences import mistake

SCORE_COLUMNS = (
    *("card_id", "as_of", "horizon_days", "probability", "band", "rank"),
    *("reason_1", "reason_2", "reason_3", "advice_1", "advice_2", "advice_3"),
)
AsOf = str | date | Sequence[str | date]


@dataclass(frozen=True)
class Model:
    """Hold a loaded bundle, ready to score many times."""

    bundle: Bundle

    @property
    def columns(self) -> list[str]:
        """Name the feature columns in order."""
        return list(self.bundle.columns)

    @cached_property
    def places(self) -> dict[str, int]:
        """Map each column onto its place among them."""
        return {name: place for place, name in enumerate(self.bundle.columns)}

    @cached_property
    def families(self) -> list[str]:
        """Name the factor family of each column; one that is no feature of the catalogue is its own family."""
        known = catalogue.families()
        return [known.get(column, column) for column in self.bundle.columns]

    @property
    def dated(self) -> bool:
        """Say whether it was trained on dated tables, not on ready-made vectors."""
        return bool(self.bundle.manifest["kind"] == "dated")

    @property
    def horizon_days(self) -> int | None:
        """Give the horizon of its probability in days; None for ready-made vectors."""
        return int(self.bundle.manifest["horizon_days"]) if self.dated else None

    def values(self, rows: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Take the model's columns out of a frame, text as numbers, NaN where unknown: float64[n, p]; an array is given back.

        Raises:
            ValueError: a column is absent, or holds text for a number.

        """
        return rows if isinstance(rows, np.ndarray) else self.bundle.model.values(rows)

    def margin(self, rows: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Give the calibrated log-odds of each row, float64[n], of what `values` takes or gives."""
        return np.asarray(self.bundle.model.margin_of(self.values(rows)), dtype=np.float64)

    def probability(self, rows: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Give the calibrated probability of each row, float64[n], of what `values` takes or gives."""
        return chances(self.margin(rows))


def load_model(path: str | Path) -> Model:
    """Load a bundle: sums, format and catalogue are checked before anything is built.

    Args:
        path: the bundle's folder, such as models/NAME.

    Raises:
        BundleError: it is damaged, of another format, or was trained with another feature catalogue.

    """
    bundle = load_bundle(path, fingerprint=catalogue.fingerprint())
    return Model(bundle)


def predict(
    data: str | Path | Tables | Mapping[str, Any] | pd.DataFrame,
    *,
    model: Model | str | Path,
    as_of: AsOf | None = None,
    zone: str = ZONE,
    memory: str | None = None,
    reasons: bool = False,
    advice: int = 0,
) -> pd.DataFrame:
    """Score cards.

    Args:
        data: one of: a data folder; a mapping from table name to data frame; a frame of vectors, a row a card, with the model's
            columns and, if wanted, card_id and as_of; a mapping from feature name to value, for one card. In vectors and values
            what is left out is missing.
        model: what `load_model` gave, or the path of a bundle.
        as_of: date or dates of the forecast, for a folder or tables; every card at risk then is scored. Left out: the midnight
            after the last call.
        memory: as in `read_tables`.
        zone: as in `read_tables`.
        reasons: add what each factor family contributes, in log-odds: the columns base and contribution_FAMILY.
        advice: for how many of the riskiest cards of the last date advice is sought (tables only; takes a while).

    Returns:
        one row a card and date: card_id, as_of, horizon_days, probability (calibrated, of a block in [as_of, as_of + horizon)),
        band, rank, the codes of the families that raise it most and of the advice that lowers it most; then probability_1d and the
        like for the model's further horizons and, for tables, alert: whether the card is on the date's list. Ordered by date and
        rank for tables, in the given order for vectors. No card gives no row. The numbers are those of `blockrisk score`, to the
        bit.

    Raises:
        UserError: the data cannot be read, or a name is no feature of the model.
        BundleError: the bundle cannot be loaded.

    Example:
        predict("data", model="models/first", as_of="2025-06-01")
        predict({"calls_out_1d": 350, "complaints_30d": 2}, model="models/first")

    """
    loaded = model if isinstance(model, Model) else load_model(model)
    if isinstance(data, pd.DataFrame):
        return score_vectors(data, loaded, reasons=reasons)
    if isinstance(data, Mapping) and not any(isinstance(value, pd.DataFrame) for value in data.values()):
        return score_vectors(pd.DataFrame([dict(data)]), loaded, reasons=reasons)
    tables = data if isinstance(data, Tables) else read_tables(data, zone=zone, memory=memory)
    return score_tables(tables, loaded, forecast_dates(tables, as_of), reasons=reasons, advice=advice)


def score_tables(tables: Tables, model: Model, as_ofs: Sequence[Any], *, reasons: bool = False, advice: int = 0) -> pd.DataFrame:
    """Score every card at risk at each date, ranked per date; arguments as in `predict`, errors as `risk_vectors`."""
    if tables.engine is None:
        frame = risk_vectors(tables, model, as_ofs)
        scored = score_vectors(frame, model, reasons=reasons)
    else:
        scored, frame = _score_elsewhere(tables, model, as_ofs, reasons, advice)
    scored = scored.sort_values(["as_of", "rank"], kind="stable", ignore_index=True)
    if "alert" in model.bundle.manifest:
        scored["alert"] = listed(scored, model)
    return add_advice(scored, tables, model, frame, advice) if advice and len(scored) else scored


def _score_elsewhere(
    tables: Tables, model: Model, as_ofs: Sequence[Any], reasons: bool, advice: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score where the engine has the vectors; gives the scores, and the vectors of those cards of the last date that get advice."""
    from blockrisk.serving.spark import score_rows

    _check_dated(model)
    scored = score_rows(vector_rows(tables, at_risk(tables, as_ofs), model.columns), model, reasons=reasons)
    advised = scored[(scored["as_of"] == scored["as_of"].max()) & (scored["rank"] <= advice)]
    return scored, vectors(replace(tables, engine=None), advised[["card_id", "as_of"]].reset_index(drop=True), model.columns)


def listed(scored: pd.DataFrame, model: Model, before: Sequence[str] = ()) -> np.ndarray:
    """Say who is on the list of each date, by the rule of the manifest: dates follow each other, the first the list `before`."""
    rule = read_rule(model.bundle.manifest["alert"])
    margin = margins(scored["probability"].to_numpy())
    return alerts(margin, scored["card_id"].to_numpy(dtype=object), scored["as_of"].to_numpy(), rule, before)


def risk_vectors(tables: Tables, model: Model, as_ofs: Sequence[Any] | None = None) -> pd.DataFrame:
    """Compute the vectors of every card at risk at each date; no dates: at the midnight after the last call.

    Raises:
        UserError: the model was trained on ready-made vectors, or there is no call to tell the date.

    """
    _check_dated(model)
    return vectors(tables, at_risk(tables, forecast_dates(tables, None) if as_ofs is None else as_ofs), model.columns)


def _check_dated(model: Model) -> None:
    if not model.dated:
        raise mistake("no_dates_to_score", bundle=model.bundle.path)


def score_vectors(frame: pd.DataFrame, model: Model, *, reasons: bool = False) -> pd.DataFrame:
    """Score a frame of vectors, a row a card, in its order; `reasons` as in `predict`.

    Raises:
        UserError: a column is neither a feature of the model nor card_id, as_of or the id and label of its training.

    """
    values = _values(frame, model)
    count = len(frame)
    card_id, as_of = _names(frame, model)
    margin = model.margin(values)
    probability = chances(margin)
    codes, told = reason_columns(values, model, told=reasons)
    texts = _texts([bands(probability, float(model.bundle.manifest["base_rate"])), *codes.T, *[np.full(count, None)] * 3])
    named = zip(("band", *SCORE_COLUMNS[6:]), texts, strict=True)
    days = model.horizon_days
    scored: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS) | {
        "card_id": card_id,
        "as_of": as_of,
        "horizon_days": pd.arrays.IntegerArray(np.full(count, days or 0), np.full(count, days is None)),
        "probability": probability,
        "rank": ranks(probability, card_id, as_of),
        **dict(named),
    }
    return pd.DataFrame(scored | told | _further_horizons(margin, as_of, model))


def _texts(columns: list[np.ndarray]) -> list[Any]:
    """Turn object[n] arrays into pandas' text, all at once: each conversion of its own takes longer than scoring a row."""
    joined = pd.array(np.concatenate(columns), dtype="str")
    ends = np.cumsum([len(column) for column in columns])
    return [joined[end - len(column) : end] for column, end in zip(columns, ends, strict=True)]


def _further_horizons(margin: np.ndarray, as_of: np.ndarray, model: Model) -> dict[str, np.ndarray]:
    """Give probability_1d, probability_30d ...: the model's further horizons, none of them contradicting another."""
    ladder = model.bundle.ladder
    if ladder is None:
        return {}
    found = zip(ladder.days, ladder.margins(margin, as_of).T, strict=True)
    return {f"probability_{days}d": chances(part) for days, part in found if days != ladder.primary}


def _names(frame: pd.DataFrame, model: Model) -> tuple[Any, np.ndarray]:
    """Return card_id, which may stand under the id column of the training, and as_of datetime64[us]; missing where left out."""
    ids = frame.get("card_id", frame.get(model.bundle.manifest.get("id_column")))
    count = len(frame)
    as_of = _dates(frame["as_of"]) if "as_of" in frame else np.full(count, "NaT", dtype="datetime64[us]")
    return pd.array([None] * count, dtype="str") if ids is None else ids.astype("str").array, as_of


def _dates(column: pd.Series) -> np.ndarray:
    """Read dates of the forecast; of a stamp with an offset its own clock counts, since vectors have no zone."""
    try:
        dates = pd.to_datetime(column)
    except ValueError as error:
        raise mistake("as_of", error=error) from error
    return dates.dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def _values(frame: pd.DataFrame, model: Model) -> np.ndarray:
    """Return the model's columns, float64[n, p]: what is left out is missing, what is unknown is an error."""
    manifest = model.bundle.manifest
    further = {"card_id", "as_of", manifest.get("id_column"), manifest.get("label_column")}
    names = frame.columns.tolist()
    for name in names:
        if name not in model.places and name not in further and not (model.dated and name in catalogue.columns()):
            raise catalogue.unknown_feature(str(name), model.columns)
    encoder, places = model.bundle.model.encoder, model.places
    values = np.full((len(frame), len(model.columns)), np.nan)
    values[:, [places[name] for name in encoder.columns]] = 0.0  # a text that is left out: an average one
    known = [(place, str(name)) for place, name in enumerate(names) if name in places]
    kinds = frame.dtypes.tolist()
    numeric = {kind for kind in set(kinds) if is_number(kind)}
    plain = {place: name for place, name in known if kinds[place] in numeric and name not in encoder.columns}
    values[:, [places[name] for name in plain.values()]] = frame.iloc[:, list(plain)].to_numpy(dtype=np.float64)
    for place, name in known:
        if place not in plain:
            column = frame.iloc[:, place]
            values[:, places[name]] = encoder.encode(name, column) if name in encoder.columns else _numbers(column)
    return values


def _numbers(column: pd.Series) -> np.ndarray:
    try:
        return pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise mistake("no_number", column=column.name, error=error) from error


def forecast_dates(tables: Tables, as_of: AsOf | None) -> list[Any]:
    """List the dates asked for; none: the midnight after the last call. UserError where there is no call to tell it."""
    if as_of is None:
        end = end_of_calls(tables)
        if end is None:
            raise mistake("no_call")
        return [end]
    return [as_of] if isinstance(as_of, str | date) else list(as_of)


def missing_tables(tables: Tables, model: Model) -> list[str]:
    """Say which tables the model learned from and these data do not hold: its forecasts are then not what was measured."""
    there = set(model.bundle.manifest.get("tables", ()))
    return [say("table_missing", table=name) for name in sorted(there - tables.present)]
