"""To which addresses a webhook may go, checked where the connection is made.

A person chooses the URL, the site's machine connects: without a guard anybody could have it talk to
what only it can reach (SSRF). The name is looked up once and the very address that was checked is
connected to, so that a name that changes its mind in between gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager

from notify.senders.deadline import Deadline, addresses_of

LOOK_UP_S, CONNECT_S = 5.0, 5.0
MOST_ADDRESSES = 4
_GIVEN_OUT = IPv6Network("2000::/3")


class NotConnected(NewConnectionError):
    """There is no connection; `said` is why, in words for the webhook's owner."""

    def __init__(self, connection: HTTPConnection, said: str) -> None:
        super().__init__(connection, said)
        self.said = said


def allowed(address: str, *, plain: bool) -> bool:
    """True when a webhook may go to an IP address; `plain` is without TLS.

    Public addresses with TLS, always; others where DOCKERNET_WEBHOOK_PRIVATE names them; without
    TLS to this machine alone, where it is named too.
    """
    try:
        ip = _inner(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    named = any(
        ip in net for net in settings.DOCKERNET_WEBHOOK_PRIVATE if net.version == ip.version
    )
    if plain:
        return named and ip.is_loopback
    if named:
        return True
    # Of IPv6 only what is given out to the world (RFC 4291): what lies outside may be turned into
    # private IPv4 on its way (RFC 8215, RFC 2765), which `ipaddress` does not know of.
    if isinstance(ip, IPv6Address) and ip not in _GIVEN_OUT:
        return False
    return ip.is_global and not ip.is_multicast


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), or itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.teredo is not None:
        return IPv4Address("0.0.0.0")  # noqa: S104 - an address that nothing is allowed to
    if ip.packed[:12] == bytes.fromhex("0064ff9b0000000000000000"):
        return IPv4Address(ip.packed[12:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def _connect(connection: HTTPConnection, deadline: Deadline, *, plain: bool) -> socket.socket:
    """Connect to the first address of the name that may be connected to and answers."""
    host, tried = connection._dns_host, 0
    refused = f"There is no address for {host}."
    for family, kind, protocol, _name, address in _found(connection, deadline):
        if not allowed(str(address[0]), plain=plain):
            refused = f"{address[0]} is not an address that webhooks may go to."
            continue
        # A name may have hundreds of addresses that say nothing.
        if tried == MOST_ADDRESSES or deadline.over:
            break
        tried += 1
        one = socket.socket(family, kind, protocol)
        try:
            timeout = connection.timeout
            seconds = timeout if isinstance(timeout, (int, float)) else CONNECT_S
            one.settimeout(max(0.1, min(seconds, deadline.left_s)))
            one.connect(address)
            deadline.hold(one)
        except OSError as error:
            one.close()
            refused = f"{address[0]} does not answer ({error.strerror or 'timeout'})."
            continue
        return one
    raise NotConnected(connection, refused)


def _found(connection: HTTPConnection, deadline: Deadline) -> list[tuple[Any, ...]]:
    host = connection._dns_host
    try:
        within = min(LOOK_UP_S, deadline.left_s)
        return addresses_of(host, connection.port, within_s=within)
    except TimeoutError as error:
        late = f"The address of {host} was not found in time."
        raise NotConnected(connection, late) from error
    except OSError as error:
        raise NotConnected(connection, f"There is no address for {host}.") from error


class _Plain(HTTPConnection):
    def __init__(self, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._deadline, plain=True)


class _Tls(HTTPSConnection):
    def __init__(self, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._deadline, plain=False)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Pools(PoolManager):
    """Makes pools whose connections know the deadline of the try."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(num_pools=1, maxsize=1)
        self.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self._deadline = deadline

    def _new_pool(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(*args, **kwargs)
        pool.conn_kw["deadline"] = self._deadline
        return pool


class GuardedAdapter(HTTPAdapter):
    """For a session of `requests`, for one try: connects to allowed addresses alone, and cuts the
    connection at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool with connections that look before they connect."""
        self.poolmanager = _Pools(self._deadline)
