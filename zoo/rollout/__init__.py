"""A new version beside the one in use: it is asked and compared, or answers some texts, before it answers all.

    shadow = zoo.Shadow(zoo.load("support/intent@1.0.0"), zoo.load("support/intent@1.1.0"), log=log)
    shadow.predict("My card has not arrived yet")      # as 1.0.0 answers; 1.1.0 is asked in the background
    shadow.compared                                    # Compared(compared=812, different=23, pairs={...}, ...)

    canary = zoo.Canary(zoo.load("support/intent@1.0.0"), zoo.load("support/intent@1.1.0"), share=0.1, log=log)
    canary.predict("My card has not arrived yet")      # by 1.1.0 for a tenth of the texts, until that goes wrong
    canary.promote(who="r-17")                         # by 1.1.0 for all of them

Both answer as the specialist does that they hold, so whatever takes a specialist takes them: `zoo.audited`, which
records the version that answered, and `zoo.serve.app`.
"""

from zoo.rollout.canary import Canary, Health, State
from zoo.rollout.differences import Compared, Difference
from zoo.rollout.shadow import Shadow

__all__ = ["Canary", "Compared", "Difference", "Health", "Shadow", "State"]
