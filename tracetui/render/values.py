"""Values of the query language as people read them, by the kind of their field. Pure."""

from __future__ import annotations

from tracetui.querying.fields import Kind
from tracetui.render.figures import date, duration


def shown_as(value: object, kind: Kind) -> object:
    """Return a value of the query language as it stands in a table: durations and times as people read them.

    >>> shown_as(2816, Kind.DURATION), shown_as(1870.0285714285715, Kind.NUMBER), shown_as("a", Kind.TEXT)
    ('2.8s', '1,870.03', 'a')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if kind is Kind.DURATION:
        return duration(value)
    if kind is Kind.TIME:
        return date(int(value))
    return f"{value:,.6g}" if isinstance(value, float) else value
