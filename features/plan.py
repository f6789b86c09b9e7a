"""The SQL that turns prepared tables into vectors: one statement a tile, one to join them."""

from dataclasses import dataclass

from blockrisk.features.catalogue import columns as shipped
from blockrisk.features.catalogue import find
from blockrisk.features.feature import Feature
from blockrisk.features.medians import Medians
from blockrisk.features.spans import ranked_sql, running_sql, sizes_sql, turns_sql
from blockrisk.features.tiles import TILES, Tile
from blockrisk.features.windows import first_day, in_window, seen_before_as_of


@dataclass(frozen=True)
class Output:
    """Hold one column to compute: the feature and its window in days (None: no window)."""

    column: str
    feature: Feature
    days: int | None

    @property
    def span(self) -> int | None:
        """Give the days its measures look back; None for all history."""
        return self.feature.lookback if self.days is None else self.days


def outputs(columns: list[str]) -> list[Output]:
    """List what to compute for these columns: themselves in order, then the columns that they are made of."""
    listed: dict[str, Output] = {}
    queue = list(columns)
    while queue:
        column = queue.pop(0)
        if column not in listed:
            listed[column] = Output(column, *find(column))
            queue += _ingredients(listed[column]).values()
    return list(listed.values())


def _ingredients(output: Output) -> dict[str, str]:
    """Map the placeholders of a column made of others onto those columns."""
    if output.feature.tile != "vector":
        return {}
    return {name: name if name in shipped() else f"{name}_{output.days}d" for name in output.feature.placeholders() - {"days"}}


def supplied(feature: Feature, present: frozenset[str]) -> bool:
    """Say whether the tables and columns that a feature needs are there."""
    return all(any(name in present for name in need.split("|")) for need in feature.needs)


@dataclass(frozen=True)
class Statement:
    """Hold a table and its SQL over `asks_part`."""

    table: str
    sql: str


@dataclass(frozen=True)
class Group:
    """Hold the two steps of a tile, which run together on one part of the asks.

    Attributes:
        source: the prepared table that they read.
        units: the measures of each unit of each ask.
        result: what is made of them, by ask.
        per_ask: whether a row of it is joined with each ask that sees it.
        whole: whether it does not go by cards, so that it runs once.
        medians: what `units` gives, where that is medians.

    """

    source: str
    units: Statement
    result: Statement
    per_ask: bool
    whole: bool
    medians: Medians | None = None


def statements(wanted: list[Output], present: frozenset[str]) -> list[Group]:
    """Give the statements that compute every supplied column: by tile `units_TILE`, and the result, named as `result_name` says."""
    groups: dict[str, list[Output]] = {}
    for output in wanted:
        if _computed(output, present):
            groups.setdefault(result_name(output), []).append(output)
    return [_group(name, outputs) for name, outputs in groups.items()]


def sources(wanted: list[Output], present: frozenset[str]) -> dict[str, int | None]:
    """Name the prepared tables that the statements read, each with the days before as_of that matter; None: all."""
    found: dict[str, int | None] = {}
    for output in wanted:
        if _computed(output, present):
            name, days = TILES[output.feature.tile].source, reach(output)
            known = found.get(name, 0)
            found[name] = None if days is None or known is None else max(known, days)
    return found


def reach(output: Output) -> int | None:
    """Give how many days before as_of matter to a column; None: all."""
    if output.span is None or output.feature.tile not in TILES:
        return output.span
    spans = TILES[output.feature.tile].spans
    return output.span + max((spans[name].before for name in output.feature.placeholders() if name in spans), default=0)


def result_name(output: Output) -> str:
    """Name the table that holds a column's results; one for each window where units are counted by size."""
    tile = output.feature.tile
    return f"result_{tile}_{_span_name(output.span)}" if TILES[tile].sizes else f"result_{tile}"


def _group(name: str, outputs: list[Output]) -> Group:
    tile = TILES[outputs[0].feature.tile]
    key = "ask" if tile.subject == "card_no" else "operator_no"
    units = name.replace("result_", "units_")
    listed = ", ".join(f"{_fill(output)} as {output.column}" for output in outputs)
    source, by = units, f" group by {key}, as_of_day" if tile.per or tile.sizes else ""
    if tile.spans:
        counted = sorted(
            {(_alias(name, output.span), name, output.span or 0) for output in outputs for name in output.feature.placeholders()}
        )
        sql, source = turns_sql(tile, counted), f"({running_sql(units, [alias for alias, _, _ in counted])})"
    elif tile.sizes:
        sql, source = sizes_sql(tile, outputs[0].span or 0), f"({ranked_sql(units)})"
    else:
        sql = _units_sql(tile, key, outputs)
    result = Statement(name, f"select {key}, as_of_day, {listed} from {source}{by}")
    medians = _medians(tile, outputs) if tile.median else None
    per_ask = not (tile.spans or tile.sizes)
    return Group(tile.source, Statement(units, sql), result, per_ask, tile.subject != "card_no", medians)


