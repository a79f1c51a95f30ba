"""What all tests of queries share."""

from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(scope="package", autouse=True)
def time_to_look_up() -> Iterator[None]:
    """On a busy machine a search could be no ID after two seconds, and be words instead."""
    with mock.patch("auditlogs.query.ids.SECONDS", 60):
        yield
