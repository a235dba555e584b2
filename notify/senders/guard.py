"""To which addresses a webhook may go, checked where the connection is made.

A person chooses the URL, the site's machine connects: without a guard anybody could have it talk to
what only it can reach (SSRF). The name is looked up once and the very address that was checked is
connected to, so that a name that changes its mind in between gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager


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


def _connect(connection: HTTPConnection, *, plain: bool) -> socket.socket:
    """Connect to the first address of the name that may be connected to and answers."""
    host, port = connection._dns_host, connection.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotConnected(
            connection, _("There is no address for %(host)s.") % {"host": host}
        ) from error
    refused = _("There is no address for %(host)s.") % {"host": host}
    for family, kind, protocol, _name, address in found:
        if not allowed(str(address[0]), plain=plain):
            refused = _("%(ip)s is not an address that webhooks may go to.") % {"ip": address[0]}
            continue
        one = socket.socket(family, kind, protocol)
        try:
            timeout = connection.timeout
            one.settimeout(timeout if isinstance(timeout, (int, float)) else 5.0)
            one.connect(address)
        except OSError as error:
            one.close()
            why = {"ip": address[0], "error": error.strerror or "timeout"}
            refused = _("%(ip)s does not answer (%(error)s).") % why
            continue
        return one
    raise NotConnected(connection, refused)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, plain=True)


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, plain=False)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class GuardedAdapter(HTTPAdapter):
    """For a session of `requests`: connects to allowed addresses alone."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool with connections that look before they connect."""
        manager = PoolManager(num_pools=1, maxsize=1)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self.poolmanager = manager
