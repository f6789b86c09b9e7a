"""The two Chinese scripts: traditional text as declared, simplified text derived from it."""

import re
import unicodedata

_PHRASES = (
    ("登記資料", "登记资料"),
    *(("檔案", "文件"), ("資料夾", "文件夹"), ("欄位", "字段"), ("資料", "数据"), ("匯出", "导出"), ("設定", "设置")),
    *(("位元組", "字节"), ("字元", "字符"), ("範本", "模板"), ("活頁簿", "工作簿"), ("數字", "数字"), ("支援", "支持")),
)
_PAIRS = (
    "丟丢並并乾干亂乱佈布佔占來来侖仑係系倉仓個个們们倫伦偉伟側侧偽伪傘伞備备傳传債债傷伤傾倾僅仅價价儀仪億亿儘尽償偿優优兒儿內内兩两冊册凍冻凱凯別别刪删則则剛刚創创劃划劇剧劉刘劍剑劑剂勁劲動动務务勝胜勞劳勢势勵励勸劝匯汇區区協协卻却厭厌厲厉參参"
    "吳吴員员問问啓启啞哑啟启喚唤喪丧單单嗎吗嘆叹嘗尝嚇吓嚴严國国圍围園园圓圆圖图團团執执堅坚報报場场塊块塵尘墜坠墳坟壇坛壓压壘垒壞坏壯壮壽寿夠够夥伙夾夹奪夺奮奋婦妇媽妈嬰婴孫孙學学實实寧宁審审寫写寬宽將将專专尋寻對对導导層层屬属岡冈島岛巖岩帥帅"
    "師师帳账帶带幣币幫帮幾几庫库廁厕廟庙廠厂廢废廣广廳厅張张強强彈弹彙汇後后徑径從从復复徵征徹彻惡恶愛爱態态慣惯慶庆憂忧憑凭憲宪憶忆懇恳應应懶懒懷怀戀恋戰战戲戏戶户拋抛掃扫掛挂採采揚扬換换揮挥損损搶抢撥拨撫抚撲扑撿捡擁拥擇择擊击擔担據据擬拟擱搁"
    "擴扩擺摆擾扰攔拦攝摄敗败敘叙敵敌數数斷断於于時时晝昼暈晕暢畅暫暂曆历曉晓曬晒書书會会東东條条棄弃棧栈楊杨業业極极構构槍枪樂乐樓楼標标樣样樹树橋桥機机橫横檔档檢检權权歐欧歡欢歲岁歷历歸归殘残殺杀殼壳毀毁氣气決决沒没沖冲況况涼凉淚泪淨净減减測测"
    "湊凑湯汤準准溝沟溫温滅灭滿满漢汉潔洁潛潜濕湿濟济濾滤灣湾災灾為为烏乌無无煉炼煩烦熱热燈灯燒烧營营爛烂爭争爺爷爾尔牆墙牽牵狀状獄狱獎奖獨独獲获獸兽獻献現现瑪玛環环產产畝亩畢毕畫画異异當当瘋疯療疗癢痒發发皺皱盜盗盡尽監监盤盘盧卢眾众睏困瞭了矯矫"
    "確确碼码磚砖礦矿祕秘禍祸禮礼種种稱称積积穩稳窮穷競竞筆笔節节範范築筑簡简簽签簾帘籃篮籌筹籤签糧粮糾纠紀纪約约純纯紙纸級级紛纷細细終终組组結结絕绝絡络給给統统經经綜综綠绿維维網网緊紧緒绪線线緣缘編编緩缓練练縣县縮缩總总繫系繳缴繼继續续纔才罰罚"
    "罷罢羅罗義义習习聖圣聞闻聯联聰聪聲声職职聽听肅肃脫脱腦脑腳脚臉脸臨临臺台與与興兴舉举舊旧艦舰艱艰莊庄華华萬万葉叶蓋盖薦荐藉借藝艺藥药蘇苏蘭兰欄栏處处虛虚號号虧亏蟲虫術术衛卫裏里補补裝装裡里製制複复襯衬見见規规視视親亲覺觉覽览觀观觸触訂订計计訊讯"
    "討讨訓训託托記记訪访設设許许訴诉診诊註注評评詞词詢询試试詩诗話话該该詳详誇夸誌志認认語语誠诚誤误說说課课調调談谈請请論论諸诸諾诺謀谋講讲謝谢謹谨證证識识譯译議议護护讀读變变讓让讚赞豐丰貝贝負负財财貢贡貨货販贩貪贪責责貴贵買买費费貼贴賀贺資资"
    "賓宾賠赔賣卖質质賬账賺赚購购贈赠贏赢趕赶趙赵趨趋躍跃車车軌轨軍军軟软較较載载輔辅輕轻輛辆輪轮輸输轉转辦办辭辞農农這这連连週周進进運运過过達达違违遞递遺遗遠远適适遲迟遷迁選选還还邊边郵邮鄉乡鄰邻醫医釋释釘钉針针釣钓鈔钞鈴铃銷销鋼钢錄录錢钱錯错鍵键"
    "鎖锁鎮镇鏡镜鐘钟鑑鉴鑰钥鑿凿長长門门閃闪閉闭開开間间閱阅闆板關关陣阵陰阴陸陆陽阳隊队階阶際际隨随險险隱隐雖虽雙双雜杂雞鸡離离難难雲云電电霧雾靈灵靜静響响頁页頂顶項项順顺須须預预領领頭头頻频題题額额顏颜願愿類类顧顾顯显風风飛飞飯饭飲饮養养餘余"
    "館馆馬马馮冯駕驾騙骗騷骚驗验驚惊髒脏體体髮发鬆松鬥斗魚鱼鮮鲜鳥鸟鳳凤鹽盐麗丽麥麦麼么黃黄點点黨党齊齐齋斋齒齿齡龄龍龙"
)
_TO_SIMPLIFIED = {ord(a): b for a, b in zip(_PAIRS[::2], _PAIRS[1::2], strict=True)}
INVISIBLE = "\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad"
"""Characters that no reader sees, as the inside of a pattern's brackets."""

_UNSEEN = re.compile(f"[{INVISIBLE}]")


def simplified(text: str) -> str:
    """Turn our traditional texts, and column names, into simplified Chinese.

    Words first, then characters; those that the texts of this project and the names of columns use, and common ones, are declared.

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
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return simplified(re.sub(r"[\s_\-:'\"*#]+", "", plain))


TRADITIONAL, MAINLAND = _PAIRS[::2], _PAIRS[1::2]
"""The declared characters, for the engine's translate()."""
