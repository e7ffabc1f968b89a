"""What a million texts cost and take in energy: by measured speed, stated prices and stated power.

Without these there are core-hours alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.evidence.circumstances import Circumstances
from factory.evidence.prices import Hosted, PriceList
from factory.evidence.records import Cost, Speed, rows_hash

MILLION = 1e6
CHARACTERS_A_TOKEN = 4.0
"""A rule of thumb for English; a vendor's own count may be a third more or less."""


def computed(speeds: Sequence[Speed], cores: int, prices: PriceList, how: str) -> Cost:
    """Of somebody who answers on this machine, at the fastest of the speeds measured.

    Args:
        speeds: of one system, at least one.
        cores: how many it keeps busy.
        prices: what is stated.
        how: how it was asked, for people.
    """
    best = max(speeds, key=lambda one: one.rows_per_second)
    hours = MILLION / best.rows_per_second / 3600 * cores
    hour = prices.core_hour
    basis = f"{how}, {cores} core{'s' if cores > 1 else ''}"
    if hour:
        basis += f"; {hour.price:g} {prices.currency} a core-hour ({hour.source}, {hour.date})"
    if prices.power:
        basis += f"; {prices.power.sentence}"
    kept = {
        name: getattr(best, name) for name in ("who", "what", "rows", "n", "sample", "hardware", "commit", "created")
    }
    money = hours * hour.price if hour else None
    energy = prices.power.watt_hours(hours) if prices.power else None
    return Cost(**kept, core_hours=hours, price=money, currency=prices.currency, watt_hours=energy, basis=basis)


def hosted(model: Hosted, asked: Sequence[tuple[int, int]], currency: str, circumstances: Circumstances) -> Cost:
    """Of a large model that is sold by the token, for the questions that the teacher is asked.

    Args:
        model: with its prices.
        asked: characters of each question and of the reply wanted; at least one.
        currency: of the prices.
        circumstances: written into the record.
    """
    read, written = (sum(one[side] for one in asked) / len(asked) / CHARACTERS_A_TOKEN for side in (0, 1))
    common: dict[str, Any] = {
        "rows": rows_hash((str(one), "") for one in asked),
        "n": len(asked),
        **vars(circumstances),
    }
    return Cost(
        **common,
        who=model.name,
        what="hosted",
        sample="questions with the policy",
        core_hours=None,
        price=read * model.read + written * model.written,
        currency=currency,
        basis=f"about {read:.0f} tokens read and {max(1, round(written))} written a text, at {CHARACTERS_A_TOKEN:g} "
        f"characters a token; {model.read:g} and {model.written:g} {currency} a million ({model.source}, {model.date})",
    )
