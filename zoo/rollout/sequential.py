"""Whether a rate is beyond a bound, told honestly however often one looks.

A test for a single look that is made again after every text finds something by chance sooner or later. This one does
not. Its evidence is the likelihood ratio of rates on the other side of the bound to the bound itself, averaged over a
fixed grid of such rates (Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math.
Stat. 41; with a single rate it is Wald's SPRT, 1945). As long as the rate keeps to the bound, this average is a
non-negative supermartingale that begins at 1, so the chance that it ever reaches 1 / alpha, however often one looks, is
at most alpha (Ville 1939; see Ramdas, Grünwald, Vovk and Shafer 2023, "Game-theoretic statistics and safe anytime-valid
inference", Stat. Sci. 38).

It takes for granted that, whatever came before, the next text's chance to count keeps to the bound. The same text sent
again and again, by a client that does not give up, breaks that.
"""

from __future__ import annotations

import math

_STEPS = 12  # of the grid: each rate is half as far from the bound as the one before
_MOST = 700.0  # exp of more is no float


def beyond(counted: int, trials: int, bound: float) -> float:
    """Evidence that the rate is above the bound: from 0 up; 1 says nothing, 1 / alpha is enough at the level alpha.

    Args:
        counted: how many of the trials counted.
        trials: how many there were.
        bound: the rate that is borne, between 0 and 1.
    """
    return _evidence(counted, trials, bound, [bound + (1 - bound) * 0.5**step for step in range(_STEPS)])


def within(counted: int, trials: int, bound: float) -> float:
    """Evidence that the rate is below the bound; as `beyond`."""
    return _evidence(counted, trials, bound, [bound - bound * 0.5**step for step in range(_STEPS)])


def _evidence(counted: int, trials: int, bound: float, rates: list[float]) -> float:
    """The mean over the rates of the likelihood ratio of each to the bound."""
    ratios = (_times(counted, rate / bound) + _times(trials - counted, (1 - rate) / (1 - bound)) for rate in rates)
    return sum(math.exp(min(_MOST, ratio)) for ratio in ratios) / len(rates)


def _times(count: int, ratio: float) -> float:
    """The logarithm of ratio ** count."""
    if not count:
        return 0.0
    return count * math.log(ratio) if ratio > 0 else -math.inf
