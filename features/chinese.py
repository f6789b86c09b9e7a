"""The two Chinese scripts: traditional text as declared, simplified text derived from it."""

import re
import unicodedata

_PHRASES = (
    *(("檔案", "文件"), ("資料夾", "文件夹"), ("欄位", "字段"), ("資料", "数据"), ("匯出", "导出"), ("設定", "设置")),
    *(("位元組", "字节"), ("字元", "字符"), ("範本", "模板"), ("活頁簿", "工作簿"), ("數字", "数字"), ("支援", "支持")),
)
_PAIRS = (
    "號号電电銷销個个為为無无時时間间長长話话應应費费額额繳缴復复開开結结終终訴诉處处狀状態态類类歸归屬属戶户隊队產产註注冊册"
    "認认證证確确單单機机訂订閉闭銷销運运營营監监記记標标內内撥拨響响鈴铃聽听絕绝佔占線线關关圖图終终觀观測测點点區区備备報报離离"
    "賬账帳账實实總总計计動动請请員员說说錯错誤误與与從从後后將将沒没這这裡里們们會会來来過过數数據据檢检驗验轉转換换讀读寫写刪删"
    "對对應应該该補补並并選选擇择兩两種种蓋盖範范圍围週周邊边進进達达當当連连續续遠远遲迟還还連连齊齐變变讓让許许論论識识"
    "壞坏損损壓压縮缩頭头題题顯显願愿類类風风險险飛飞館馆體体麼么黃黄齡龄齒齿筆笔簽签級级紀纪約约統统維维網网緊紧緒绪編编練练"
    "質质賣卖買买貨货負负責责貴贵購购贈赠車车輸输農农遞递適适鄉乡鄰邻醫医釋释鐘钟鍵键門门間间際际陽阳隨随難难雙双雜杂預预領领"
    "顧顾飯饭驚惊鬥斗魚鱼鳥鸟麥麦師师帶带幣币幾几庫库廣广張张強强彈弹徑径務务勞劳勢势勝胜協协廠厂參参號号員员啟启嗎吗問问團团園园"
    "場场執执壽寿夠够夾夹奪夺學学孫孙寧宁審审寬宽導导專专層层島岛巖岩歲岁歷历殘残殺杀氣气決决況况濟济滿满漢汉潔洁為为爾尔獨独"
    "獲获現现環环畢毕異异療疗盡尽盤盘碼码禮礼禮礼稱称穩稳積积窮穷競竞筆笔簡简糧粮細细組组給给絕绝經经綠绿緣缘縣县繼继纔才羅罗"
    "義义習习聯联聲声職职脫脱腦脑臺台舉举舊旧艱艰蘇苏蘭兰處处虛虚術术衛卫裝装製制規规視视覺觉親亲觸触訊讯設设訪访評评詞词試试詳详"
    "語语調调談谈請请諾诺謝谢議议護护讚赞贏赢趕赶躍跃較较載载輕轻輪轮辦办釘钉錄录錢钱鎖锁鎮镇閱阅隊队階阶陸陆隱隐雖虽靈灵靜静項项"
    "發发萬万業业掛挂斷断敗败攔拦丟丢徵征憶忆擱搁於于準准複复鑰钥條条"
    "順顺須须頻频顏颜驗验點点徹彻側侧僅仅價价億亿傳传債债傾倾優优儘尽冊册凍冻劃划則则剛刚創创劇剧勵励匯汇區区卻却厭厌吳吴"
)
_TO_SIMPLIFIED = {ord(a): b for a, b in zip(_PAIRS[::2], _PAIRS[1::2], strict=True)}
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")


def simplified(text: str) -> str:
    """Turn our traditional texts, and column names, into simplified Chinese.

    Only the characters that the texts of this project and the names of columns use are declared.

    >>> simplified("檔案的欄位：開始時間、通話時長")
    '文件的字段：开始时间、通话时长'
    """
    for traditional, mainland in _PHRASES:
        text = text.replace(traditional, mainland)
    return text.translate(_TO_SIMPLIFIED)


def folded(name: str) -> str:
    """Give the form in which two spellings of a column name or a word are the same: width, case, script, blanks, _ and -.

    >>> folded("Ｓtart_Time ") == folded("start time"), folded("開始時間") == folded("开始时间")
    (True, True)
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return simplified(re.sub(r"[\s_\-:'\"*#]+", "", plain))


TRADITIONAL, MAINLAND = _PAIRS[::2], _PAIRS[1::2]
"""The declared characters, for the engine's translate()."""
