"""What the columns of an unknown table may be; a guess, for a person to decide."""

import re

from adapters import vocabulary
from adapters.codewords import KNOWN
from adapters.moments import CHANGED_FORMS, is_of_form, moment
from adapters.sources.fileformat import plain_header
from adapters.sources.looking import Column, LookedAt

NUMBER, NAME, PHONE, IDENTITY, DATE, CODE, TEXT, EMPTY = (
    "case number",
    "name of a person",
    "phone",
    "identity number: do not map it",
    "date",
    "code",
    "text",
    "empty",
)

_CASE_NUMBER = re.compile(r"A\d{22}")
_HEADED_NUMBER = re.compile(
    r"案件编号|受理编号|信访编号|登记编号|案号|编号|文书号|(^|_)AJBH|case_?(no|number|id)|^no$", re.I
)
_HEADED_NAME = re.compile(
    r"姓名|名字|当事人|联系人|申请人|信访人|举报人|负责人|经办|承办|法定代表|民警|办案人|签名|姓$|"
    r"(^|_|LXR|DSR)XM$|_?MC_?RY|RYXM|BRY$|BARP?$|name|person|officer|clerk",
    re.I,
)
_HEADED_PHONE = re.compile(r"电话|手机|联系方式|DH$|SJHM?$|phone|mobile|(^|_)tel", re.I)
_HEADED_IDENTITY = re.compile(r"身份证|证件|ZJHM|SFZH|GMSFHM|identity|id_?card", re.I)
_HEADED_DATE = re.compile(r"日期|时间|RQ$|SJ$|date|time|_at$|_on$", re.I)
_HEADED_CODE = re.compile(r"类|状态|级|性质|结果|标志|kind|type|state|status|flag|level|code|ZT|LX|DM|GRADE", re.I)
_HEADED_CHANGE = re.compile(r"更新|修改|变更|LASTUPDATE|UPDATED?|GXSJ|XGSJ|modified|changed", re.I)
_HEADED_ENTRY = re.compile(r"创建|录入|登记|CREATED?|RKSJ", re.I)
_HEADED_DELETED = re.compile(r"删除|作废|DELETE|SCBZ|is_?removed", re.I)
_HEADED_SECRET = re.compile(r"密级|涉密|保密|SECURITY|SECRET|(^|_)MJ$", re.I)
_HEADED_BIRTH = re.compile(r"出生|生日|CSRQ|birth|born", re.I)
_MOBILE = re.compile(r"(?:\+?86)?[ -]?1[3-9]\d[ -]?\d{4}[ -]?\d{4}")
_LANDLINE = re.compile(r"0\d{2,3}[- ]?\d{7,8}")
_IDENTITY = re.compile(r"\d{17}[\dXx]|\d{15}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{1,4}")
_ASCII_CODE = re.compile(r"[A-Za-z]{0,4}[-_.]?\d{0,6}")
_ASCII_WORD = re.compile(r"[A-Za-z0-9_.-]{1,10}")
#: Two letters are enough for a name (LI, zw), also before a number.
_SURE_CODE = re.compile(r"[A-Za-z]?[-_.]?[0-9]{0,6}")
_WORDS = KNOWN.union(
    ("yes", "no", "true", "false"),
    *(vocabulary.KINDS, vocabulary.STATES, vocabulary.ROLES, vocabulary.PENALTIES, vocabulary.DETAILS),
    *vocabulary.DETAIL_VALUES.values(),
)
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范"
    "金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章"
    "鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟"
    "艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄"
    "丛仲虞敖巩明佘池查麻苑迟邝马哈买"
)
_MOST_CODES = 30


def kind_of(column: Column) -> str:
    """What this column seems to hold, by its heading and its sample."""
    filled = [text for text in column.sample if text]
    if _HEADED_IDENTITY.search(plain_header(column.name)) or _share(filled, _IDENTITY) > 0.3:
        return IDENTITY
    if _share(filled, _CASE_NUMBER) > 0.8:
        return NUMBER
    if _HEADED_PHONE.search(plain_header(column.name)) and not _is_date(column, filled):
        return PHONE
    if filled and _share(filled, _MOBILE) + _share(filled, _LANDLINE) > 0.3:
        return PHONE
    if _HEADED_NAME.search(plain_header(column.name)) or _are_names(column, filled):
        return NAME
    if _is_date(column, filled):
        return DATE
    if _HEADED_NUMBER.search(plain_header(column.name)):
        return NUMBER
    if not filled:
        return EMPTY
    return CODE if _distinct(column) else TEXT


