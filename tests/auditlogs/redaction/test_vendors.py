"""Vendors' formats: secrets in each format are replaced, similar texts stay."""

from random import Random

import pytest

from auditlogs.redaction import Redactor, vendors
from auditlogs.redaction.vendors import HOOKS, KEYS, Format
from tests.auditlogs.redaction.made import example

REDACTOR = Redactor()


@pytest.mark.parametrize("row", KEYS, ids=lambda row: f"{row.vendor} {row.format}")
def test_a_vendors_key_is_replaced_anywhere_in_a_text(row: Format) -> None:
    random = Random(row.format)
    for form in ("…", "got … back", '{"note": "…"}', "x=…&y=1", "('…',)", "/a/…/b"):
        made = example(row.format, random)
        clean = REDACTOR.text(form.replace("…", made))
        assert made not in clean, form
        assert made[-12:] not in clean, form


@pytest.mark.parametrize("row", HOOKS, ids=lambda row: row.vendor)
def test_a_webhook_url_is_replaced(row: Format) -> None:
    made = example(row.format, Random(row.format))
    assert REDACTOR.text(f"posted to https://{made} twice") in (
        f"posted to https://{'[REDACTED:webhook-url]'} twice",
        "posted to https://[REDACTED:webhook-url]= twice",
    )


@pytest.mark.parametrize("row", [*KEYS, *HOOKS], ids=lambda row: row.lookalike)
def test_a_similar_text_that_is_no_secret_stays(row: Format) -> None:
    for text in (row.lookalike, f"see {row.lookalike} there"):
        assert REDACTOR.text(text) == text


@pytest.mark.parametrize("bad", ["sk-<", "<base62:>", "(a|<b>)", "sk-(a"])
def test_a_format_that_cannot_be_read_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="a format cannot have"):
        vendors.pieces(bad)
