"""What can be done to hosts."""

from hosts.services.enrolment import (
    AgentConfig,
    enrolment_redeem,
    enrolment_renew,
    host_create,
)
from hosts.services.hosts import host_refresh, host_revoke, require_online
from hosts.services.observations import observation_store
from hosts.services.presence import heartbeats_store, offline_mark
from hosts.services.reserved import (
    reserved_range_add,
    reserved_range_edit,
    reserved_range_remove,
)
from hosts.services.rotation import host_rotate
from hosts.services.tags import host_tags_set

__all__ = [
    "AgentConfig",
    "enrolment_redeem",
    "enrolment_renew",
    "heartbeats_store",
    "host_create",
    "host_refresh",
    "host_revoke",
    "host_rotate",
    "host_tags_set",
    "observation_store",
    "offline_mark",
    "require_online",
    "reserved_range_add",
    "reserved_range_edit",
    "reserved_range_remove",
]
