"""Monitoring of a morning: its findings, what fails, and who is told."""

import http.server
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from blockrisk.features import Tables, UserError, read_tables
from blockrisk.features.intake import account_lines
from blockrisk.features.output import write_frame
from blockrisk.serving.page.texts import texts
from blockrisk.serving.predict import load_model, predict, risk_vectors
from blockrisk.training.cli import cli
from blockrisk.training.monitoring import Alarm, Findings, Result, deliver, delivery, monitor
from blockrisk.training.monitoring.context import Context
from blockrisk.training.monitoring.drift import check_drift
from blockrisk.training.monitoring.feeds import GAP_DAYS, check_feeds, silent_since

DAYS = 45
QUIET = Findings("2025-03-01", {"mornings": Result()})
LOUD = Findings("2025-03-01", {"mornings": Result((Alarm("score_missing", {"date": "2025-02-27"}),))}, ("drift: no rows",))


@pytest.fixture(scope="module")
def tables(demo: Path) -> Tables:
    return read_tables(demo / "demo/data")


@pytest.fixture(scope="module")
def end(tables: Tables) -> pd.Timestamp:
    [(last,)] = tables.con.execute("select max(started_at) from calls").fetchall()
    return pd.Timestamp(last).normalize() + pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def scored(demo: Path, tables: Tables, end: pd.Timestamp) -> pd.DataFrame:
    dates = [f"{date:%Y-%m-%d}" for date in pd.date_range(end - pd.Timedelta(days=DAYS - 1), end)]
    return predict(tables, model=load_model(demo / "demo/model"), as_of=dates)


@pytest.fixture
def scores(scored: pd.DataFrame, tmp_path: Path) -> Path:
    """A folder of score files, one a morning, that a test may spoil."""
    folder = tmp_path / "scores"
    for date, part in scored.groupby("as_of"):
        write_frame(part, folder / f"{date:%Y-%m-%d}.parquet")
    return folder


def kinds(findings: Findings) -> list[str]:
    return [alarm.kind for alarm in findings.alarms]


def run(tables: Tables, scores: Path, end: pd.Timestamp, demo: Path) -> Findings:
    return monitor(tables, scores, end.to_pydatetime(), demo / "demo/model")


