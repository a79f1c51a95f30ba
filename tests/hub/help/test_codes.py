"""Error codes of the Hub: each one that it records is declared and explained."""

from typing import get_args

import pytest

from auditlogs.explain.codes import LOG_CODES, MCP_CODES, PLATFORM_CODES
from hub.access.codes import HubCode
from hub.help.codes import HUB_CODES, KNOWN_CODES, known_code


def test_every_declared_code_is_explained_and_no_other() -> None:
    assert HUB_CODES.keys() == set(get_args(HubCode))


def test_no_code_is_declared_twice() -> None:
    tables = (LOG_CODES, HUB_CODES, PLATFORM_CODES, MCP_CODES)
    assert len(KNOWN_CODES) == sum(map(len, tables))


@pytest.mark.parametrize("odd", ["unheard_of", "", " csrf", None, True, 4.5, [], {}, ["csrf"]])
def test_a_code_that_no_table_has_is_not_known(odd: object) -> None:
    assert known_code({"code": odd}) is None


@pytest.mark.parametrize(("code", "known"), [("csrf", "csrf"), (-32602, "-32602")])
def test_a_code_of_any_table_is_known(code: object, known: str) -> None:
    assert known_code({"code": code}) == known
