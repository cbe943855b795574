"""Which web addresses may be fetched: an address from outside must never lead to a machine inside.

An address is judged twice. Here, as it is written: scheme, password, port, and a host that is a number. And by
`Reach.permits` for each IP address that its name turned out to have, at the moment of connecting to it.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from yarl import URL

from shared.errors import BadInput

LONGEST: Final = 2048
PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Ports of public machines that are connected to: those of the web. So nobody scans ports through the bot."""

Network = IPv4Network | IPv6Network
# IANA's registries of special-purpose addresses. Written out, since Python's `is_global` differs between releases.
_CLOSED_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
# Of IPv6 only 2000::/3 is given out. Taken from it: protocol assignments with Teredo (2001::/23), documentation,
# and 6to4, which hides an IPv4 address.
_GIVEN_OUT: Final = IPv6Network("2000::/3")
_CLOSED_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# How a network without IPv4 reaches it: the address inside is what counts.
_NAT64: Final = IPv6Network("64:ff9b::/96")

_SPECIAL_NAMES: Final = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "test",
     "example", "invalid", "alt"}
)  # fmt: skip
"""Last parts of names that the public DNS does not have."""
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC: Final = re.compile(r"\d+|0x[0-9a-f]*")
_PLAIN: Final = re.compile(r"https?://[^\s\\<>\"\x00-\x20\x7f]+", re.IGNORECASE)
_WRAPPED: Final = re.compile(
    r"<(https?://[^\s<>]+)>|\[[^\[\]\n]{0,300}\]\(<?(https?://[^\s<>()]+)>?\)", re.IGNORECASE
)


@dataclass(frozen=True)
class Reach:
    """Where connections may go: the public internet, and the networks that the operator named in `allow`."""

    allow: tuple[Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> "Reach":
        """Read networks such as "10.1.0.0/16". Raises `ValueError`."""
        return cls(tuple(ipaddress.ip_network(network) for network in networks))

    def permits(self, host: str, port: int) -> bool:
        """Tell whether one may connect to this IP address and port; anything but an IP address is refused."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        if isinstance(address, IPv6Address) and address in _NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        if any(address in network for network in self.allow):
            return 0 < port < 65536
        return port in PORTS and is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an IP address is one of the public internet's, and hides none that is not."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    return (
        address in _GIVEN_OUT and address.is_global and not any(address in network for network in _CLOSED_6)
    )


def address_in(text: str) -> str | None:
    """Return the address where a text is one and nothing else: bare, in `<…>`, or as a Markdown link."""
    text = text.strip()
    if len(text) > LONGEST + 400:
        return None
    if _PLAIN.fullmatch(text):
        return text
    if found := _WRAPPED.fullmatch(text):
        return found[1] or found[2]
    return None


def only_address_in(text: str, words: int = 12) -> str | None:
    """Return the address where a text holds exactly one, with at most `words` words round it."""
    if (whole := address_in(text)) is not None:
        return whole
    if len(text) > LONGEST + 400:
        return None
    found = [*_WRAPPED.finditer(text)] or [*_PLAIN.finditer(text)]
    if len(found) != 1:
        return None
    (one,) = found
    rest = text[: one.start()] + " " + text[one.end() :]
    # Chinese is written without spaces: there each character counts as half a word.
    count = len(re.findall(r"[^\W\u2e80-\uffff]+", rest)) + len(re.findall(r"[\u2e80-\uffff]", rest)) / 2
    if _PLAIN.search(rest) or count > words:
        return None
    return (one[1] or one[2]) if one.re is _WRAPPED else one[0].rstrip(".,;:!?)]}。，；：！？」』）")


def vet(text: str, reach: Reach) -> URL:
    """Return the address to fetch, in its canonical form without fragment. Raises `BadInput` where it may not be.

    What a name leads to is not known here: `Reach.permits` decides on that, for each address it has.
    """
    shown = text[:100]
    if len(text) > LONGEST or not _PLAIN.fullmatch(text):
        raise _not_fetched(shown)
    try:
        url = URL(text)
        # Made canonical by yarl: in ASCII, wide and fancy digits as plain ones.
        host = (url.raw_host or "").lower().removesuffix(".")
        port, secret = url.port, url.raw_user is not None or url.raw_password is not None
    except ValueError:
        raise _not_fetched(shown) from None
    if url.scheme not in ("http", "https") or secret or not host or not port:
        raise _not_fetched(shown)
    try:
        literal = str(ipaddress.ip_address(host))
    except ValueError:
        if not _is_name(host, reach):
            raise refused(shown) from None
    else:
        if not reach.permits(literal, port):
            raise refused(shown)
    if not reach.allow and port not in PORTS:
        raise refused(shown)
    return url.with_host(host).with_fragment(None)


def refused(shown: str) -> BadInput:
    """Return the error for an address that does not lead to the public internet."""
    return BadInput("{address} is not fetched: it does not lead to a public page of the web.", address=shown)


def _not_fetched(shown: str) -> BadInput:
    return BadInput(
        "{address} is no address that can be fetched: it must begin with http:// or https://, and hold no password.",
        address=shown,
    )


def _is_name(host: str, reach: Reach) -> bool:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    # 2130706433, 0x7f.1, 127.1, 0177.0.0.1: other ways to write an IPv4 address.
    if _NUMERIC.fullmatch(labels[-1]):
        return False
    # In a closed network names are what the operator makes them; there the address alone decides.
    return bool(reach.allow) or (len(labels) > 1 and labels[-1] not in _SPECIAL_NAMES)
