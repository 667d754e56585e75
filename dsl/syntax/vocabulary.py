"""Keywords of the language.

The grammar file and the fields of `Rules` repeat them, in this order; tests compare them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

OrderName = Literal["buy", "sell", "short", "cover"]
SettingName = Literal["size", "stop", "trail", "target", "hold"]
DirectionName = Literal["long", "short"]
Usage = Literal["usual", "rare", "exotic"]

ORDERS: tuple[OrderName, ...] = get_args(OrderName)
SETTINGS: tuple[SettingName, ...] = get_args(SettingName)
USAGES: tuple[Usage, ...] = get_args(Usage)


class DirectionOrders(NamedTuple):
    """Orders that open and close a position on one side of the market."""

    entry: OrderName
    exit: OrderName


DIRECTION_ORDERS: dict[DirectionName, DirectionOrders] = {
    "long": DirectionOrders("buy", "sell"),
    "short": DirectionOrders("short", "cover"),
}
ENTRIES = tuple(side.entry for side in DIRECTION_ORDERS.values())
EXIT_OF: dict[OrderName, OrderName] = {side.entry: side.exit for side in DIRECTION_ORDERS.values()}

DISTANCES: tuple[SettingName, ...] = ("stop", "trail", "target")  # measured from the fill price
SERIES_SETTINGS: tuple[SettingName, ...] = ("size", *DISTANCES)  # one value per bar
EXIT_SETTINGS: tuple[SettingName, ...] = (*DISTANCES, "hold")

STATEMENTS = ("about", "param", "let", *ORDERS, *SETTINGS)
ITEMS = ("strategy", "define")
CONNECTIVES = ("when", "while", "in", "step")  # within a statement
LOGIC = ("and", "or", "not")
TRUTHS = ("true", "false")
RESERVED = (*STATEMENTS, *CONNECTIVES, *LOGIC, *TRUTHS, *ITEMS)  # not allowed as names
