"""Numbers, and what is said of them."""

from __future__ import annotations

from statistics import median


def ratio(numbers: list[float], others: list[float]) -> float:
    """The median of the rounds' ratios: what disturbed a round disturbed both."""
    return median(number / other for number, other in zip(numbers, others))


def difference(numbers: list[float], others: list[float]) -> float:
    """The median of the rounds' differences."""
    return median(number - other for number, other in zip(numbers, others))


def rounded(number: float) -> str:
    """A number with as many digits as mean something."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def spread(numbers: list[float]) -> str:
    """Best, median and worst round; the outliers are not taken away."""
    return " / ".join(rounded(number) for number in (min(numbers), median(numbers), max(numbers)))
