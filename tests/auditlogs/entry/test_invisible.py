"""Characters that nobody sees: refused in ids, in names only where no script needs them."""

import sys
import unicodedata

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry.invisible import escaped, has_hidden_character

# What Unicode calls ignorable by default, a sample of each range, and what else cannot be seen.
HIDDEN = [
    *("\x00", "\n", "\x1f", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\udfff"),
    *("\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180b", "\u180e"),
    *("\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2060", "\u2064"),
    *("\u2066", "\u2069", "\u206f", "\u3164", "\ufe00", "\ufe0f", "\ufeff", "\uffa0", "\ufff0"),
    *("\U0001bca0", "\U0001d173", "\U0001d17a", "\U000e0001", "\U000e0041", "\U000e01ef"),
    *("\u2800", "\ufff9", "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"),
]
# Names as people write them: Persian, Hindi, Sinhala, Malayalam, Japanese, Burmese, and emoji.
NAMES = [
    *("Ada Lovelace", "日本", "a\u3000b", "é", "नमस्ते", "😀", "¿Qué?", "Zoë’s bot", "A\u0301"),
    *("می\u200cخواهم", "علی\u200cرضا", "نمی\u200cدانم", "بَ\u200cها"),
    *("क्\u200dष", "ශ්\u200dරී", "അവന്\u200d", "葛\U000e0100飾区", "辻\U000e0101", "က\ufe00"),
    *(
        "❤\ufe0f",
        "I ❤\ufe0f SOL",
        "👩\u200d🚀",
        "👨\u200d👩\u200d👧\u200d👦",
        "🏳\ufe0f\u200d🌈",
        "1\ufe0f\u20e3",
    ),
    *(
        "👩🏽\u200d💻",
        "👁\ufe0f\u200d🗨\ufe0f",
        "❤\ufe0f\u200d🔥",
        "⚠\ufe0f",
        "™\ufe0f",
        "‼\ufe0f",
        "🧑\u200d🩰",
        "↔\ufe0f",
    ),
]


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
@pytest.mark.parametrize("text", ["agent_7f3a21{}", "{}agent", "ag{}ent", "{}", "Ada {} Lovelace"])
def test_a_character_that_nobody_sees_is_found_in_ids_and_names(char: str, text: str) -> None:
    assert has_hidden_character(text.format(char))
    assert has_hidden_character(text.format(char), is_name=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_as_people_write_it_stays(name: str) -> None:
    assert not has_hidden_character(name, is_name=True)
    assert escaped(name, is_name=True) == name


@pytest.mark.parametrize("name", [name for name in NAMES if not name.isascii()])
def test_of_names_only_those_without_joiners_and_selectors_are_ids(name: str) -> None:
    needed = any(
        unicodedata.category(char) == "Cf"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
        for char in name
    )
    assert has_hidden_character(name) == needed


@pytest.mark.parametrize(
    "name",
    [
        *("pay\u200dpal", "pay\u200cpal", "a\ufe0fb", "1\ufe0f", "<\ufe0f", "ا\ufe0f", "علی\u200c"),
        *("\u200dعلی", "😀\u200d", "\u200d😀", "❤\ufe0f\ufe0f", "日\u200d本", "a\U000e0100"),
        *("علی\u200c\u200cرضا", "🏴\U000e0067\U000e007f", "日\ufe0f", "م\u200dA"),
    ],
    ids=ascii,
)
def test_a_joiner_or_selector_where_nothing_needs_it_is_hidden(name: str) -> None:
    assert has_hidden_character(name, is_name=True)


@pytest.mark.parametrize(
    ("text", "is_name", "shown"),
    [
        ("a\u3164b", False, "a\\u3164b"),
        ("a\x00b\u202ec", False, "a\\u0000b\\u202ec"),
        ("a\U000e0041", False, "a\\U000e0041"),
        ("❤\ufe0f", False, "❤\\ufe0f"),
        ("❤\ufe0f\u3164", True, "❤\ufe0f\\u3164"),
        ("Ada", True, "Ada"),
    ],
)
def test_a_hidden_character_is_written_out(text: str, is_name: bool, shown: str) -> None:
    assert escaped(text, is_name=is_name) == shown


@given(st.text(), st.booleans())
def test_an_escaped_text_hides_nothing(text: str, is_name: bool) -> None:
    assert not has_hidden_character(escaped(text, is_name=is_name), is_name=is_name)


def test_every_format_character_is_hidden_but_those_that_are_seen() -> None:
    formats = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Cf" and not has_hidden_character(chr(code))
    }
    # Signs of Arabic, Syriac and Kaithi that enclose digits, and controls of hieroglyphs.
    assert {unicodedata.name(char).split()[0] for char in formats} == {
        *("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"),
    }
