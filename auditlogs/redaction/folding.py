"""Folding: texts as they look, in ASCII, so that look-alike characters hide no secret.

Full-width and styled letters lose their style, letters their accents, Cyrillic and Greek
look-alikes become the Latin letters they look like, and invisible characters are removed.
"""

import re
import unicodedata
from functools import lru_cache

import re2

from auditlogs.redaction.marks import RULE_PATTERN, whole

# Unicode's confusables take 100 ms to load and lack those in small capitals.
_LOOKALIKES = dict(
    zip(
        "авеԍнијкӏмопрѕтухуіԁԛԝһԚԜѡгпьАВЕНІЈКМОРЅТУХСЗ"
        "αβεηικνορτυχωγσςΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
        "հոսօցզՍՕսաքɑɡɩɪıȷʏʀʟɴɢʜɛƖсլᴀʙᴄᴅᴇᴊᴋᴍᴏᴘꜱᴛᴜᴠᴡᴢꞮøØłŁđĐħŧſ",
        "abeghijklmonpstyxyidqwhQWwrnbABEHIJKMOPSTYXCZ"
        "abenikvoptuxwyocABEZHIKMNOPTYX"
        "hnuogqUOuwqagiiijyrlngheIclabcdejkmopstuvwzIoOlLdDhts",
        strict=True,
    )
)
_QUOTES = "“”„‟«»「」『』"
OTHER = "\x7f"
# "Password", "private key", "secret" and "mnemonic" in other scripts. Folded letter by letter they
# would be unreadable, so each becomes one ASCII word.
_FOREIGN = (
    *("mật khẩu", "пароль", "пароля", "парола", "лозинка", "секрет", "приватный ключ"),
    *("мнемоника", "секретный ключ", "закрытый ключ", "сид-фраза", "ключ api", "κωδικός"),
    *("κωδικος", "συνθηματικό", "密码", "密碼", "口令", "密钥", "密鑰", "私钥", "私鑰", "助记词"),
    *("助記詞", "秘密鍵", "暗証番号", "パスワード", "パスフレーズ", "ニーモニック", "비밀번호"),
    *("암호", "개인키", "비밀키", "니모닉", "كلمة المرور", "كلمة السر", "كلمه المرور"),
    *("رمز عبور", "گذرواژه", "پاس ورڈ", "סיסמה", "סיסמא", "पासवर्ड", "कूटशब्द"),
    *("รหัสผ่าน", "পাসওয়ার্ড", "கடவுச்சொல்", "գաղտնաբառ", "პაროლი"),
)
MEANING = "passwd"
# "Is" after them.
_IS = r"\s?(?:是|为|為|は|는|은|คือ)|\s(?:هي|היא|הוא|είναι|là|это)\s"
# Two words may also be joined as the names of keys are.
_foreign = re2.compile(
    "(?i)(?:" + "|".join("[ _-]?".join(map(re2.escape, w.split())) for w in _FOREIGN) + f")({_IS})?"
)
FILLER = b"\x01"
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r"))
_COLOUR = re2.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MARK = re.compile(rb"\[REDACTED:" + RULE_PATTERN.encode() + rb"\]")


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    """Return the ASCII that a character looks like: "" if invisible, `OTHER` if like none."""
    if char.isascii():
        return "" if ord(char) in _CONTROLS else char
    if char in "→⇒":
        return "=>"
    if char in _QUOTES:
        return '"'
    if char in "\u2028\u2029\x85":
        return "\n"
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Cf", "Cc", "Mn", "Me") or char in "\u115f\u1160\u3164\uffa0\u034f":
        return ""
    folded = ""
    for part in unicodedata.normalize("NFKD", char):
        if part.isascii():
            folded += part
        elif unicodedata.category(part) not in ("Mn", "Me", "Cf"):
            folded += _LOOKALIKES.get(part, OTHER)
    return folded


def fold(text: str) -> str:
    """Return a text as it looks, in ASCII."""
    return text if text.isascii() and text.isprintable() else "".join(_folded(text))


def _folded(text: str) -> list[str]:
    """Return the ASCII that each character of a text looks like."""
    chars = [_fold(char) for char in text]
    if not text.isascii():
        for match in _foreign.finditer(whole(text)):
            start, end = match.span()
            is_said = match[1] is not None or (text[end : end + 1] or " ") in _QUOTES
            word = f"{MEANING} is " if is_said else MEANING
            chars[start:end] = [word, *[""] * (end - start - 1)]
    return chars


class View:
    r"""A text as it looks, in ASCII.

    `places` has the index in the text for each byte, None if they are the same.
    `data` is ASCII without terminal colours and control characters; marks in it are runs of
    \x01, which no pattern takes for text. `marked` is the same with its marks.
    """

    __slots__ = ("data", "marked", "places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: list[int] | None = None
        ascii_only = text.isascii()
        data = text.encode() if ascii_only else b""
        if not ascii_only or len(data.translate(None, _CONTROLS)) != len(data):
            data = self._folded()
        self.marked = data
        self.data = _MARK.sub(_filler, data) if b"[REDACTED:" in data else data

    def _folded(self) -> bytes:
        chars = _folded(self.text)
        if "\x1b" in self.text:
            for colour in _COLOUR.finditer(whole(self.text)):
                chars[colour.start() : colour.end()] = [""] * (colour.end() - colour.start())
        self.places = [i for i, folded in enumerate(chars) for _ in folded]
        return "".join(chars).encode()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the (start, end) in the text of a piece of the view that is not empty."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def _filler(match: re.Match[bytes]) -> bytes:
    return FILLER * len(match[0])
