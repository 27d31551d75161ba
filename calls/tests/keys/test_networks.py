"""Networks of keys: how they are written, and which addresses are in them."""

from __future__ import annotations

import pytest

from calls.keys.networks import MOST_NETWORKS, is_within, read_network, read_networks


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7/32 ", "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_network_is_kept_in_its_usual_form(text, read):
    assert read_network(text) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("example.com", "'example.com' is not an address or network, such as 192.0.2.7"),
        ("10.0.0.0/33", "not an address or network"),
        ("10.0.0.256", "not an address or network"),
        ("fe80::1%eth0/64", "not an address or network"),
        ("10.0.0.5/8", "Did you mean 10.0.0.0/8?"),
        ("2001:db8::1/32", "Did you mean 2001:db8::/32?"),
        ("", "not an address or network"),
    ],
)
def test_an_invalid_network_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=r".") as refused:
        read_network(text)

    assert reason in str(refused.value)


def test_duplicate_and_empty_networks_are_left_out():
    assert read_networks(["10.0.0.0/8", "", " ", "10.0.0.0/8", "::1"]) == ["10.0.0.0/8", "::1"]


def test_the_number_of_networks_is_limited():
    with pytest.raises(ValueError, match="There are 101 networks; the limit is 100"):
        read_networks([f"10.0.0.{number}" for number in range(MOST_NETWORKS + 1)])


@pytest.mark.parametrize(
    ("address", "networks", "is_in"),
    [
        ("192.0.2.7", ("192.0.2.7",), True),
        ("192.0.2.8", ("192.0.2.7",), False),
        ("10.200.3.4", ("192.0.2.7", "10.0.0.0/8"), True),
        ("::ffff:10.200.3.4", ("10.0.0.0/8",), True),
        ("::ffff:11.0.0.1", ("10.0.0.0/8",), False),
        ("2001:db8:5::1", ("2001:db8::/32",), True),
        ("2001:db9::1", ("2001:db8::/32",), False),
        ("fe80::1%eth0", ("fe80::/10",), True),
        ("10.0.0.1", ("::/0",), False),
        ("2001:db8::1", ("0.0.0.0/0",), False),
        ("", ("0.0.0.0/0", "::/0"), False),
        ("unix", ("0.0.0.0/0",), False),
        ("testclient", ("10.0.0.0/8",), False),
    ],
)
def test_an_address_is_found_in_a_network_of_its_version(address, networks, is_in):
    assert is_within(address, networks) is is_in