def test_a_morning_as_every_other_is_checked_in_full_and_quiet_about_its_lists(
    tables: Tables, scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    findings = run(tables, scores, end, demo)
    assert findings.failed == ()
    assert not [kind for kind in kinds(findings) if kind.startswith("score_")]
    assert json.loads(json.dumps(findings.to_json(), allow_nan=False))["as_of"] == f"{end:%Y-%m-%d}"
    loaded = load_model(demo / "demo/model")
    given, none = (Context(tables, scores, end, loaded, part) for part in (risk_vectors(tables, loaded, [end]), None))
    assert check_drift(given) == check_drift(none) == findings.results["drift"]


def test_scores_of_an_earlier_version_are_no_drift(tables: Tables, scores: Path, end: pd.Timestamp, demo: Path) -> None:
    """The same cards scored by another model differ; what is asked is whether the cards do."""
    loaded = load_model(demo / "demo/model")
    before = check_drift(Context(tables, scores, end, loaded))
    for path in sorted(scores.iterdir())[:-1]:
        write_frame(pd.read_parquet(path).assign(probability=lambda rows: rows["probability"] / 3), path)
    assert check_drift(Context(tables, scores, end, loaded)) == before
    assert before.rows


def test_a_missing_a_repeated_and_a_foreign_list_are_named(tables: Tables, scores: Path, end: pd.Timestamp, demo: Path) -> None:
    names = [f"{end - pd.Timedelta(days=back):%Y-%m-%d}" for back in range(10)]
    (scores / f"{names[3]}.parquet").unlink()
    again = pd.read_parquet(scores / f"{names[6]}.parquet")
    write_frame(again.assign(as_of=pd.Timestamp(names[5])), scores / f"{names[5]}.parquet")
    write_frame(again, scores / f"{names[8]}.parquet")
    told = [alarm.sentence() for alarm in run(tables, scores, end, demo).alarms if alarm.kind.startswith("score_")]
    assert len(told) == 4  # the foreign file leaves its own morning without a list
    assert [name for name in (names[8], names[3], names[8], names[5]) if not any(name in line for line in told)] == []


def test_a_damaged_file_fails_every_check_that_needs_it_and_is_named(
    tables: Tables, scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    (scores / f"{end:%Y-%m-%d}.parquet").write_bytes(b"PAR1 and no more")
    findings = run(tables, scores, end, demo)
    assert findings.failed
    assert all(f"{end:%Y-%m-%d}.parquet" in sentence for sentence in findings.failed)
    assert findings.lines()[1].startswith("FAILED: ")


def test_a_fault_in_the_code_is_no_failed_check_but_an_error(
    tables: Tables, scores: Path, end: pd.Timestamp, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blockrisk.training.monitoring import checks

    monkeypatch.setattr(checks, "CHECKS", (("broken", lambda context: 1 / 0),))
    with pytest.raises(ZeroDivisionError):
        run(tables, scores, end, demo)


def test_a_moment_within_a_day_is_refused(tables: Tables, scores: Path, end: pd.Timestamp, demo: Path) -> None:
    with pytest.raises(UserError, match="is no midnight"):
        run(tables, scores, end + pd.Timedelta(hours=1), demo)


@pytest.mark.parametrize("kind", [key.removeprefix("monitoring.alarm.") for key in texts() if key.startswith("monitoring.alarm.")])
def test_every_language_fills_an_alarm_in_with_the_same_values(kind: str) -> None:
    import string

    held = [
        {name for _, name, _, _ in string.Formatter().parse(words) if name}
        for words in texts()[f"monitoring.alarm.{kind}"].values()
    ]
    assert held[0] == held[1] == held[2] != set()


@pytest.fixture
def hook() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook over loopback: /ok takes a message, /bad refuses it, /slow never ends its answer."""
    taken: list[bytes] = []
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/slow":
                while not over.wait(0.1):
                    self.wfile.write(b"H")
                return
            self.send_response(200 if self.path == "/ok" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    over.set()
    server.shutdown()
    server.server_close()


def test_a_webhook_is_given_the_findings(hook: tuple[str, list[bytes]]) -> None:
    deliver(LOUD, webhook=hook[0] + "/ok")
    body = json.loads(hook[1][0])
    assert body["failed"] == ["drift: no rows"]
    assert "2025-02-27" in body["text"]


def test_a_quiet_morning_is_told_to_nobody(hook: tuple[str, list[bytes]]) -> None:
    deliver(QUIET, webhook=hook[0] + "/ok", command=["false"])
    assert hook[1] == []


def test_a_webhook_that_refuses_or_drips_or_is_away_is_told_and_the_command_still_runs(
    hook: tuple[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SECONDS", 1)
    out = tmp_path / "mail.txt"
    write = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"]
    for address, told in (("/bad", "answered 500"), ("/slow", "did not answer within 1 seconds")):
        with pytest.raises(UserError, match=told):
            deliver(LOUD, webhook=hook[0] + address)
    with pytest.raises(UserError, match="cannot be reached"):
        deliver(LOUD, webhook="http://127.0.0.1:9/", command=write)
    assert "ALARM: " in out.read_text()
    with pytest.raises(UserError, match="is no address"):
        deliver(LOUD, webhook="file:///etc/passwd")


def test_a_command_that_fails_hangs_or_is_absent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SECONDS", 1)
    for command, told in ((["false"], "exit code 1"), (["sleep", "9"], "did not end"), (["no-such-mailer"], "cannot be run")):
        with pytest.raises(UserError, match=told):
            deliver(LOUD, command=command)


@pytest.fixture(scope="module")
def frames(tables: Tables) -> dict[str, pd.DataFrame]:
    return {name: tables.frame(name) for name in ("cards", "calls", "blocks", "complaints")}


def events(alarms: Findings, *wanted: str) -> list[dict[str, object]]:
    return [dict(alarm.values) for alarm in alarms.alarms if alarm.kind in wanted]


def test_a_missing_day_and_a_repeated_day_are_named(
    frames: dict[str, pd.DataFrame], scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    calls = frames["calls"]
    day = calls["started_at"].dt.normalize()
    gone, copied, source = (end - pd.Timedelta(days=back) for back in (3, 5, 12))
    kept = calls[(day != gone) & (day != copied)]
    again = calls[day == source].assign(started_at=lambda part: part["started_at"] + (copied - source))
    spoilt = read_tables({"cards": frames["cards"], "calls": pd.concat([kept, again])})
    found = check_feeds(Context(spoilt, scores, end, load_model(demo / "demo/model"))).alarms
    assert [alarm.values["date"] for alarm in found if alarm.kind == "feed_day"] == [f"{gone:%Y-%m-%d}"]
    [repeat] = [alarm.values for alarm in found if alarm.kind == "feed_repeated"]
    assert (repeat["date"], repeat["other"]) == (f"{copied:%Y-%m-%d}", f"{source:%Y-%m-%d}")


def late(rows: pd.DataFrame, event: str, days: int, where: pd.Series | None = None) -> pd.DataFrame:
    """Let rows become known so many days after their event."""
    known = rows[event] + pd.Timedelta(days=days)
    return rows.assign(available_at=known if where is None else known.where(where))


def test_rows_that_always_come_days_later_are_no_silence_and_no_missing_day(
    frames: dict[str, pd.DataFrame], scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    """A morning holds what was known by then: of the last days, nothing of what comes late."""
    cards, calls = frames["cards"], frames["calls"]
    operator = calls["card_id"].map(cards.set_index("card_id")["operator"])
    calls = late(calls, "started_at", 2, operator == operator.iloc[0])
    tables = {"cards": cards, "calls": calls, "complaints": late(frames["complaints"], "complained_at", 3)}
    morning = end - pd.Timedelta(days=14)

    def told(at: pd.Timestamp, known: pd.Timestamp) -> list[str]:
        there = {
            name: rows[rows["available_at"].fillna(rows["started_at" if name == "calls" else "complained_at"]) < known]
            for name, rows in tables.items()
            if name != "cards"
        }
        found = check_feeds(Context(read_tables({"cards": cards, **there}), scores, at, load_model(demo / "demo/model")))
        return [alarm.kind for alarm in found.alarms]

    assert told(morning, morning) == []
    assert told(morning, end) == [], "what came later changes nothing"
    assert set(told(end, morning)) >= {"feed_day", "feed_silent"}


def test_every_operator_that_fell_silent_is_named_whatever_else_is_silent(
    frames: dict[str, pd.DataFrame], scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    cards, calls = frames["cards"], frames["calls"]
    operator = calls["card_id"].map(cards.set_index("card_id")["operator"])
    silent = sorted(operator.unique())[:2]
    since = end - pd.Timedelta(days=20)
    kept = calls[~operator.isin(silent) | (calls["started_at"] < since)]
    complaints = frames["complaints"]
    tables = read_tables(
        {"cards": cards, "calls": kept, "complaints": complaints[complaints["complained_at"] < end - pd.Timedelta(days=40)]}
    )
    found = check_feeds(Context(tables, scores, end, load_model(demo / "demo/model"))).alarms
    assert [alarm.values["operator"] for alarm in found if alarm.kind == "feed_operator"] == silent
    assert [alarm.values["table"] for alarm in found if alarm.kind == "feed_silent"] == ["complaints"]


def test_a_table_is_silent_when_it_holds_nothing_for_longer_than_ever_and_than_chance_allows() -> None:
    as_of = pd.Timestamp("2026-03-01")

    def rows(a_day: float, silent: int) -> pd.Series:
        days = pd.date_range(end=as_of - pd.Timedelta(days=silent + 1), periods=40)
        return pd.Series(a_day, index=days[days.day_of_week < 5])  # never at a week-end

    assert silent_since(rows(10.0, 5), as_of) == "2026-02-24"
    assert silent_since(rows(10.0, 3), as_of) is None, "a day longer than the longest before is within what months differ by"
    assert silent_since(rows(10.0, 1), as_of) is None
    assert silent_since(rows(0.5, 5), as_of) is None
    assert silent_since(rows(10.0, 5).head(1), as_of) is None


def test_the_end_of_a_long_month_is_no_silence_of_bills() -> None:
    """Bills fall due on the 1st to the 28th: February ends with one day without, March with three."""
    as_of = pd.Timestamp("2024-04-01")
    days = pd.date_range(as_of - pd.Timedelta(days=GAP_DAYS), as_of, inclusive="left")
    bills = pd.Series(40.0, index=days[days.day <= 28])
    assert silent_since(bills, as_of) is None
    assert silent_since(bills[bills.index < "2024-03-25"], as_of) == "2024-03-25"


@pytest.mark.long
def test_an_operator_that_blocks_more_is_named_end_to_end(
    frames: dict[str, pd.DataFrame], scored: pd.DataFrame, scores: Path, end: pd.Timestamp, demo: Path, tmp_path: Path
) -> None:
    """A real model's lists of 45 mornings; from day 25 on one operator of a small world blocks a card a day more."""
    start = end - pd.Timedelta(days=20)
    operators = frames["cards"].set_index("card_id")["operator"]
    named = operators.loc[scored["card_id"].unique()].value_counts().index[0]
    hit = scored[(scored["as_of"] == end) & (scored["card_id"].map(operators) == named)]["card_id"].head(20).tolist()
    more = pd.DataFrame({"card_id": hit, "blocked_at": [start + pd.Timedelta(days=i % 20, hours=11) for i in range(len(hit))]})
    changed = {**frames, "blocks": pd.concat([frames["blocks"], more.assign(kind="full_stop")], ignore_index=True)}
    quiet = run(read_tables(frames), scores, end, demo)
    assert events(quiet, "policy", "policy_region") == []
    data = tmp_path / "data"
    for name, frame in changed.items():
        write_frame(frame, data / f"{name}.parquet")
    out = tmp_path / "findings.json"
    arguments = ["monitor", str(data), "--model", str(demo / "demo/model"), "--scores", str(scores), "--as-of", f"{end:%Y-%m-%d}"]
    done = CliRunner().invoke(cli, [*arguments, "--out", str(out), "--no-mlflow"], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"ALARM: {named} blocks" in done.output
    [alarm] = [alarm["values"] for alarm in json.loads(out.read_text(encoding="utf-8"))["alarms"] if alarm["kind"] == "policy"]
    assert alarm["operator"] == named
    assert abs((pd.Timestamp(alarm["since"]) - start).days) <= 5
    assert alarm["low"] > 1.0


def test_a_failed_check_leaves_with_exit_code_4(demo: Path, end: pd.Timestamp, tmp_path: Path) -> None:
    arguments = [
        "--model",
        str(demo / "demo/model"),
        "--scores",
        str(tmp_path / "none"),
        "--as-of",
        f"{end:%Y-%m-%d}",
        "--no-mlflow",
    ]
    done = CliRunner().invoke(cli, ["monitor", str(demo / "demo/data"), *arguments])
    assert done.exit_code == 4
    assert "FAILED: policy: " in done.output


@pytest.fixture
def dirty(few: Path, tmp_path: Path) -> Path:
    """A data folder with a complaint that is set aside."""
    data = tmp_path / "data"
    shutil.copytree(few, data)
    (data / "complaints.parquet").unlink()
    complaints = pd.read_parquet(few / "complaints.parquet")
    pd.concat([complaints, complaints.head(1).assign(complained_at="some day")]).to_csv(data / "complaints.csv", index=False)
    return data


@pytest.mark.parametrize("named", [["--quarantine", "aside"], ["--out", "aside/found.json"]])
def test_monitor_accounts_for_the_rows_and_lists_those_set_aside_where_it_is_told_or_beside_the_findings(
    named: list[str], dirty: Path, demo: Path, end: pd.Timestamp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--model", str(demo / "demo/model"), "--scores", "none", "--as-of", f"{end:%Y-%m-%d}", "--no-mlflow"]
    done = CliRunner().invoke(cli, ["monitor", str(dirty), *arguments, *named])
    folder = Path("aside") if "--quarantine" in named else Path("aside/quarantine")
    assert pd.read_csv(folder / "complaints.csv")["value"].tolist() == ["some day"]
    assert f"rows set aside are listed in {folder / 'complaints.csv'}" in done.stderr
    assert [line for line in account_lines(read_tables(dirty)) if line not in done.stderr] == []
    assert "set aside" not in done.stdout


def test_lists_are_judged_on_ripe_labels_and_the_others_counted_apart(
    tables: Tables, scored: pd.DataFrame, scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    from blockrisk.training.labels import labels

    [row] = run(tables, scores, end, demo).results["lists"].rows
    told = labels(tables, scored, 7, end)
    ripe = told[told["label"].notna()]
    assert row["rows"] == len(ripe)
    assert row["last"] == f"{end - pd.Timedelta(days=7):%Y-%m-%d}"
    assert row["listed_unknown"]["end_of_observation"] > 0
    assert row["listed_rows"] == ripe["alert"].sum() > 0
    assert row["precision"] == ripe.loc[ripe["alert"], "label"].mean()
    assert row["precision_low"] <= row["precision"] <= row["precision_high"]


def test_the_lists_that_are_judged_are_those_that_were_delivered(
    tables: Tables, scored: pd.DataFrame, scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    for path in scores.iterdir():
        part = pd.read_parquet(path)
        write_frame(part.assign(alert=part["card_id"] == part["card_id"].min()), path)
    [row] = run(tables, scores, end, demo).results["lists"].rows
    assert row["cards_a_day"] == 1
    for path in scores.iterdir():
        write_frame(pd.read_parquet(path).drop(columns="alert"), path)
    [row] = run(tables, scores, end, demo).results["lists"].rows
    assert row["cards_a_day"] > 1, "without the column it is what the rule makes of the scores"


@pytest.mark.long
def test_alerts_that_were_acted_on_are_compared_with_those_that_were_not(
    frames: dict[str, pd.DataFrame], scores: Path, end: pd.Timestamp, demo: Path
) -> None:
    from blockrisk.training.monitoring.lists import listed_rows

    context = Context(read_tables(frames), scores, end, load_model(demo / "demo/model"))
    alerted = listed_rows(context)
    first = alerted[alerted["listed"] & alerted["label"].notna()].drop_duplicates("card_id").head(2)
    actions = pd.DataFrame({"card_id": first["card_id"].astype(str), "at": first["as_of"] + pd.Timedelta(hours=10)})
    found = run(read_tables({**frames, "actions": actions.assign(action="call_less")}), scores, end, demo)
    acted, rest = found.results["effect"].rows
    assert acted["alerts"] == len(first)
    assert rest["alerts"] > 0
    assert acted["low"] is not None


@pytest.mark.long
def test_a_model_trained_with_actions_leaves_the_acted_rows_out_and_says_how_many(frames: dict[str, pd.DataFrame]) -> None:
    from blockrisk.training.dated import build_examples

    dates = [pd.Timestamp("2025-02-10"), pd.Timestamp("2025-02-17")]
    until = pd.Timestamp("2025-03-20")
    plain, unknown = build_examples(read_tables(frames), dates, 7, until)
    card = plain.cards[plain.y == 0][0]
    acted = pd.DataFrame({"card_id": [card], "at": [dates[0] + pd.Timedelta(hours=9)], "action": ["call_less"]})
    changed, told = build_examples(read_tables({**frames, "actions": acted}), dates, 7, until)
    assert "acted" not in unknown
    assert told["acted"] == 1
    left = changed.dates[changed.cards == card]
    assert dates[0].to_datetime64() not in left
    assert dates[1].to_datetime64() in left
