"""Figures as they are read: three digits, in the unit that reads best."""

from __future__ import annotations


def number(value: float, unit: str = "") -> str:
    text = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def duration(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if abs(seconds) * factor >= 1:
            return number(seconds * factor, unit)
    return number(seconds * 1e6, "µs")


def quantity(value: float, unit: str) -> str:
    return duration(value) if unit == "s" else number(value, unit)


def times(ratio: float, word: str = " times") -> str:
    """A multiple, to two digits below 100: "3.9 times"."""
    return f"{ratio:.2g}{word}" if ratio < 100 else f"{ratio:,.0f}{word}"
