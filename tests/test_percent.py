"""A probability is rounded once, from its full value: page, terminal and workbook show the same digits."""

import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from briefings import morning

from blockrisk.serving.briefing import Briefing
from blockrisk.serving.explain_text import as_text
from blockrisk.serving.outputs import write_outputs
from blockrisk.serving.page.morning import page
from blockrisk.serving.workbook import SHEETS

CHANCES = (0.340499, 0.34049, 0.22051, 0.12345, 0.0999499, 0.09949, 0.00995, 0.0099499, 0.0078501, 0.000051, 0.00004)
SHOWN = ("34.0%", "34.0%", "22.1%", "12.3%", "10.0%", "9.9%", "1.0%", "0.99%", "0.79%", "0.01%", "<0.01%")
WRITTEN = dict(zip(CHANCES, SHOWN, strict=True))
"""Probabilities, falling, some of which go the other way if they are rounded twice."""


@pytest.fixture(scope="module")
def briefing() -> Briefing:
    made = morning(cards=len(WRITTEN), capacity=len(WRITTEN))
    told = [
        replace(one, probability=chance, history=(("2025-04-30", chance), (made.as_of, chance)))
        for one, chance in zip(made.explanations, WRITTEN, strict=True)
    ]
    return replace(made, scored=made.scored.assign(probability=list(WRITTEN)), explanations=tuple(told))


def test_the_page_writes_a_chance_alike_in_its_list_its_cards_and_its_days(briefing: Briefing) -> None:
    html = page(briefing)
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', html, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert rows["p"] == list(WRITTEN.values())
    shown = [words.replace("&lt;", "<") for words in re.findall(r'<span class="chance">(.*?)</span>', html)]
    assert shown == list(WRITTEN.values())
    days = [json.loads(table)[0] for table in re.findall(r"data-days='(.*?)'", html)]
    assert [chances[-2:] for chances in days] == [[written] * 2 for written in WRITTEN.values()]


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_terminal_writes_the_same(briefing: Briefing, language: str) -> None:
    for told, written in zip(briefing.explanations, WRITTEN.values(), strict=True):
        text = as_text(told, language).splitlines()
        assert text[0].endswith(written)
        assert text[-1].split() == [briefing.as_of, written]


def test_a_workbook_holds_the_full_value_and_shows_the_same(briefing: Briefing, tmp_path: Path) -> None:
    write_outputs(briefing.scored, briefing, [tmp_path / "list.xlsx"])
    cells = [row[3] for row in openpyxl.load_workbook(tmp_path / "list.xlsx")[SHEETS[0]].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == list(WRITTEN)
    assert [_shown(cell.value, cell.number_format) for cell in cells] == list(WRITTEN.values())


def _shown(value: float, form: str) -> str:
    """Write a number as a spreadsheet does: a quoted text as it is, else with as many decimals as the format has."""
    return form.strip('"') if form.startswith('"') else f"{value:.{len(form.rstrip('%')) - 2}%}"
