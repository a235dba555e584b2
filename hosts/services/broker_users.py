"""All users that the site needs on its broker, as rules of ACL SETUSER, without any password."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import redis
from attrs import frozen
from django.conf import settings

from dockernet_site.broker_link import tls_options
from hosts.models import Host
from hosts.selectors import hosts_enrolled
from hosts.services import broker_access
from hosts.services.broker_access import BrokerAway
from people.errors import Conflict

# What web, ingest and the site's worker need: read from the code, and measured with ACL LOG while
# all three ran as that user and a host was enrolled, changed, given new keys and revoked: nothing
# was refused them (the worker alone: tests/faults/test_broker_users.py). Who may ACL SETUSER can in
# the end give itself anything: this keeps mistakes and other applications' keys apart, the
# password must stay secret.
SITE_COMMANDS = (
    *("+ping", "+select", "+hello", "+auth", "+client|setinfo", "+client|setname", "+client|kill"),
    *("+multi", "+exec", "+llen", "+lpush", "+brpop", "+lrange", "+lrem", "+del", "+set"),
    *("+xadd", "+xread", "+xdel", "+xrevrange", "+publish", "+subscribe", "+unsubscribe"),
    *("+memory|usage", "+xinfo|stream"),
    *("+acl|setuser", "+acl|deluser", "+acl|users", "+acl|save"),
)
SITE_PLACES = ("~dn:*", "resetchannels", "&dn:site:*")


@frozen
class BrokerUser:
    """A user of the broker and its rules."""

    name: str
    rules: tuple[str, ...]

    @property
    def for_file(self) -> str:
        """A line of an aclfile."""
        return " ".join(("user", self.name, *self.rules))

    @property
    def for_client(self) -> str:
        """A line for redis-cli."""
        return " ".join(("ACL SETUSER", self.name, *self.rules))


def broker_users(*, default_off: bool = False) -> list[BrokerUser]:
    """Return the site's own user (name and password of REDIS_URL), one for each enrolled host and,
    if `default_off`, the default user switched off.

    Raises Conflict when REDIS_URL has no user of its own with a password.
    """
    parts = urlsplit(settings.REDIS_URL)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    if name in ("", "default") or not password:
        text = "REDIS_URL must name a user and a password: rediss://dockernet:PASSWORD@HOST:6379/0."
        raise Conflict("no-user", text)
    digest = f"#{broker_access.password_digest(password)}"
    users = [BrokerUser(name, ("reset", "on", digest, *SITE_PLACES, *SITE_COMMANDS))]
    for host in hosts_enrolled().defer("observed"):
        users.append(_of_host(host))
    if default_off:
        users.append(BrokerUser("default", ("reset", "off")))
    return users


def _of_host(host: Host) -> BrokerUser:
    return BrokerUser(broker_access.host_user(host.pk), tuple(broker_access.acl_rules(host)))


def broker_users_apply(*, users: list[BrokerUser], url: str) -> None:
    """Make `users` those of the broker at `url`, in order, and keep them where it has an aclfile.

    Raises BrokerAway, with the broker's own words.
    """
    options = tls_options(url, settings.DOCKERNET_BROKER_CA)
    link = redis.Redis.from_url(url, decode_responses=True, socket_connect_timeout=5, **options)
    try:
        for user in users:
            link.execute_command("ACL", "SETUSER", user.name, *user.rules)  # type: ignore[no-untyped-call]
        if not broker_access.acl_keep(link):
            # Who has just switched itself off may not save; the site's own user may.
            broker_access.acl_keep(broker_access.client())
    except (redis.RedisError, OSError) as error:
        raise BrokerAway(f"The broker did not take the users ({error}).") from error
    finally:
        link.close()
