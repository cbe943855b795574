"""No address that leads inside is ever fetched, however it is written; and addresses in texts are found."""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import PORTS, Reach, address_in, is_public, only_address_in, vet
from shared.errors import BadInput

PUBLIC = Reach()
FORBIDDEN = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip


def inside(network: str) -> st.SearchStrategy[IPv4Address]:
    found = IPv4Network(network)
    return st.integers(int(found[0]), int(found[-1])).map(IPv4Address)


forbidden_4 = st.sampled_from(FORBIDDEN).flatmap(inside)


def embedded(address: IPv4Address) -> list[str]:
    """Write an IPv4 address in every way that IPv6 has to hide one."""
    low, high = int(address) & 0xFFFF, int(address) >> 16
    return [
        f"::ffff:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:4136:e378:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",
        f"fe80::5efe:{address}",
    ]


@given(forbidden_4, st.sampled_from(sorted(PORTS)))
def test_no_ipv4_address_inside_is_ever_permitted(address: IPv4Address, port: int) -> None:
    assert not PUBLIC.permits(str(address), port)
    for written in embedded(address):
        assert not PUBLIC.permits(written, port), written


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_ipv4_address_is_either_inside_or_what_python_calls_global(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved
        assert not any(address in IPv4Network(network) for network in FORBIDDEN)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_every_ipv6_address_that_is_permitted_is_one_that_is_given_out(address: IPv6Address) -> None:
    if is_public(address):
        assert int(address) >> 125 == 1
        assert address.sixtofour is None
        assert address.teredo is None
        assert address.ipv4_mapped is None


@pytest.mark.parametrize(
    "address",
    [
        "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "169.254.169.254", "100.100.100.200", "255.255.255.255",
        "not an address", "", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1\0", " 8.8.8.8",
    ],
)  # fmt: skip
def test_special_addresses_and_what_is_none_are_refused(address: str) -> None:
    assert not PUBLIC.permits(address, 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_permitted_on_the_ports_of_the_web_alone(address: str) -> None:
    assert PUBLIC.permits(address, 443)
    assert not any(PUBLIC.permits(address, port) for port in (0, 22, 25, 3306, 6379, 65535, 70000))


def test_what_the_operator_allows_is_permitted_on_any_port_and_nothing_else_is() -> None:
    closed = Reach.of(["10.20.0.0/16", "fd00:1::/32"])
    assert closed.permits("10.20.3.4", 8123)
    assert closed.permits("fd00:1::5", 22)
    assert not closed.permits("10.21.0.1", 443)
    assert not closed.permits("::ffff:10.20.3.4", 443)
    assert closed.permits("8.8.8.8", 443)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/",
        "http://127.1/", "http://127.0.0.1./", "http://①②⑦.⓪.⓪.①/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://localhost/", "http://LOCALHOST./",
        "http://a.localhost/", "http://printer/", "http://printer.local/", "http://db.internal/", "http://10.0.0.8/",
        "http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/", "http://1.0.0.127.in-addr.arpa/",
        "http://example.com:22/", "http://example.com:6379/", "http://%31%32%37.0.0.1/", "http://a..example.org/",
        "http://exa%00mple.com/", "http://-a.com/", "http://0/", "http://[::]/", "http://[64:ff9b::7f00:1]/",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_refused_as_they_are_written(address: str) -> None:
    with pytest.raises(BadInput, match="does not lead to a public page"):
        vet(address, PUBLIC)


@pytest.mark.parametrize(
    "address",
    [
        "", "example.com", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x",
        "gopher://example.com:70/", "http://", "http:///x", "http://user@example.com/", "http://user:pass@example.com/",
        "http://:secret@example.com/", "http://example.com:0/", "http://example.com:99999/", "http://example.com\\@10.0.0.1/",
        "http://exam ple.com/", "http://example.com/\r\nHost: inside", "http://[::1", "http://" + "a" * 2100 + ".com/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match=r"no address that can be fetched|does not lead to a public page"):
        vet(address, PUBLIC)


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("http://example.com", "http://example.com"),
        ("HTTPS://Example.COM./a?b=c#d", "https://example.com/a?b=c"),
        ("https://例え.jp/新聞?q=中", "https://xn--r8jz45g.jp/%E6%96%B0%E8%81%9E?q=%E4%B8%AD"),
        ("http://example.com:8080/x", "http://example.com:8080/x"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("https://sub_domain.example.com/", "https://sub_domain.example.com/"),
        ("https://example.com/a%2Fb?x=%26", "https://example.com/a%2Fb?x=%26"),
    ],
)
def test_addresses_of_public_pages_come_out_canonical(address: str, canonical: str) -> None:
    assert str(vet(address, PUBLIC)) == canonical


@given(st.text(max_size=60), st.sampled_from(["http://", "https://", "http://[", "http://a@", ""]))
def test_any_text_is_refused_or_becomes_an_address_without_password_that_leads_outside(
    text: str, scheme: str
) -> None:
    try:
        url = vet(scheme + text, PUBLIC)
    except BadInput:
        return
    assert url.scheme in ("http", "https")
    assert url.raw_user is None
    assert url.port in PORTS
    host = url.raw_host or ""
    assert host.isascii()
    assert host == host.lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        assert "." in host
        assert not host.rpartition(".")[2].isdigit()
    else:
        assert is_public(address)
    # What is canonical stays as it is.
    assert vet(str(url), PUBLIC) == url


@given(forbidden_4)
def test_no_way_to_write_an_address_inside_gets_through(address: IPv4Address) -> None:
    number, parts = int(address), str(address).split(".")
    written = [
        str(address), str(number), hex(number), f"0{number:o}", ".".join(hex(int(p)) for p in parts),
        ".".join(f"{int(p):04o}" for p in parts), f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}", f"{address}.",
        *(f"[{each}]" for each in embedded(address)),
    ]  # fmt: skip
    for host in written:
        with pytest.raises(BadInput):
            vet(f"http://{host}/", PUBLIC)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.com/a", "https://example.com/a"),
        ("  <https://example.com/a>\n", "https://example.com/a"),
        ("[the news](https://example.com/a)", "https://example.com/a"),
        ("[the news](<https://example.com/a>)", "https://example.com/a"),
        ("read https://example.com/a", None),
        ("https://example.com/a https://example.com/b", None),
        ("a text", None),
        ("<b>https://example.com/a</b>", None),
        ("https://", None),
    ],
)
def test_a_text_that_is_one_address_is_recognized(text: str, address: str | None) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("have you seen this? https://example.com/a.", "https://example.com/a"),
        ("大家看一下這篇：https://example.com/a 很有意思", "https://example.com/a"),
        ("look: [the news](https://example.com/a)!", "https://example.com/a"),
        ("two: https://example.com/a https://example.com/b", None),
        ("I have read " + "a good deal " * 8 + "https://example.com/a", None),
        ("這是一段很長的說明文字，作者花了不少力氣才寫完，連結只是附帶的 https://example.com/a", None),
        ("no link at all", None),
    ],
)
def test_a_message_about_one_link_is_told_from_a_text_with_a_link_in_it(
    text: str, address: str | None
) -> None:
    assert only_address_in(text) == address


@given(st.text(max_size=3000))
def test_looking_for_addresses_never_fails(text: str) -> None:
    for found in (address_in(text), only_address_in(text)):
        assert found is None or found.lower().startswith(("http://", "https://"))
