"""What a training warns of, declared: each caution a code with its values, told in every language where it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from blockrisk.features.messages import either
from blockrisk.serving.explanation import Texts
from blockrisk.serving.languages import in_languages

CAUTIONS: Final[dict[str, tuple[str, str]]] = {
    "until_past_the_data": (
        "--until {until} lies after the end of observation, {end}, which is used instead",
        "--until {until} 晚於觀察結束之時；以 {end} 為準",
    ),
    "few_blocks": (
        "only {blocks} blocks to learn from: take every figure with caution",
        "只有 {blocks} 次封停可學：各項數字都請審慎看待",
    ),
    "simple_learner": (
        "only {blocks} blocks to learn from, under {least}: the simple learner {learner} was taken, and its"
        " probabilities are rough",
        "只有 {blocks} 次封停可學，少於 {least}：改用簡單的學習器 {learner}，其機率是粗略的",
    ),
    "few_rows": (
        "only {rows} rows of the rarer label: take every figure with caution",
        "較少的一類只有 {rows} 行：各項數字都請審慎看待",
    ),
    "thin_test": (
        "only {blocks} blocks in the test slice: its figures are rough",
        "測試區段只有 {blocks} 次封停：其數字是粗略的",
    ),
    "unripe_horizon": (
        "horizon {days} d: of the dates to learn from, none is known to end in a block so soon, so it is left out",
        "預測期 {days} 天：用於學習的日期中，已知沒有一個在這期間內被封停，故略去",
    ),
    "leak": (
        "column {column} alone tells the label with a ROC-AUC of at least {least}: if it is written after the block, every figure"
        " here is too good; leave it out or prove that it is known before",
        "僅憑欄位 {column} 就能說出結果（ROC-AUC 至少 {least}）：如果它是封停之後才寫下的，這裡的數字都過好；"
        "請去掉它，或證明它事先已知",
    ),
    "no_dates": (
        "vectors without dates cannot prove that they end before the label: if a column measures time after the block,"
        " every figure here is too good",
        "沒有日期的向量無法證明它們止於結果之前：若有欄位量到了封停之後，這裡的數字都過好",
    ),
    "random_split": (
        "the split into train, calibrate and test is random and stratified by the label (seed {seed}), not forward in time",
        "訓練、校準與測試是按結果分層隨機劃分的（種子 {seed}），不是按時間向前",
    ),
}
"""Code -> its text in English and in traditional Chinese."""


@dataclass(frozen=True)
class Caution:
    """Hold one caution: a code of CAUTIONS and the values of its places. As a text it is in the language of the user."""

    code: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return either(CAUTIONS[self.code]).format(**self.values)

    def texts(self) -> Texts:
        """Give the caution in every language.

        >>> Caution("few_blocks", {"blocks": 12}).texts()["zh-Hans"]
        '只有 12 次封停可学：各项数字都请审慎看待'
        """
        english, chinese = CAUTIONS[self.code]
        return {language: text.format(**self.values) for language, text in in_languages(chinese, english).items()}

    def to_json(self) -> dict[str, Any]:
        """Give the caution as a manifest keeps it."""
        return {"code": self.code, "values": dict(self.values)}


def caution(code: str, **values: str | float) -> Caution:
    """Make a caution.

    >>> str(caution("thin_test", blocks=8))
    'only 8 blocks in the test slice: its figures are rough'
    """
    return Caution(code, values)


def read_cautions(kept: Sequence[Mapping[str, Any]] | None) -> tuple[Caution, ...]:
    """Read the cautions of a manifest; none are kept where there is nothing.

    >>> read_cautions([caution("no_dates").to_json()]) == (caution("no_dates"),), read_cautions(None)
    (True, ())
    """
    return tuple(Caution(str(one["code"]), dict(one["values"])) for one in kept or ())
