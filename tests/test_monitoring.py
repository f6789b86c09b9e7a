"""Monitoring of a morning: its findings, what fails, and who is told."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from blockrisk.features import Tables, UserError, read_tables
from blockrisk.features.output import write_frame
from blockrisk.serving.page.texts import texts
from blockrisk.serving.predict import load_model, predict
from blockrisk.training.monitoring import Alarm, Findings, Result, deliver, delivery, monitor

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
