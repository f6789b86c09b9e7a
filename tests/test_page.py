"""The page of the morning: what it says, that it needs nothing else, and that it works in a real browser."""

import base64
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from briefings import morning
from browser import Browser, Page, browser, find_browser

from blockrisk.features.feature import FAMILIES
from blockrisk.features.tables import TABLES
from blockrisk.serving.briefing import Briefing
from blockrisk.serving.cautions import CAUTIONS
from blockrisk.serving.explanation import LANGUAGES
from blockrisk.serving.page import document
from blockrisk.serving.page import morning as page_module
from blockrisk.serving.page.drawing import effects, factor_bars, timeline
from blockrisk.serving.page.summary import moves, today
from blockrisk.serving.page.texts import texts
from blockrisk.serving.percent import percent

SCRIPTS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "'><svg onload=window.pwned=1>",
    "<!--<script>window.pwned=1</script>",
    "-->]]><iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "</title></style></textarea><b>x</b>",
    "</td></tr></table><form action=//x.invalid><input>",
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}{% raw %}${window.pwned=1}",
)
WRAPPERS = ("{}", " {} ", "A{}", "{}Z", '"{}"', "'{}'", "`{}`", "\n{}", "\u2028{}", "&lt;{}", "\\{}", "\\u003c{}", "={}")
WRAPPERS += ("%3C{}", "{}<", "<{}", "&{};", "<a href='{}'>", "<!DOCTYPE {}>", "\ufeff{}")
PAYLOADS = [wrapper.replace("{}", script) for script in SCRIPTS for wrapper in WRAPPERS]


@pytest.fixture(scope="module")
def briefing() -> Briefing:
    return morning(cards=150, capacity=12)


@pytest.fixture(scope="module")
def html(briefing: Briefing) -> str:
    return page_module.page(briefing)


