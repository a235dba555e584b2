"""Where everything stands in the picture of a bridge. Pure; lengths are units of the SVG."""

from __future__ import annotations

import unicodedata

from attrs import frozen

from hosts.picture import Bridge, Port
from hosts.switch.way_out import WayOut

WIDTH, MARGIN = 960, 12
TOP, HEAD, FOOT, GAP = 112, 62, 14, 8
# A character of a monospaced font is 0.63 of its size wide at most (SF Mono; the others less).
_LARGE_AT_MOST = 24
_LARGE, _COMPACT = (4, 106), (7, 40)
_PUBLISHED_LINE = 15
_UPLINKS = 3


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
    """A bridge as a switch. `compact` cells lack the MAC address and the veth; `rest` counts the
    uplinks that are not drawn."""

    bridge: Bridge
    way_out: WayOut
    width: int
    height: int
    body_height: int
    cell_width: int
    cell_height: int
    compact: bool
    cells: tuple[Cell, ...]
    uplinks: tuple[Box, ...]
    rest: int
    nat: str
    number: int

    @property
    def title_id(self) -> str:
        """The id of the element that names the picture."""
        return f"switch-{self.number}-title"

    @property
    def desc_id(self) -> str:
        """The id of the element that describes the picture."""
        return f"switch-{self.number}-desc"


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
    compact = len(bridge.ports) > _LARGE_AT_MOST
    columns, height = _COMPACT if compact else _LARGE
    if compact and any(port.publishes for port in bridge.ports):
        height += _PUBLISHED_LINE
    inner = WIDTH - 4 * MARGIN
    width = (inner - GAP * (columns - 1)) // columns
    room = (width - 22) * 100 // (63 * 11)
    cells = tuple(
        _cell(
            port,
            2 * MARGIN + (at % columns) * (width + GAP),
            TOP + HEAD + (at // columns) * (height + GAP),
            room,
        )
        for at, port in enumerate(bridge.ports)
    )
    rows = max(1, -(-len(bridge.ports) // columns)) if cells else 0
    body = HEAD + (rows * (height + GAP) - GAP if rows else 30) + FOOT
    return Drawing(
        bridge=bridge,
        way_out=way_out,
        width=WIDTH,
        height=TOP + body + 2,
        body_height=body,
        cell_width=width,
        cell_height=height,
        compact=compact,
        cells=cells,
        uplinks=_boxes(way_out),
        rest=max(0, len(way_out.uplinks) - _UPLINKS),
        nat=fitted(way_out.rule, 44),
        number=number,
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


def _boxes(way_out: WayOut) -> tuple[Box, ...]:
    width = (WIDTH - 2 * MARGIN - 2 * GAP) // _UPLINKS
    boxes = []
    for at, uplink in enumerate(way_out.uplinks[:_UPLINKS]):
        x = MARGIN + at * (width + GAP)
        boxes.append(
            Box(
                x=x,
                middle=x + 40,
                name=fitted(uplink.link, 15),
                address=fitted(", ".join(map(str, uplink.addresses)), 22),
                via=str(uplink.gateway or ""),
            )
        )
    return tuple(boxes)