def _medians(tile: Tile, outputs: list[Output]) -> Medians:
    [measure] = tile.measures
    one_date = _units_sql(tile, "ask", outputs, " and t.upto = a.day") if tile.versioned else ""
    return Medians(tile.source, tile.median, tile.day, {_alias(measure, output.span): output.span for output in outputs}, one_date)


def _units_sql(tile: Tile, key: str, outputs: list[Output], versions: str = " and (t.upto is null or t.upto = a.day)") -> str:
    """Measure each unit of each ask; `versions` says which rows count of those that have versions."""
    names = {(name, output.span) for output in outputs for name in output.feature.placeholders()}
    bounds = _reach(tile, names) + (versions if tile.versioned else "")
    unit = "".join(f", t.{column}" for column in tile.per)
    measures = ", ".join(f"{_measure(tile, name, span)} as {_alias(name, span)}" for name, span in sorted(names, key=str))
    asks = "asks_part" if tile.subject == "card_no" else "operator_asks"
    return (
        f"select a.{key}, a.day as as_of_day{unit}, {measures} from {asks} a join {tile.source} t "
        f"on t.{tile.subject} = a.{tile.subject} and {seen_before_as_of()}{bounds} "
        f"group by a.{key}, a.day{unit}"
    )


def _reach(tile: Tile, names: set[tuple[str, int | None]]) -> str:
    """Bound the rows by the longest window, where every measure has one."""
    bounded = [span for _, span in names if span is not None]
    return f" and {in_window(max(bounded), day=tile.day)}" if len(bounded) == len(names) else ""


def _measure(tile: Tile, name: str, span: int | None) -> str:
    sql = tile.measures[name]
    if span is not None:
        sql = f"{sql.replace('{first_day}', first_day(span))} filter (where {in_window(span, day=tile.day)})"
    return f"coalesce({sql}, 0)" if sql.startswith(("sum(", "count(")) else sql


def _alias(name: str, span: int | None) -> str:
    return f"{name}_{_span_name(span)}"


def _span_name(span: int | None) -> str:
    return "all" if span is None else str(span)


def _fill(output: Output) -> str:
    """Put the measures over the column's window in the place of their names."""
    sizes = TILES[output.feature.tile].sizes
    names = {name: name if sizes else _alias(name, output.span) for name in output.feature.placeholders()}
    return output.feature.sql.format(**names)


def vector_sql(wanted: list[Output], present: frozenset[str], columns: list[str]) -> str:
    """Give the statement that joins the tiles' results (tables result_TILE) into vectors: ask, card_id, as_of, the columns."""
    results = sorted({(result_name(o), TILES[o.feature.tile].subject) for o in wanted if _computed(o, present)})
    joins = " ".join(
        f"left join {name} on {name}.ask = a.ask"
        if subject == "card_no"
        else f"left join {name} on {name}.operator_no = a.operator_no and {name}.as_of_day = a.day"
        for name, subject in results
    )
    base = [o for o in wanted if o.feature.tile != "vector"]
    base_sql = ", ".join(f"{_value(o, present, _base_expression(o))} as {o.column}" for o in base)
    inner = f"select a.ask, {base_sql or '0 as nothing'} from asks a join card_rows c using (card_no) {joins}"
    made = [o for o in wanted if o.feature.tile == "vector"]
    made_sql = "".join(f", {_value(o, present, _made_expression(o))} as {o.column}" for o in made)
    chosen = ", ".join(f"x.{column}" for column in columns)
    return (
        f"select x.ask, x.card_id, x.as_of, {chosen} from (select b.*, c.card_id, a.as_of{made_sql} from ({inner}) b "
        "join asks a using (ask) join card_rows c using (card_no)) x"
    )


def _computed(output: Output, present: frozenset[str]) -> bool:
    return output.feature.tile in TILES and supplied(output.feature, present)


def _base_expression(output: Output) -> str:
    return output.feature.sql if output.feature.tile == "card" else f"{result_name(output)}.{output.column}"


def _made_expression(output: Output) -> str:
    names = {name: f"b.{column}" for name, column in _ingredients(output).items()}
    return output.feature.sql.format(days=output.days, **names)


def _value(output: Output, present: frozenset[str], expression: str) -> str:
    kind = "VARCHAR" if output.feature.text else "DOUBLE"
    if not supplied(output.feature, present):
        return f"cast(null as {kind})"
    if output.feature.empty == "zero":
        expression = f"coalesce({expression}, 0)"
    return f"cast({expression} as {kind})"