class Tags(HTMLParser):
    """Gather every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_language_has_the_same_words_with_the_same_places() -> None:
    places = re.compile(r"\{\w+\}")
    for key, words in texts().items():
        assert set(words) == set(LANGUAGES), key
        assert len({tuple(sorted(places.findall(told))) for told in words.values()}) == 1, key
        assert all(told.strip() for told in words.values()), key


def test_every_file_of_the_page_is_installed() -> None:
    folder = Path(page_module.__file__).parent
    settings = tomllib.loads((folder.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["blockrisk.serving.page"]
    installed = {path for pattern in patterns for path in folder.glob(pattern)}
    there = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there == installed


def test_every_family_choice_and_band_has_words() -> None:
    assert {f"family.{name}" for name in FAMILIES} <= set(texts())
    choices = {value for table in TABLES for column in table.columns for value in (*column.choices, column.blank or "unknown")}
    told = {value for value in choices if f"choice.{value}" in texts()}
    assert {"open", "upheld", "rejected", "operator", "regulator", "mark", "internal", "full_stop", "warning", "unknown"} <= told


def test_the_page_asks_for_nothing_and_allows_only_its_own_script_and_style(html: str) -> None:
    tags = Tags(html).found
    for tag, attributes in tags:
        assert tag not in ("iframe", "object", "embed", "base", "img", "audio", "video")
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    policy = next(a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


def test_the_top_counts_what_needs_attention_and_what_changed(briefing: Briefing) -> None:
    figures = today(briefing)
    concern = briefing.scored["band"].isin(["high", "very_high"])
    assert figures.attention == concern.sum() > 0
    assert sum(n for _, n in figures.bands) == figures.at_risk == 150
    assert figures.low <= figures.expected <= figures.high
    assert (figures.fresh, figures.gone) == (1, 0)
    earlier = set(briefing.before["card_id"][briefing.before["band"].isin(["high", "very_high"])])
    assert figures.entered == len(set(briefing.scored["card_id"][concern]) - earlier)


def test_the_list_by_the_rule_of_the_model_is_counted_where_there_is_one(briefing: Briefing) -> None:
    told = page_module.list_rows(briefing, 0)["listed"]
    assert today(briefing).listed == sum(told) == 3
    assert [place for place, on in enumerate(told) if on] == [0, 1, 4]
    without = replace(briefing, scored=briefing.scored.drop(columns="alert"))
    assert today(without).listed is None
    assert 'data-filter="listed"' in page_module.page(briefing)
    assert 'data-filter="listed"' not in page_module.page(without)


def test_a_first_morning_compares_with_nothing(briefing: Briefing) -> None:
    alone = replace(briefing, before=briefing.before.iloc[:0])
    assert today(alone).entered is None
    assert moves(alone) == ([], [])
    assert texts()["today.no_before"]["en"] in page_module.page(alone)


def test_moves_are_the_largest_of_cards_of_concern(briefing: Briefing) -> None:
    rose, fell = moves(briefing)
    assert rose
    assert fell
    assert all(move.now > move.before for move in rose)
    sizes = [move.before - move.now for move in fell]
    assert sizes == sorted(sizes, reverse=True)


def test_a_morning_without_cards_is_a_page_all_the_same(briefing: Briefing) -> None:
    empty = replace(
        briefing, as_of="", scored=briefing.scored.iloc[:0], before=briefing.before.iloc[:0], explanations=(), days=pd.DataFrame()
    )
    assert texts()["page.nothing"]["zh-Hant"] in page_module.page(empty)


def test_a_page_of_many_cards_stays_under_five_megabytes_and_says_what_it_leaves_out() -> None:
    large = morning(cards=10_500, capacity=450)
    text = page_module.page(large)
    assert len(text.encode()) < page_module.MOST_BYTES
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert len(rows["card"]) == page_module.MOST_ROWS
    assert text.count('<details class="card ') == rows["details"] < 450
    assert "The 10,000 riskiest of 10,500 cards are in this page" in text
    assert f"Details are shown of {rows['details']} of 450 cards" in text


def test_a_day_that_is_unknown_is_told_as_unknown_and_not_as_zero(briefing: Briefing) -> None:
    told = briefing.explanations[0]
    days = briefing.days[briefing.days["card_id"] == told.card_id].assign(complaints=np.nan, undeclared=np.nan)
    drawn = timeline(told, days, 0.01)
    assert drawn.complaints.most is None
    assert drawn.complaints.path == ""
    assert drawn.offsite.special == -1
    assert drawn.table[0][-1] == percent(told.probability)


def test_a_day_out_of_use_is_a_gap_in_the_line(briefing: Briefing) -> None:
    told = replace(briefing.explanations[0], history=(("2025-04-01", 0.1), ("2025-04-02", 0.1), ("2025-04-20", 0.2)))
    path = timeline(told, briefing.days[briefing.days["card_id"] == told.card_id], 0.01).chance.path
    assert path.count("M") == 3


def test_factors_add_up_to_the_margin_and_the_rest_is_one_bar(briefing: Briefing) -> None:
    told = briefing.explanations[0]
    bars = factor_bars(told, most=4)
    assert [bar.family for bar in bars][-1] == "rest"
    assert len(bars) == 5
    assert sum(bar.sum for bar in bars) + told.base == pytest.approx(told.margin)


def test_effects_lie_on_one_scale(briefing: Briefing) -> None:
    told = next(told for told in briefing.explanations if len(told.advice) > 1)
    placed = effects(told)
    assert max(max(e.without, e.with_, e.high) for e in placed) == pytest.approx(99)
    assert all(e.with_ < e.without and e.low <= e.with_ <= e.high for e in placed)


def test_texts_of_the_data_are_escaped_everywhere() -> None:
    text = page_module.page(morning(cards=9, capacity=4, words=lambda words: f"{words}<b id=x>&\"'"))
    assert not any(attributes.get("id") == "x" for _, attributes in Tags(text).found)
    assert "<b id=x>" not in text


def test_the_script_of_a_document_is_the_one_that_is_allowed() -> None:
    assert document.count(1234.0) == "1,234"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with browser(program) as running:
        yield running


@pytest.fixture
def opened(chromium: Browser, html: str, tmp_path: Path) -> Page:
    (tmp_path / "list.html").write_text(html, encoding="utf-8")
    page = Page(chromium)
    page.speaks("zh-TW")
    page.size(1280, 900)
    page.open(tmp_path / "list.html")
    return page


def cards(page: Page) -> list[str]:
    found: list[str] = page.run("[...document.querySelectorAll('#table tbody td.id')].map((cell) => cell.textContent)")
    return found


@pytest.mark.long
def test_the_page_loads_without_an_error_and_shows_the_riskiest_first(opened: Page, briefing: Briefing) -> None:
    assert opened.errors == []
    assert cards(opened) == briefing.scored["card_id"].head(100).tolist()
    chances = opened.run("[...document.querySelectorAll('#table tbody td.p')].map((cell) => cell.textContent)")
    assert chances == briefing.scored["probability"].head(100).map(percent).tolist()
    opened.run("document.getElementById('more').click()")
    assert cards(opened) == briefing.scored["card_id"].tolist()
    assert opened.run("document.getElementById('more').hidden")


@pytest.mark.long
def test_search_finds_a_card_a_reason_and_says_when_there_is_none(opened: Page, briefing: Briefing) -> None:
    wanted = briefing.scored["card_id"].iloc[120]
    opened.run("document.getElementById('search').focus()")
    opened.type(wanted[-9:])
    assert cards(opened) == [wanted]
    opened.run("document.getElementById('search').value = ''")
    opened.type("聯通 北京")
    both = (briefing.traits["operator"] == "聯通") & (briefing.traits["home_region"] == "北京")
    assert sorted(cards(opened)) == sorted(briefing.traits.index[both])
    opened.type(" nobody")
    assert cards(opened) == []
    assert opened.run("document.getElementById('shown').textContent") == texts()["js.none"]["zh-Hant"]


@pytest.mark.long
def test_filters_and_sorting_work_by_keyboard(opened: Page, briefing: Briefing) -> None:
    opened.run(
        "const region = document.querySelector('[data-filter=home_region]');"
        "region.value = [...region.options].find((option) => option.textContent.startsWith('成都')).value;"
        "region.dispatchEvent(new Event('change'))"
    )
    there = briefing.traits.index[briefing.traits["home_region"] == "成都"]
    assert set(cards(opened)) == set(there)
    opened.run("document.querySelector('th[data-column=card] button').focus()")
    opened.press("Enter")
    assert cards(opened) == sorted(there)
    opened.press("Enter")
    assert cards(opened) == sorted(there, reverse=True)
    assert opened.run("document.querySelector('th[data-column=card]').getAttribute('aria-sort')") == "descending"


@pytest.mark.long
def test_the_list_of_the_day_can_be_chosen_and_is_marked(opened: Page, briefing: Briefing) -> None:
    listed = briefing.scored["card_id"][briefing.scored["alert"]].tolist()
    assert opened.run("[...document.querySelectorAll('td.rank.listed')].map((cell) => cell.textContent)") == ["1", "2", "5"]
    opened.run("const f = document.querySelector('[data-filter=listed]'); f.value = '1'; f.dispatchEvent(new Event('change'))")
    assert cards(opened) == listed


@pytest.mark.long
def test_every_control_is_reached_by_tab_and_a_link_opens_its_card(opened: Page) -> None:
    reached = set()
    for _ in range(40):
        opened.press("Tab")
        reached.add(opened.run("((at) => at.id || at.dataset.language || at.hash)(document.activeElement)"))
    assert {"zh-Hant", "zh-Hans", "en", "theme", "print", "search", "#card-1"} <= reached
    opened.run("document.querySelector('a[href=\"#card-3\"]').focus()")
    opened.press("Enter")
    assert opened.run("new Promise((done) => setTimeout(() => done(document.getElementById('card-3').open), 300))")


@pytest.mark.long
def test_the_page_opens_in_the_first_language_of_the_reader_that_it_speaks(chromium: Browser, html: str, tmp_path: Path) -> None:
    (tmp_path / "read.html").write_text(html, encoding="utf-8")
    page = Page(chromium)
    for languages, opens in {
        "zh-TW,en": "zh-Hant",
        "zh-Hant-SG": "zh-Hant",
        "zh-CN,zh-TW": "zh-Hans",
        "zh": "zh-Hans",
        "en-GB,zh": "en",
        "de-DE,en": "en",
        "de-DE,fr": "zh-Hant",
    }.items():
        page.speaks(languages)
        page.open(tmp_path / "read.html")
        assert page.run("document.documentElement.lang") == opens, languages


@pytest.mark.long
def test_the_language_changes_every_visible_text_and_no_key_shows(opened: Page) -> None:
    seen = {}
    for language in ("en", "zh-Hans", "zh-Hant"):
        opened.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
        seen[language] = opened.run("document.body.innerText")
        assert texts()["cards.title"][language] in seen[language]
        assert texts()["js.band.high"][language] in opened.run("document.querySelector('#table tbody').innerText")
        assert opened.run("document.title").startswith(texts()["page.title"][language])
        others = [other for other in LANGUAGES if other != language]
        assert not any(texts()["cards.title"][other] in seen[language] for other in others)
    assert opened.errors == []


@pytest.mark.long
def test_a_timeline_gives_its_figures_as_a_table(opened: Page) -> None:
    opened.run("document.querySelector('.figures').open = true")
    rows = opened.run(
        "new Promise((done) => setTimeout(() => done([...document.querySelectorAll('.figures tbody')[0].rows].length), 200))"
    )
    assert rows == 31
    assert opened.errors == []


@pytest.mark.long
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(opened: Page, width: int) -> None:
    opened.size(width, 800, phone=width < 700)
    opened.run("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for language in LANGUAGES:
        opened.run(f"document.querySelector('[data-language=\"{language}\"]').click()")
        assert opened.run("document.documentElement.scrollWidth") <= width


@pytest.mark.long
def test_two_hundred_script_payloads_in_every_text_field_add_no_node(chromium: Browser, tmp_path: Path) -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 200
    page = Page(chromium)
    path = tmp_path / "list.html"

    def nodes(payload: str) -> int:
        path.write_text(page_module.page(morning(cards=5, capacity=2, words=lambda words: words + payload)), encoding="utf-8")
        page.open(path)
        count: int = page.run("document.querySelectorAll('*').length")
        return count

    plain = nodes("x")
    for payload in PAYLOADS:
        assert nodes(payload) == plain, payload
        assert page.run("typeof window.pwned") == "undefined", payload
        assert page.errors == [], payload


def test_every_text_field_is_reached_by_the_payloads() -> None:
    """Of the texts of a made-up morning all show but the codes of reasons and advice, and the names of files without a fault."""
    marks: list[str] = []

    def mark(words: str) -> str:
        marks.append(f"mark{len(marks)}end")
        return words + marks[-1]

    text = page_module.page(morning(cards=5, capacity=2, words=mark))
    briefing = morning(cards=5, capacity=2)
    unseen = [name for name in marks if name not in text]
    codes = sum(len(told.reasons) + len(told.advice) for told in briefing.explanations)
    assert len(unseen) == codes + 2


def test_cautions_of_the_model_are_told_in_every_language(briefing: Briefing) -> None:
    text = page_module.page(briefing)
    for words in ("only 8 blocks in the test slice", "測試區段只有 8 次封停", "测试区段只有 8 次封停"):
        assert words in text


def test_every_caution_has_the_same_places_in_both_languages() -> None:
    places = [[{name for _, name, _, _ in Formatter().parse(text) if name} for text in pair] for pair in CAUTIONS.values()]
    assert all(english == chinese for english, chinese in places)


def test_findings_of_the_morning_are_told_in_every_language_and_escaped(briefing: Briefing) -> None:
    nasty = "<b>Operator</b>"
    alarm = {"operator": nasty, "region": "", "since": "2025-04-20", "raised": "2025-04-28", "ratio": 2.1, "low": 1.4, "high": 3.0}
    row = {"operator": nasty, "region": "", "observed": 9, "expected": 4.0, "ratio": 2.25, "low": 1.03, "high": 4.27, "alarm": True}
    found = {
        "as_of": briefing.as_of,
        "alarms": [{"kind": "policy", "values": alarm}],
        "failed": [nasty],
        "tables": {"policy": [row]},
    }
    told = page_module.page(replace(briefing, monitoring=found))
    assert 'href="#monitoring"' in told
    assert nasty not in told
    for language in LANGUAGES:
        assert texts()["monitoring.failed"][language] in told
        assert texts()["monitoring.alarm.policy"][language].format(**{**alarm, "operator": "&lt;b&gt;Operator&lt;/b&gt;"}) in told
    quiet = page_module.page(replace(briefing, monitoring={**found, "alarms": [], "failed": []}))
    assert texts()["monitoring.quiet"]["en"] in quiet


def test_without_findings_the_page_has_no_section_on_monitoring(html: str) -> None:
    assert 'id="monitoring"' not in html
    assert "#monitoring" not in html
