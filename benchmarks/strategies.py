"""What each strategy of writing buys: points on gold per thousand teacher tokens, with and without real logs.

    python benchmarks/strategies.py [--spec SPEC ...] [--tokens 20000] [--rows 600] [--seeds 3] [--logs no]

For every strategy alone, for mixes (`--strategies label+contrastive`: equal shares of requests) and for none, rows are
written until a budget of teacher tokens is used up; then hygiene, the judge and the committee do what they do in a
build (without the spec's reader, which would read every text anew for every measurement), and a linear probe on the
frozen encoder's vectors (the cheap student, benchmarks/parts/cheap.py) is measured on all validation gold: by accuracy,
or of spans by strict span F1; what a strategy gains is the paired difference from writing nothing, in points, with its
95 % interval over gold rows. `logs` says whether the spec's unlabelled texts are labelled and trained on too (of spans
as many as may be judged: others would be no rows). Seeds are disjoint parts of a strategy's plan, so that nothing is
asked twice. Stages and replies are kept in FACTORY_HOME: stopped anywhere, the same command goes on. Results:
benchmarks/results/strategies.csv, a line a measurement; lines of other specs, teachers and settings stay.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.parts.cheap import OF_KIND
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.errors import FactoryError, SpecError
from factory.evidence.circumstances import hardware
from factory.evidence.intervals import paired, value_of
from factory.files import read_json, read_jsonl
from factory.generate import plan as planning
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build, data, sources
from factory.teacher.cache import ReplyCache

RESULTS = Path(__file__).parent / "results" / "strategies.csv"
NONE = "none"
USUAL = "finance/sentiment"
EVERY = [NONE, *itertools.chain(*(kind.strategies for kind in OF_KIND.values()))]
AND, LOGS = "+", ("no", "yes")
KEY = ("spec", "teacher", "strategy", "logs", "seed", "token_budget", "row_budget", "judged")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", action="append", help=f"<vertical>/<task>, several times if need be; {USUAL}")
    parser.add_argument("--tokens", type=int, default=20_000, help="teacher tokens for writing, a measurement")
    parser.add_argument("--rows", type=int, default=600, help="rows asked for at most, a measurement")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--judge", type=int, default=200, help="texts the teacher judges, or marks")
    parser.add_argument("--strategies", nargs="*", type=_mix, default=EVERY, help="those of a spec's kind count")
    parser.add_argument("--logs", nargs="*", choices=LOGS, default=list(LOGS), help="whether real texts are trained on")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.spec or [USUAL]:
        with _Bench(specs.load(name, where.prompts), where, asked) as bench:
            bench.run(asked.out)


def _parts(mix: str) -> list[str]:
    return mix.split(AND)


def _mix(name: str) -> str:
    """A strategy's name, or several with a plus between; raises argparse.ArgumentTypeError."""
    if unknown := set(_parts(name)) - set(EVERY):
        raise argparse.ArgumentTypeError(f"no strategy {', '.join(sorted(unknown))}; there are {', '.join(EVERY)}")
    return name


