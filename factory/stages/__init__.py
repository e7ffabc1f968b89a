"""The stages of a build, in order. flows/ and the command line call these and nothing below them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from factory.stage import Output
from factory.stages import calibrate, data, judge, measure, prompted, publish, review, train
from factory.stages.build import Build
from factory.stages.extraction import Extraction
from factory.stages.generation import Generation
from factory.stages.spans import Spans

__all__ = ["FUNCTIONS", "OF_KIND", "STAGES", "Build"]

FUNCTIONS: Mapping[str, Callable[[Build], Output]] = {
    "plan": data.plan,
    "write": data.write,
    "clean": data.clean,
    "judge": judge.judge,
    "review": review.review,
    "dataset": data.dataset,
    "train": train.train,
    "calibrate": calibrate.calibrate,
    "reviewed_only": train.reviewed_only,
    "zero_shot": prompted.zero_shot,
    "few_shot": prompted.few_shot,
    "evaluate": measure.evaluate,
    "publish": publish.publish,
}
OF_KIND: Mapping[str, Mapping[str, Callable[[Build], Output]]] = {
    "classification": FUNCTIONS,
    **{way.kind: {**FUNCTIONS, **way.functions} for way in (Spans(), Extraction(), Generation())},
}
"""Kind of task to its stages."""
STAGES: tuple[str, ...] = tuple(FUNCTIONS)
