"""Tell somebody: a webhook or a mail command, bounded in time, its failure told."""

import http.client
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from blockrisk.features.errors import UserError
from blockrisk.training.monitoring.findings import Findings

SECONDS: Final = 15
"""A webhook or command that has not answered by then has failed."""


class DeliveryError(UserError):
    """Say that a message could not be delivered; the findings themselves are made and stay."""

    exit_code = 4


def deliver(findings: Findings, webhook: str | None = None, command: Sequence[str] | None = None) -> None:
    """Send the findings to whoever is named, if there is an alarm or a check failed; a quiet morning sends nothing.

    Args:
        findings: of one morning.
        webhook: http or https address; the findings are posted to it as JSON, with the key `text` for chat services.
        command: a program and its arguments, such as ["mail", "-s", "blockrisk", "ops"]; it is given the lines on its standard
            input. No shell is used.

    Raises:
        DeliveryError: one of them did not take the message within SECONDS; the other has been tried all the same.

    Example:
        >>> deliver(Findings("2026-03-01", {}, failed=("scores: no file",)), command=["cat"])
        >>> deliver(Findings("2026-03-01", {}, failed=("scores: no file",)), command=["false"])
        Traceback (most recent call last):
        blockrisk.training.monitoring.delivery.DeliveryError: the mail command false left with exit code 1; run it by hand

    """
    if not (findings.alarms or findings.failed):
        return
    told = [_post(webhook, findings)] if webhook else []
    told += [_run(command, findings)] if command else []
    failures = [failure for failure in told if failure]
    if failures:
        raise DeliveryError("; ".join(failures))


def _post(webhook: str, findings: Findings) -> str | None:
    """Post the findings; give the sentence of the failure, None if it was taken."""
    host = urlsplit(webhook).hostname
    if urlsplit(webhook).scheme not in ("http", "https") or not host:
        return f'the webhook "{webhook}" is no address; write https://HOST/PATH'
    body = json.dumps({"text": "\n".join(findings.lines()), **findings.to_json()}, ensure_ascii=False, allow_nan=False).encode()
    answer: list[str | None] = [f"the webhook at {host} did not answer within {SECONDS} seconds; see whether it is up"]
    # A socket's own limit starts anew with each byte: a host that drips would hold the morning. The thread's join is the limit.
    thread = threading.Thread(target=lambda: answer.insert(0, _posted(webhook, host, body)), daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answer[0]


def _posted(webhook: str, host: str, body: bytes) -> str | None:
    request = urllib.request.Request(webhook, body, {"Content-Type": "application/json; charset=utf-8"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return f"the webhook at {host} answered {error.code}; see its own log"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"the webhook at {host} cannot be reached ({error}); see whether the address is right and the host up"


def _run(command: Sequence[str], findings: Findings) -> str | None:
    program, text = command[0], "\n".join(findings.lines()) + "\n"
    try:
        done = subprocess.run(list(command), input=text.encode(), timeout=SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return f"the mail command {program} did not end within {SECONDS} seconds; run it by hand"
    except OSError as error:
        return f"the mail command {program} cannot be run ({error.strerror or error}); see whether it is installed"
    if done.returncode == 0:
        return None
    why = done.stderr.decode(errors="replace").strip().splitlines()
    return f"the mail command {program} left with exit code {done.returncode}{f' ({why[-1][:200]})' if why else ''}; run it by hand"
