import pytest

from feishu.networks import ForbiddenAddressError, Networks, allowed_addresses, resolve, written_address

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


SPECIAL = [
    "168.63.129.16", "192.0.0.192", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.88.99.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "192.0.2.1", "100.64.0.1", "169.254.0.1", "0.1.2.3", "255.255.255.254",
    "fec0::1", "3fff::1", "2001:db8::1", "2001::1", "2001:10::1", "100::1", "5f00::1", "64:ff9b:1::1", "fd20:ce::254",
    "::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2002:a83f:8110::",
    "2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", SPECIAL)
def test_special_ranges_and_what_embeds_them_are_not_public(address):
    assert not PUBLIC.allows(address)
    assert not Networks.parse(["public", "private", "loopback"]).allows("169.254.1.1")


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254",
     "64:ff9b::6464:64c8", "2002:a9fe:a9fe::"],
)  # fmt: skip
def test_metadata_services_are_in_no_network_but_their_own(address):
    wide = Networks.parse(
        ["public", "private", "0.0.0.0/0", "::/0", "fd00::/8", "169.254.0.0/16", "100.64.0.0/10"]
    )
    assert not wide.allows(address)


def test_metadata_service_can_be_named_by_itself():
    assert Networks.parse(["169.254.169.254/32"]).allows("169.254.169.254")


@pytest.mark.parametrize("address", ["10.0.0.1", "172.31.0.1", "192.168.1.1", "fd12::1", "::ffff:10.0.0.1"])
def test_private_is_the_companys_network(address):
    assert Networks.parse(["private"]).allows(address)
    assert not Networks.parse(["loopback"]).allows(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_a_word_of_its_own(address):
    assert Networks.parse(["loopback"]).allows(address)
    assert not Networks.parse(["public", "private"]).allows(address)


@pytest.mark.parametrize(
    ("host", "entries", "allowed"),
    [
        ("crm.example.com", ["public"], True),
        ("localhost", ["public", "private"], False),
        ("x.localhost.", ["public"], False),
        ("localhost", ["loopback"], True),
        ("metadata.google.internal", ["public", "private"], False),
        ("METADATA", ["private"], False),
        ("crm", ["public"], False),
        ("db.corp", ["public"], False),
        ("crm", ["public", "private"], True),
        ("169.254.169.254.", ["public"], False),
        ("127.0.0.1.", ["public", "private"], False),
        ("10.0x1.", ["public"], False),
        ("api.default.svc", ["public"], False),
        ("db.node.consul.", ["public"], False),
    ],
)
def test_names_that_only_the_proxy_can_resolve(host, entries, allowed):
    assert Networks.parse(entries).allows_name(host) is allowed


def test_refusal_does_not_say_what_an_inner_name_resolves_to():
    with pytest.raises(ForbiddenAddressError) as refusal:
        PUBLIC.check("db.corp.test", ["10.1.2.3"])
    assert "10.1.2.3" not in str(refusal.value)


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


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("169.254.169.254", "169.254.169.254"), ("::1", "::1"), ("fe80::1%25eth0", "fe80::1"), ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("127.1", "127.0.0.1"), ("127.0.0.1.", "127.0.0.1"),
        ("１２７.０.０.１", "127.0.0.1"), ("crm.example.com", ""), ("localhost", ""), ("face", ""), ("256.1.1.1", ""),
        ("1.2.3.4.example.com", ""), (".", ""), ("a" * 64, ""),
    ],
)  # fmt: skip
def test_address_is_told_from_a_name_however_it_is_written(host, address):
    assert written_address(host) == address


async def test_one_forbidden_address_among_many_is_enough():
    async def resolver(_host, _port):
        return ["1.1.1.1", "169.254.169.254"]

    with pytest.raises(ForbiddenAddressError, match="network that may not be connected to"):
        await allowed_addresses("rebinding.example.com", 80, networks=PUBLIC, resolver=resolver)


async def test_a_name_without_an_address_is_an_error():
    async def resolver(_host, _port):
        return []

    with pytest.raises(OSError, match="no address"):
        await allowed_addresses("nowhere.example.com", 80, networks=PUBLIC, resolver=resolver)
