"""Fixtures of the deployment tests: docs/deploy.md is followed once, on one host."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deploy.host import Host
    from tests.deploy.visitor import Visitor


@pytest.fixture(scope="session")
def host() -> Iterator["Host"]:
    from tests.deploy.host import Host, sections

    with Host() as host:
        for heading in sections():
            if heading in ("Health and logs", "Containers", "Backups", "Upgrades"):
                continue
            host.follow(heading)
            if heading == "systemd":
                host.start("web")
                host.start("worker")
        host.start_nginx()
        yield host


@pytest.fixture(scope="session")
def write_key(host: "Host") -> str:
    """The API key that the document creates."""
    (key,) = re.findall(r"^aud_\w+", host.said["Tables, indexes, the first person"], re.MULTILINE)
    return str(key)


@pytest.fixture(scope="session")
def read_key(host: "Host") -> str:
    said = host.manage("web", "create_api_key reader --account acme --scope logs:read")
    return said.split()[0]


@pytest.fixture
def visitor(host: "Host") -> Iterator["Visitor"]:
    """A visitor without a key who is not signed in."""
    from tests.deploy.visitor import Visitor

    with Visitor(host) as visitor:
        yield visitor


@pytest.fixture
def writer(host: "Host", write_key: str) -> Iterator["Visitor"]:
    from tests.deploy.visitor import Visitor

    with Visitor(host, write_key) as visitor:
        yield visitor


@pytest.fixture
def reader(host: "Host", read_key: str) -> Iterator["Visitor"]:
    from tests.deploy.visitor import Visitor

    with Visitor(host, read_key) as visitor:
        yield visitor
