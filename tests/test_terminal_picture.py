"""The picture of a terminal in the README: what was said, the same bytes each time, and nothing from a network."""

import html
import re
from pathlib import Path

from screenshots import draw

ROOT = Path(__file__).resolve().parents[1]


def test_a_picture_holds_every_line_and_is_the_same_each_time(tmp_path: Path) -> None:
    said = "273 cards at risk\nALARM: [A] blocks more\n"
    for name in ("one.svg", "two.svg"):
        draw(said, "blockrisk run morning.toml", tmp_path / name)
    picture = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert picture == (tmp_path / "two.svg").read_text(encoding="utf-8")
    text = html.unescape(" ".join(re.findall(r">([^<>]+)</text>", picture))).replace("\xa0", " ")
    for line in ("$ blockrisk run morning.toml", *said.splitlines()):
        assert line in text


def test_the_readme_shows_a_morning_that_was_run_and_asks_no_network() -> None:
    picture = (ROOT / "docs/morning.svg").read_text(encoding="utf-8")
    assert "list.html" in picture
    assert not [address for address in re.findall(r"https?://[^\"')\s]+", picture) if "www.w3.org" not in address]
