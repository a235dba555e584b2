"""Removes a table of nftables that iptables-nft has made, which no option of iptables does."""

from __future__ import annotations

import errno
from collections.abc import Callable

from netops.engine.adapters.threads import off_loop
from netops.engine.errors import OperationFailed

_IPV4 = 2  # NFPROTO_IPV4, linux/netfilter.h


def nft_table_delete(name: str, empty: Callable[[], bool]) -> None:
    """Delete the IPv4 table `name` (nft delete table ip NAME); fine if there is none.

    `empty` is asked at the last moment, since deleting takes everything along that is in it.
    Raises OperationFailed when the kernel refuses.
    """
    from pyroute2.netlink.exceptions import NetlinkError
    from pyroute2.nftables.main import NFTables

    def delete() -> None:
        tables = NFTables(nfgen_family=_IPV4)
        try:
            if empty():
                tables.table("del", name=name)
        finally:
            tables.close()

    try:
        off_loop(delete)
    except NetlinkError as error:
        if error.code != errno.ENOENT:
            raise OperationFailed(f"The table {name} could not be removed: {error}.") from error
