"""Where everything stands in the picture of a bridge. Pure; lengths are units of the SVG."""

from __future__ import annotations

import unicodedata

from attrs import evolve, frozen

from hosts.picture import Bridge, Port
from hosts.switch.way_out import WayOut

MARGIN = 12
TOP, HEAD, FOOT, GAP = 112, 62, 14, 8
_LINE, _PUBLISHED_LINE = 18, 15
# A character of a monospaced font is 0.63 of its size wide at most (SF Mono; the others less).
_CHARACTER = 6.93


@frozen
class Frame:
    """How wide a picture is, and what fits. `large` and `compact` are columns of ports; compact
    ones are for more than `large_at_most`; the first `shown` are in the picture itself."""

    width: int
    large: int
    compact: int
    large_at_most: int
    shown: int
    uplinks: int

    @property
    def narrow(self) -> bool:
        """True for the picture of a small screen: its lines are broken."""
        return self.width < 500


# The second is for a phone: about a unit for each of its pixels, so that its words can be read.
WIDE = Frame(960, large=4, compact=7, large_at_most=24, shown=28, uplinks=3)
NARROW = Frame(360, large=2, compact=2, large_at_most=24, shown=12, uplinks=1)
_LARGE_HEIGHT, _COMPACT_HEIGHT = 106, 40


@frozen
class Cell:
    """One port: its upper left corner and its texts, cut to what fits; `full` is all of it."""

    x: int
    y: int
    port: Port
    name: str
    published: str
    full: str


@frozen
class Box:
    """An uplink of the host: its left edge, the middle of its line, its texts."""

    x: int
    middle: int
    name: str
    address: str
    via: str


@frozen
class Drawing:
    """A bridge as a switch. `compact` cells lack the MAC address and the veth; `more` are the ports
    that a picture of their own holds, `more_height` tall; `rest` counts the uplinks that are not
    drawn. `phone` is the same for a small screen, None in that one itself."""

    bridge: Bridge
    way_out: WayOut
    frame: Frame
    height: int
    body_height: int
    cell_width: int
    cell_height: int
    compact: bool
    cells: tuple[Cell, ...]
    more: tuple[Cell, ...]
    more_height: int
    uplinks: tuple[Box, ...]
    rest: int
    nat: str
    number: int
    phone: Drawing | None = None

    @property
    def title_id(self) -> str:
        """The id of the element that names the picture."""
        return f"switch-{self.number}-title{'-phone' * self.frame.narrow}"

    @property
    def desc_id(self) -> str:
        """The id of the element that describes the picture."""
        return f"switch-{self.number}-desc{'-phone' * self.frame.narrow}"

    @property
    def body_width(self) -> int:
        """How wide the switch is."""
        return self.frame.width - 2 * MARGIN

    @property
    def uplink_width(self) -> int:
        """How wide the box of an uplink is."""
        return (self.body_width - GAP * (self.frame.uplinks - 1)) // self.frame.uplinks

    @property
    def network_name(self) -> str:
        """The network's name, cut to what fits."""
        name = self.bridge.network.name if self.bridge.network else ""
        return fitted(name, 14 if self.frame.narrow else 40)

    @property
    def ports(self) -> int:
        """How many ports there are, drawn here or not."""
        return len(self.bridge.ports)

    @property
    def hidden(self) -> int:
        """How many of them are not in this picture."""
        return self.ports - len(self.cells)


def fitted(text: str, room: int) -> str:
    """Return `text` in at most `room` columns (wide characters take two), cut with an ellipsis."""
    if _columns(text) <= room:
        return text
    kept = ""
    for character in text:
        if _columns(kept + character) > room - 1:
            break
        kept += character
    return f"{kept}…"


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def draw(bridge: Bridge, way_out: WayOut, number: int) -> Drawing:
    """Return the picture of a bridge; `number` keeps its ids apart from those of other pictures."""
    return evolve(
        _draw(bridge, way_out, number, WIDE), phone=_draw(bridge, way_out, number, NARROW)
    )


def _draw(bridge: Bridge, way_out: WayOut, number: int, frame: Frame) -> Drawing:
    ports = bridge.ports
    compact = len(ports) > frame.large_at_most
    columns = frame.compact if compact else frame.large
    height = _COMPACT_HEIGHT if compact else _LARGE_HEIGHT
    if compact and any(port.publishes for port in ports):
        height += _PUBLISHED_LINE
    head = HEAD + (2 * _LINE if frame.narrow else 0)
    shown = len(ports) if len(ports) <= frame.large_at_most and not frame.narrow else frame.shown
    grid = _Grid(columns, (frame.width - 4 * MARGIN - GAP * (columns - 1)) // columns, height)
    cells = grid.cells(ports[:shown], TOP + head)
    more = () if frame.narrow else grid.cells(ports[shown:], 0)
    body = head + (grid.height(len(cells)) if cells else 30) + FOOT
    if frame.narrow and len(ports) > shown:
        body += _LINE
    return Drawing(
        bridge=bridge,
        way_out=way_out,
        frame=frame,
        height=TOP + body + 2,
        body_height=body,
        cell_width=grid.width,
        cell_height=height,
        compact=compact,
        cells=cells,
        more=more,
        more_height=grid.height(len(more)),
        uplinks=_boxes(way_out, frame),
        rest=max(0, len(way_out.uplinks) - frame.uplinks),
        nat=fitted(way_out.rule, 16 if frame.narrow else 44),
        number=number,
    )


@frozen
class _Grid:
    """Cells in rows; `width` and `tall` are of one of them."""

    columns: int
    width: int
    tall: int

    def height(self, count: int) -> int:
        """How tall all the rows of so many cells are."""
        rows = -(-count // self.columns)
        return max(0, rows * (self.tall + GAP) - GAP)

    def cells(self, ports: tuple[Port, ...], top: int) -> tuple[Cell, ...]:
        """Give each port its place, the first at `top`."""
        room = int((self.width - 22) / _CHARACTER)
        return tuple(
            _cell(
                port,
                2 * MARGIN + (at % self.columns) * (self.width + GAP),
                top + (at // self.columns) * (self.tall + GAP),
                room,
            )
            for at, port in enumerate(ports)
        )


def _cell(port: Port, x: int, y: int, room: int) -> Cell:
    first, more = port.publishes[:1], len(port.publishes) - 1
    tail = f" +{more}" if more > 0 else ""
    full = (port.container, str(port.ipv4 or ""), port.mac, port.link, *port.publishes)
    return Cell(
        x=x,
        y=y,
        port=port,
        name=fitted(port.container, room),
        published=fitted(first[0], room - len(tail)) + tail if first else "",
        full="\n".join(text for text in full if text),
    )


def _boxes(way_out: WayOut, frame: Frame) -> tuple[Box, ...]:
    width = (frame.width - 2 * MARGIN - GAP * (frame.uplinks - 1)) // frame.uplinks
    boxes = []
    for at, uplink in enumerate(way_out.uplinks[: frame.uplinks]):
        x = MARGIN + at * (width + GAP)
        boxes.append(
            Box(
                x=x,
                middle=x + 40 if not frame.narrow else x + 16,
                name=fitted(uplink.link, 15),
                address=fitted(", ".join(map(str, uplink.addresses)), 22),
                via=str(uplink.gateway or ""),
            )
        )
    return tuple(boxes)