def codes(column: Column) -> list[str]:
    """The distinct texts of a column of codes that may be shown: digits, and words that are no names."""
    return [text for text in _distinct(column) if _SURE_CODE.fullmatch(text) or text.lower() in _WORDS]


def hidden_codes(column: Column) -> int:
    """How many distinct texts of a column of codes may be names, and are not shown."""
    return len(_distinct(column)) - len(codes(column))


def _distinct(column: Column) -> list[str]:
    """The distinct texts of the column if all of them are written as codes are; otherwise none."""
    filled = [text for text in column.sample if text]
    distinct = sorted(set(filled))
    is_few = len(distinct) <= _MOST_CODES and len(filled) >= 5 * len(distinct)
    return distinct if is_few and all(_is_code(column, text) for text in distinct) else []


def case_number(table: LookedAt) -> str:
    """The column of this table that holds the number of the case; '' for none."""
    found = [column for column in table.columns if kind_of(column) == NUMBER]
    best = max(found, key=lambda column: _share([t for t in column.sample if t], _CASE_NUMBER), default=None)
    return best.name if best else ""


def change_column(table: LookedAt) -> str:
    """The column that says when a row was last changed, in a form that polls can compare; '' for none."""
    found = [column for column in table.columns if _HEADED_CHANGE.search(plain_header(column.name))]
    return next((column.name for column in found if _is_comparable(table, column)), "")


def _is_comparable(table: LookedAt, column: Column) -> bool:
    """Whether changed rows can be told by this column; those of a file are found by comparing files."""
    return column.is_date or bool(changed_form(column)) or (table.drops is not None and kind_of(column) == DATE)


def changed_form(column: Column) -> str:
    """The form in which every filled value of the sample says when a row changed; '' for none, and for dates."""
    filled = [text for text in column.sample if text]
    forms = (form for form in CHANGED_FORMS if filled and all(is_of_form(text, form) for text in filled))
    return "" if column.is_date else next(forms, "")


def entry_column(table: LookedAt) -> str:
    """The column that says when a row was entered; '' for none."""
    found = [
        column
        for column in table.columns
        if _HEADED_ENTRY.search(plain_header(column.name)) and kind_of(column) == DATE
    ]
    return found[0].name if found else ""


def deleted_column(table: LookedAt) -> str:
    """The column that marks deleted rows; '' for none."""
    return next((column.name for column in table.columns if _HEADED_DELETED.search(plain_header(column.name))), "")


def secret_column(table: LookedAt) -> str:
    """The column that marks secret rows; '' for none."""
    return next((column.name for column in table.columns if _HEADED_SECRET.search(plain_header(column.name))), "")


def is_birth(column: Column) -> bool:
    """Whether the column seems to be the birth date of a person."""
    return _HEADED_BIRTH.search(plain_header(column.name)) is not None


def is_unique(table: LookedAt, name: str) -> bool:
    """Whether no two rows of the sample share a value of this column, and every row has one."""
    texts = next(column.sample for column in table.columns if column.name == name)
    return len(texts) > 0 and all(texts) and len(set(texts)) == len(texts)


def _share(texts: list[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts) if texts else 0.0


def _is_date(column: Column, filled: list[str]) -> bool:
    if column.is_date:
        return True
    read = sum(moment(text) is not None and len(text) >= 8 for text in filled)
    if not filled:
        return bool(_HEADED_DATE.search(plain_header(column.name)))
    return read >= 0.8 * len(filled) or (bool(_HEADED_DATE.search(plain_header(column.name))) and read > 0)


def _are_names(column: Column, filled: list[str]) -> bool:
    """Whether the texts read like names of persons; a heading of codes speaks against it."""
    likely = sum(_is_name(text) for text in filled)
    return likely > 0.4 * len(filled) and not _HEADED_CODE.search(plain_header(column.name))


def _is_name(text: str) -> bool:
    return 2 <= len(text) <= 4 and text[0] in _SURNAMES and _CHINESE.fullmatch(text) is not None


def _is_code(column: Column, text: str) -> bool:
    if sum(map(str.isdigit, text)) > 6 or (_is_name(text) and text not in KNOWN):
        return False
    if text.isascii():
        is_headed = _HEADED_CODE.search(plain_header(column.name)) is not None
        return len(text) <= 10 and bool(_ASCII_CODE.fullmatch(text) or (is_headed and _ASCII_WORD.fullmatch(text)))
    return _CHINESE.fullmatch(text) is not None
