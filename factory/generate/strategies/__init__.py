"""The ways to make a teacher write rows, by the names specs give them; one a file."""

from __future__ import annotations

from collections.abc import Mapping

from factory.generate.strategies.answered import Answered, AnsweredFewShot
from factory.generate.strategies.contrastive import Contrastive
from factory.generate.strategies.drawn import Drawn
from factory.generate.strategies.few_shot import FewShot
from factory.generate.strategies.filled import Filled, FilledFewShot
from factory.generate.strategies.label import Label
from factory.generate.strategies.marked import Marked, MarkedFewShot
from factory.generate.strategies.out_of_scope import OutOfScope
from factory.generate.strategies.replaced import Replaced
from factory.generate.strategies.rewrite import Rewrite
from factory.generate.strategies.seed_grounded import SeedGrounded
from factory.generate.strategies.strategy import Draft, Material, Strategy

__all__ = ["STRATEGIES", "Draft", "Material", "Strategy"]

STRATEGIES: Mapping[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Label(),
        SeedGrounded(),
        FewShot(),
        Rewrite(),
        Contrastive(),
        OutOfScope(),
        Marked(),
        MarkedFewShot(),
        Filled(),
        FilledFewShot(),
        Drawn(),
        Replaced(),
        Answered(),
        AnsweredFewShot(),
    )
}
