"""docker0 itself, over netlink, while Docker is down: clean-up and proof (ip-link, ip-address).

Services are away meanwhile, so that each step looks at the kernel as seldom as it can.
"""

from __future__ import annotations

from ipaddress import IPv4Interface

from netops.engine.context import Context, Saved
from netops.engine.errors import CheckFailed
from netops.engine.steps.base import Step


class LinkStep(Step):
    """Base of the steps on a link; params: link."""

    @property
    def link(self) -> str:
        """The link's name."""
        return self.text("link")

    def state(self, ctx: Context) -> bool | None:
        """Return whether the link is up, None if there is no such link."""
        links = ctx.ports.netlink.links()
        return next((link.up for link in links if link.name == self.link), None)

    def addresses(self, ctx: Context) -> list[IPv4Interface]:
        """Return the link's IPv4 addresses in the kernel's order; none if there is no link."""
        found = ctx.ports.netlink.addresses()
        return [a.interface for a in found if a.link == self.link]


class LinkSet(LinkStep):
    """`ip link set dev docker0 down` or up; params: link, up."""

    kind = "link_set"

    def save(self, ctx: Context) -> Saved:
        return {"up": self.state(ctx)}

    def do(self, ctx: Context) -> None:
        ctx.ports.netlink.link_set(self.link, up=bool(self.params["up"]))

    def check(self, ctx: Context) -> None:
        found = self.state(ctx)
        if found is not bool(self.params["up"]):
            raise CheckFailed(self._unchanged(found))
        ctx.output(f"{self.link} is up." if found else f"{self.link} is down.")

    def _unchanged(self, found: bool | None) -> str:
        if found is None:
            return f"{self.link} is absent: it did not change its state."
        if found:
            return f"{self.link} is up: it did not change its state."
        return f"{self.link} is down: it did not change its state."

    def undo(self, ctx: Context, saved: Saved) -> None:
        up, now = saved["up"], self.state(ctx)
        if up is not None and now is not None and now != up:
            ctx.ports.netlink.link_set(self.link, up=bool(up))


class AddressStep(LinkStep):
    """Base of the steps on one address of a link; params: link, address."""

    @property
    def address(self) -> IPv4Interface:
        """The address with its prefix."""
        return IPv4Interface(self.text("address"))

    def save(self, ctx: Context) -> Saved:
        return {"present": self.address in self.addresses(ctx)}

    def tell(self, ctx: Context, found: list[IPv4Interface]) -> None:
        """Say what `ip addr show` would."""
        ctx.output(f"{self.link} has {', '.join(map(str, found)) or 'no IPv4 address'}.")


class AddressRemove(AddressStep):
    """`ip addr del 172.17.0.1/16 dev docker0`; params: link, address."""

    kind = "address_remove"

    def do(self, ctx: Context) -> None:
        ctx.ports.netlink.address_remove(self.link, self.address)

    def check(self, ctx: Context) -> None:
        found = self.addresses(ctx)
        if self.address in found:
            raise CheckFailed(f"{self.link} still has {self.address}.")
        self.tell(ctx, found)

    def undo(self, ctx: Context, saved: Saved) -> None:
        if saved["present"] and self.state(ctx) is not None:
            ctx.ports.netlink.address_add(self.link, self.address)


class AddressAdd(AddressStep):
    """`ip addr add 192.168.225.1/24 dev docker0`; params: link, address."""

    kind = "address_add"

    def do(self, ctx: Context) -> None:
        ctx.ports.netlink.address_add(self.link, self.address)

    def check(self, ctx: Context) -> None:
        found = self.addresses(ctx)
        if found != [self.address]:
            raise CheckFailed(f"{self.link} has not exactly {self.address}.")
        self.tell(ctx, found)

    def undo(self, ctx: Context, saved: Saved) -> None:
        if not saved["present"] and self.address in self.addresses(ctx):
            ctx.ports.netlink.address_remove(self.link, self.address)