class _Bench:
    """The measurements of one spec; one teacher and one encoder serve them all."""

    def __init__(self, spec: Spec, where: Settings, asked: argparse.Namespace) -> None:
        if spec.kind not in OF_KIND:
            raise FactoryError(
                f"{spec.name} is of kind {spec.kind}, for which there is no cheap student.",
                fix=f"Name a spec of kind {' or '.join(OF_KIND)}.",
            )
        self.spec, self.where, self.asked = spec, where, asked
        self.host = Build(spec, "full", where)
        self.cheap = OF_KIND[spec.kind](self.host)

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *ended: Any) -> None:
        self.host.__exit__(*ended)

    def run(self, out: Path) -> None:
        """Every strategy, with and without logs, for every seed; the file is rewritten after each."""
        found: list[dict[str, Any]] = []
        unwritten: dict[str, Sequence[Any]] = {}
        known = {NONE, *self.cheap.strategies}
        strategies = [mix for mix in dict.fromkeys([NONE, *self.asked.strategies]) if known.issuperset(_parts(mix))]
        metric = self.cheap.metric
        logs = [said for said in LOGS if said in self.asked.logs and (said == "no" or self.spec.unlabelled)]
        for seed, with_logs, strategy in itertools.product(range(self.asked.seeds), logs, strategies):
            try:
                line, answers = self.measure(strategy, with_logs == "yes", seed)
            except SpecError as error:
                print(f"{self.spec.name}: {strategy} is left out: {error.what}")
                continue
            if strategy == NONE:
                unwritten[line["logs"]] = answers
            elif line["logs"] in unwritten and line["tokens_written_and_read"]:
                gain = paired(metric, self.cheap.gold, answers, unwritten[line["logs"]])
                line |= {"points_gained": round(100 * gain.value, 3)}
                line |= {"low": round(100 * gain.low, 3), "high": round(100 * gain.high, 3)}
                line["points_per_1000_tokens"] = round(1e5 * gain.value / line["tokens_written_and_read"], 4)
            found.append(line)
            save(out, KEY, line)
        for strategy, labelled in itertools.product(strategies, logs):
            mine = [one for one in found if one["strategy"] == strategy and one["logs"] == labelled]
            if values := [one[metric] for one in mine]:
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                print(f"{strategy:<15} logs {labelled:<4} {metric} {statistics.mean(values):.4f} +- {spread:.4f}")

    def measure(self, strategy: str, with_logs: bool, seed: int) -> tuple[dict[str, Any], Sequence[Any]]:
        """Write, clean, judge and vote as a build does; then the probe: its line, and its answers to gold rows."""
        build = self._build(strategy, with_logs)
        build._outputs["plan"] = data.planned(build, self._cells(build, strategy, seed))
        written = build.run("write").path
        spent = read_json(written / data.SPENT) if (written / data.SPENT).exists() else {"read": 0, "written": 0}
        cleaned = build.run("clean").path
        build.budget = build.budget.model_copy(update={"max_tokens": None})  # the limit is on writing alone
        judged = build.run("judge").path
        rows = self.cheap.rows(build, cleaned, judged)
        answers = self.cheap.answers(rows)
        budget = self.asked
        line = {
            "spec": self.spec.name,
            "kind": self.spec.kind,
            "teacher": build.teacher,
            "strategy": strategy,
            "logs": "yes" if with_logs else "no",
            "seed": seed,
            "token_budget": budget.tokens,
            "row_budget": budget.rows,
            "judged": budget.judge,
            "rows_written": read_json(written / "summary.json")["rows written"],
            "rows_kept": sum(row.origin == "generated" for row in rows),
            "rows_in_all": len(rows),
            "tokens_written_and_read": spent["read"] + spent["written"],
            "tokens_judging": self._judging(judged),
            "gold": len(build.gold),
            "accuracy": "",
            "span_f1": "",
            self.cheap.metric: round(value_of(self.cheap.metric, self.cheap.gold, answers), 4),
            "points_gained": "",
            "low": "",
            "high": "",
            "points_per_1000_tokens": "",
            "hardware": hardware(),
        }
        return line, answers

    def _build(self, strategy: str, with_logs: bool) -> Build:
        full = self.spec.budget("full")
        changes = self.cheap.budget(full.label if with_logs else 0, self.asked.judge)
        changes |= {"generate": 0} if strategy == NONE else {"max_tokens": self.asked.tokens}
        budget = full.model_copy(update=changes)
        parts = self.cheap.strategies[:1] if strategy == NONE else _parts(strategy)
        spec = self.spec.model_copy(
            update={
                "strategies": dict.fromkeys(parts, 1 / len(parts)),
                "refill": False,
                "reader": None,
                "judges": [],
                "budgets": {**self.spec.budgets, "full": budget},
            }
        )
        build = Build(spec, "full", self.where)
        build.root = self.where.home / "benchmarks" / "strategies" / spec.name
        build.__dict__["encoder"] = self.cheap.encoder
        build.__dict__["endpoint"] = self.host.endpoint
        return build

    def _cells(self, build: Build, strategy: str, seed: int) -> list[planning.Cell]:
        if strategy == NONE:
            return []
        if "out_of_scope" in _parts(strategy) and build.spec.out_of_scope is None:
            raise SpecError("the spec has no label for rows that are none of the labels")
        count = -(-self.asked.rows // build.spec.teacher.rows_per_request)
        return list(itertools.islice(planning.cells(sources.material(build)), seed * count, (seed + 1) * count))

    def _judging(self, judged: Path) -> int:
        store = ReplyCache(self.where.replies)
        try:
            replies = [store.get(line["key"]) for line in read_jsonl(judged / "judgements.jsonl")]
        finally:
            store.close()
        return sum(reply["prompt_tokens"] + reply["completion_tokens"] for reply in replies if reply)


if __name__ == "__main__":
    main()
