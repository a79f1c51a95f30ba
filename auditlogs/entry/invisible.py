"""Characters that a reader cannot see: with one of them, two different names look the same.

They are control characters, lone surrogates, line and paragraph separators, bidirectional controls,
all of Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), the blank Braille
pattern, and noncharacters. In names, joiners and variation selectors stay where a script or an
emoji needs them.
"""

import re
import unicodedata

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_VIRAMA = 9
_KEYCAP, _KEYCAP_BASES = "\u20e3", "0123456789#*"
# Punctuation and a letter with an emoji form; the others are symbols.
_OTHER_EMOJI = "\u203c\u2049\u2139\u3030"

_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
    # Default_Ignorable_Code_Point, which includes every bidirectional control.
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # Interlinear annotations, and a sign without a dot.
    "\ufff9-\ufffb\u2800"
    # Noncharacters.
    "\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}-{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)


def has_hidden_character(text: str, *, is_name: bool = False) -> bool:
    """Return whether a text has a character that no reader sees and that is not needed there."""
    return any(not (is_name and _is_needed(text, match.start())) for match in _found(text))


def escaped(text: str, *, is_name: bool = False) -> str:
    r"""Return a text with its hidden characters written out, such as `\u3164` or `\U000e0041`."""

    def escape(match: re.Match[str]) -> str:
        if is_name and _is_needed(text, match.start()):
            return match[0]
        code = ord(match[0])
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    return _HIDDEN.sub(escape, text)


def _found(text: str) -> "list[re.Match[str]]":
    # Nearly every text is printable ASCII, and this is much faster than the expression.
    return [] if text.isascii() and text.isprintable() else list(_HIDDEN.finditer(text))


def _is_needed(text: str, at: int) -> bool:
    """Return whether the character at a position is a joiner or variation selector in its place."""
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if not before:
        return False
    if char in (_ZWNJ, _ZWJ):
        return (
            # After a virama, as RFC 5892 (A.1 and A.2) has it.
            unicodedata.combining(before) == _VIRAMA
            or (_is_cursive(_letter_before(text, at)) and _is_cursive(after))
            or (char == _ZWJ and _is_emoji(_emoji_before(text, at)) and _is_emoji(after))
        )
    if char in "\ufe0e\ufe0f":
        return (
            _is_emoji(before)
            or before in _OTHER_EMOJI
            or (before in _KEYCAP_BASES and after == _KEYCAP)
        )
    if "\ufe00" <= char <= "\ufe02" or "\U000e0100" <= char <= "\U000e01ef":
        return unicodedata.name(before, "").startswith("CJK ") or (
            char == "\ufe00" and unicodedata.name(before, "").startswith("MYANMAR LETTER")
        )
    return "\u180b" <= char <= "\u180d" and unicodedata.name(before, "").startswith("MONGOLIAN")


def _letter_before(text: str, at: int) -> str:
    """Return the letter before a position; vowel signs and other marks on it are passed over."""
    while at > 0 and unicodedata.category(text[at - 1]) == "Mn" and not _HIDDEN.match(text[at - 1]):
        at -= 1
    return text[at - 1 : at]


def _emoji_before(text: str, at: int) -> str:
    """Return the emoji before a position; its variation selector or skin tone is passed over."""
    while at > 1 and (text[at - 1] == "\ufe0f" or "\U0001f3fb" <= text[at - 1] <= "\U0001f3ff"):
        at -= 1
    return text[at - 1 : at]


def _is_cursive(char: str) -> bool:
    """Return whether a character is a letter of Arabic, Syriac or another script like them, whose
    letters join, so that a joiner changes how a word looks."""
    return char != "" and unicodedata.bidirectional(char) == "AL"


def _is_emoji(char: str) -> bool:
    if not char or char.isascii():
        return False
    # By number too: Python may not know the newest yet.
    return "\U0001f000" <= char <= "\U0001faff" or unicodedata.category(char) in ("So", "Sm")
