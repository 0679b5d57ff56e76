import pytest

from core.remote_address import MAX_LENGTH, network_of, normal_address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_caller_is_counted_by_an_address_that_is_its_own(address, counted):
    assert network_of(address) == counted


def test_callers_of_ipv4_on_a_dual_stack_socket_are_told_apart():
    assert network_of("::ffff:192.0.2.1") != network_of("::ffff:198.51.100.7")


@pytest.mark.parametrize(
    ("address", "recorded"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("ffff:" * 7 + "ffff", "ffff:" * 7 + "ffff"),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.1, 198.51.100.7", ""),
    ],
)
def test_address_is_recorded_in_its_usual_form(address, recorded):
    assert normal_address(address) == recorded
    assert len(recorded) <= MAX_LENGTH
