"""The network of an address, as rate limits and samples count it."""

import pytest

from auditlogs.accounts.rate_limit import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        # As a dual-stack socket reports an IPv4 client.
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.8", "203.0.113.8"),
        ("", ""),
        (None, ""),
        ("nonsense", ""),
    ],
)
def test_an_address_is_counted_as_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network
