import pytest

from events.subscriptions.http.networks import ForbiddenAddressError, Networks, allowed_addresses, resolve

PUBLIC = Networks.parse(["public"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_however_it_is_written(address):
    assert not PUBLIC.allows(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address):
    assert PUBLIC.allows(address)


def test_the_companys_own_networks_can_be_listed():
    networks = Networks.parse(["10.0.0.0/8", " fd12::/16 "])
    assert networks.allows("10.1.2.3")
    assert networks.allows("::ffff:10.1.2.3")
    assert networks.allows("fd12::1")
    assert not networks.allows("1.1.1.1")
    assert not networks.allows("127.0.0.1")


def test_a_list_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Networks.parse(["10.0.0.1/8"])


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "::1", "::ffff:127.0.0.1"]
)
async def test_every_name_of_this_machine_is_refused(host):
    with pytest.raises(ForbiddenAddressError, match="FEISHU_DELIVERY_NETWORKS"):
        await allowed_addresses(host, 80, networks=PUBLIC, resolver=resolve)


async def test_one_forbidden_address_among_many_is_enough():
    async def resolver(_host, _port):
        return ["1.1.1.1", "169.254.169.254"]

    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254"):
        await allowed_addresses("rebinding.example.com", 80, networks=PUBLIC, resolver=resolver)


async def test_a_name_without_an_address_is_an_error():
    async def resolver(_host, _port):
        return []

    with pytest.raises(OSError, match="no address"):
        await allowed_addresses("nowhere.example.com", 80, networks=PUBLIC, resolver=resolver)
