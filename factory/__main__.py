"""python -m factory: everything a flow does, one stage at a time, and questions about what was done."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factory import forecast, settings
from factory import spec as specs
from factory.alone import alone
from factory.dossier import command as papers
from factory.errors import FactoryError, GateError, ReviewPendingError
from factory.files import read_json, write_jsonl
from factory.retention import command as retention
from factory.services import news
from factory.settings import Settings
from factory.spec import Spec

USAGE, GATE, WAITS, DRIFT = 2, 3, 4, 5


NAMED = {"classification": "labels", "spans": "types", "extraction": "fields", "generation": "answer"}
"""What a spec of each kind names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 for an error a person can act on; 2 for wrong usage; 3 where publishing was refused; 4 where a build waits
        for people; 5 where `drift` found some.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        status = asked.run(asked, settings.load()) or 0
        sys.stdout.flush()
    except ReviewPendingError as error:
        print(error, file=sys.stderr)
        return WAITS
    except GateError as error:
        print(f"error: {error}", file=sys.stderr)
        return GATE
    except FactoryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`head`) has enough; point stdout elsewhere so that Python's exit has nothing to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return int(status)


def _parser() -> argparse.ArgumentParser:
    from factory.stages import STAGES

    parser = argparse.ArgumentParser(prog="python -m factory", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str, *, spec: bool = True, budget: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        if spec:
            made.add_argument("spec", metavar="SPEC", help="<vertical>/<task>, as `list` shows it")
        if budget:
            made.add_argument("--budget", choices=("quick", "full"), default="quick")
        return made

    command("list", _list, "the specialists there are specs for", spec=False)
    command("show", _show, "a specialist's declaration")
    command("plan", _plan, "what the teacher will be asked to write", budget=True)
    command("forecast", _forecast, "rows, tokens, time and money, before anything is spent", budget=True)
    build = command("build", _build, "run every stage, or up to one", budget=True)
    build.add_argument("--until", choices=STAGES, default=STAGES[-1], help="stop after this stage")
    build.add_argument("--force", action="store_true", help="publish in spite of the gate; the card says so")
    explain = command("explain", _explain, "a row's whole life, by its id or the beginning of it", spec=False)
    explain.add_argument("row", metavar="ROW")
    ledger = command("ledger", _ledger, "every stage that finished, in order; --verify proves that nothing was changed")
    ledger.add_argument("--verify", action="store_true", help="check the chain and the hash of every file")
    lineage = command("lineage", _lineage, "what a published specialist was made from, back to the plan", spec=False)
    lineage.add_argument("specialist", metavar="SPEC@VERSION", help="such as support/intent@1.0.0, or without version")
    lineage.add_argument("--json", action="store_true", help="all of it, as JSON")
    dossier = command("dossier", papers.run, "papers for auditors: Annex IV draft, ML-BOM, risk, data", spec=False)
    papers.arguments(dossier)
    diff = command("diff", _diff, "what sets two dataset versions apart", spec=False)
    diff.add_argument(
        "versions",
        metavar="[SPEC] A B",
        nargs="+",
        help="d-1a2b3c, its beginning, or 1.0.0 for what that was trained on; or SPEC@d-1a2b3c",
    )
    diff.add_argument("--jsonl", type=Path, metavar="FILE", help="write every difference, a line each")
    hygiene = command("hygiene", _hygiene, "check a file of rows of any size, JSONL or Parquet")
    hygiene.add_argument("file", metavar="FILE", type=Path)
    hygiene.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="kept.jsonl, dropped.jsonl go here")
    hygiene.add_argument("--checks", metavar="NAME,...", help="only these; all is the default")
    hygiene.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes; default: one a core")
    hygiene.add_argument("--ray", action="store_true", help="on the Ray cluster at RAY_ADDRESS, or a Ray started here")
    drift = command("drift", _drift, "whether production is still what a specialist was made for", spec=False)
    drift.add_argument("specialist", metavar="SPEC[@VERSION]", help="without a version the newest in the hub")
    drift.add_argument("--log", required=True, help="the audit log: a folder, or postgresql://user@host/database")
    drift.add_argument("--since", metavar="TIME", help="7d, 24h, 2w, or a date; all there is without it")
    command("cards", _cards, "copy the published cards and their main figures into cards/", spec=False)
    site = command("site", _site, "write the pages of the family: figures, versions, reviews waiting", spec=False)
    site.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="default: FACTORY_HOME/site")
    yank = command(
        "yank", _yank, "take a published version back: newer zoos give it only to who asks for it", spec=False
    )
    yank.add_argument("specialist", metavar="SPEC@VERSION", help="such as support/intent@1.0.0")
    why = yank.add_mutually_exclusive_group(required=True)
    why.add_argument("--reason", metavar="TEXT", help="why; whoever loads it is told")
    why.add_argument("--undo", action="store_true", help="take the mark away again")
    prune = command("prune", retention.run, "list what nobody needs any more of builds; --yes removes it", spec=False)
    retention.arguments(prune)
    gguf = command("gguf", _gguf, "write a published specialist that writes as one file for llama.cpp", spec=False)
    gguf.add_argument("specialist", metavar="SPEC[@VERSION]", help="without a version the newest in the hub")
    gguf.add_argument("--out", metavar="FILE.gguf", type=Path, required=True)
    gguf.add_argument("--type", choices=("f32", "f16", "q8_0"), default="q8_0", help="of its matrices (default q8_0)")
    command("coverage", _coverage, "what the newest plan yielded, what was dropped and why, and how varied it is")
    command("confusions", _confusions, "write the labels that the newest student confuses beside the spec")
    review = command(
        "review",
        _review,
        "send rows to people (push), see what they answered (pull) or would change (policy)",
        budget=True,
    )
    review.add_argument("what", choices=("push", "pull", "policy"))
    return parser


def _list(asked: argparse.Namespace, where: Settings) -> None:
    for name in specs.names(where.prompts):
        spec = specs.load(name, where.prompts)
        print(f"{name:<28} {len(spec.labels):>3} {NAMED[spec.kind]:<7} {spec.title}")


def _show(asked: argparse.Namespace, where: Settings) -> None:
    spec = _spec(asked, where)
    print(f"{spec.identity}  {spec.title}\n\n{spec.purpose}\n\nQuestion: {spec.question}")
    print(f"\n{NAMED[spec.kind].capitalize()}:")
    for label in spec.labels:
        print(f"  {label:<44} {spec.gist(label)}")
    print("\nAttributes:")
    for axis, values in spec.attributes.items():
        print(f"  {axis:<14} {', '.join(values)}")
    print("\nBudgets:")
    for name, budget in spec.budgets.items():
        print(f"  {name:<14} {', '.join(f'{key} {value}' for key, value in budget.model_dump().items())}")
    print(
        f"\nTeacher:  {spec.teacher.model}\nJudges:   {', '.join(spec.judges) or 'the teacher'}\n"
        f"Student:  {spec.base} ({spec.student.recipe})\nGold:     {where.gold / spec.gold}\nGate:"
    )
    for line in spec.gate:
        floor = f"better than {line.better_than}" if line.better_than else f"at least {line.at_least}"
        print(f"  {line.metric} {floor}")


def _plan(asked: argparse.Namespace, where: Settings) -> None:
    from factory.generate.plan import coverage, requests
    from factory.stages import Build
    from factory.stages.data import grown

    spec = _spec(asked, where)
    with Build(spec, asked.budget, where) as build:
        cells = grown(build)
    print(f"{spec.identity}, {asked.budget}: {requests(cells)} requests, {sum(cell.count for cell in cells)} rows\n")
    if spec.judges:
        texts = build.budget.judge
        print(f"  up to {texts} texts to each of {len(spec.judges)} judges: {', '.join(spec.judges)}\n")
    for share in coverage(cells):
        print(
            f"  {share.axis:<14} {share.value:<52} {share.requests:>5} requests {share.rows:>6} rows {share.share:6.1%}"
        )


def _forecast(asked: argparse.Namespace, where: Settings) -> None:
    spec = _spec(asked, where)
    work = forecast.forecast(spec, asked.budget, where)
    print("\n".join([forecast.text(work), *forecast.limits(spec, asked.budget, work)]))


def _build(asked: argparse.Namespace, where: Settings) -> None:
    from factory.stages import STAGES, Build

    spec = _spec(asked, where)
    try:
        with alone(spec.name, where), Build(spec, asked.budget, where, force=asked.force) as build:
            for name in STAGES[: STAGES.index(asked.until) + 1]:
                output = build.run(name)
                print(f"{name}{' (was there)' if output.reused else ''}: {output.path}")
                for key, value in build.summary(name).items():
                    print(f"    {key}: {value}")
    finally:  # also what waits, or was refused, is to be seen
        news.tell(where)


def _explain(asked: argparse.Namespace, where: Settings) -> None:
    from factory.hygiene.explain import life

    # Folders that begin with a dot belong to stages at work.
    files = sorted(where.builds.glob("*/*/[!.]*/[!.]*/*.jsonl"), key=lambda path: path.stat().st_mtime)
    rows = [path for path in files if path.name in ("rows.jsonl", "kept.jsonl", "dropped.jsonl")]
    print(life(asked.row, rows))


def _ledger(asked: argparse.Namespace, where: Settings) -> None:
    from factory.lineage import say

    name = _spec(asked, where).name
    print(say.proof(where.builds / name) if asked.verify else say.entries(where.builds / name))


def _lineage(asked: argparse.Namespace, where: Settings) -> None:
    from factory.lineage import say, trace

    found = trace.trace(asked.specialist, where)
    print(json.dumps(asdict(found), indent=2, ensure_ascii=False) if asked.json else say.trace(found))


def _diff(asked: argparse.Namespace, where: Settings) -> None:
    from factory.dataset.diff import diff, text
    from factory.publish.datasets import find

    *name, before, after = asked.versions if len(asked.versions) > 1 else ("", *asked.versions)
    if len(name) > 1 or not before:
        raise FactoryError("`diff` takes two versions.", fix="Write `diff SPEC A B`, or `diff SPEC@A SPEC@B`.")
    with tempfile.TemporaryDirectory() as folder:
        one, other = (find(version, where, Path(folder), *name) for version in (before, after))
        found = diff(one, other)
        if asked.jsonl:
            write_jsonl(asked.jsonl, found.records())
        print(text(found))


def _hygiene(asked: argparse.Namespace, where: Settings) -> None:
    from factory.gold import gold_of
    from factory.hygiene import check, runners, stream
    from factory.hygiene.run import of_kind
    from factory.progress import Meter

    spec = _spec(asked, where)
    gold = gold_of(spec, where.gold)
    found = stream.stream(
        asked.file,
        check.context(spec, gold),
        asked.out,
        asked.checks.split(",") if asked.checks else of_kind(spec.kind, stream.EVERY),
        runner=runners.on_ray if asked.ray else runners.processes(asked.workers),
        meters=lambda name: Meter(name, "rows"),
    )
    for one in found:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in one.reasons.items())
        print(f"{one.check:<14} {one.seen:>9} rows, {one.dropped:>9} dropped  {reasons}".rstrip())
    print(f"Kept and dropped rows are in {asked.out}.")


def _coverage(asked: argparse.Namespace, where: Settings) -> None:
    from factory.stages import Build
    from factory.stages.coverage import report

    with Build(_spec(asked, where), "quick", where) as build:
        output = report(build)
    print((output.path / "coverage.md").read_text(encoding="utf-8"))
    print(f"The same as a table of every crossing: {output.path / 'coverage.json'}")


def _confusions(asked: argparse.Namespace, where: Settings) -> None:
    from factory.generate.confusion import write

    spec = _spec(asked, where)
    path, pairs = write(spec, where.builds / spec.name)
    for label, other, times in pairs:
        print(f"{times:>5}  {label}  |  {other}")
    print(f"Written to {path}; the strategy `contrastive` begins with these pairs.")


def _review(asked: argparse.Namespace, where: Settings) -> None:
    from factory.review import proposals, reviewers
    from factory.stages import Build
    from factory.stages.answers import backend

    spec = _spec(asked, where)
    with Build(spec, asked.budget, where) as build:
        if asked.what != "pull":
            try:
                with alone(spec.name, where):
                    summary = build.summary("review")
            except ReviewPendingError as waits:
                if asked.what != "push":
                    raise
                print(f"{waits.what}\nThe rows are at {waits.where}")
                return
        if asked.what == "policy":
            path = build.run("review").path / proposals.FILE
            print(proposals.say(read_json(path) if path.exists() else ()))
            return
        if asked.what == "push":
            print(f"{summary['shown to people']} rows are at {summary['where']}")
            return
        pulled = backend(where).pull(build.spec)
        counted = reviewers.latest(pulled.answers)
        print(f"{len(counted)} answers to {len({answer.row_id for answer in counted})} rows")
        for problem in pulled.problems:
            print(f"  {problem}")
        print("The next build takes them in.")


def _drift(asked: argparse.Namespace, where: Settings) -> int:
    from factory.drift import run, say, traffic

    begins = traffic.since(asked.since, datetime.now(UTC)) if asked.since else None
    drift, path = run.run(asked.specialist, asked.log, where, begins)
    print(f"{say.table(drift)}\nWritten to {path}")
    return DRIFT if drift.found else 0


def _cards(asked: argparse.Namespace, where: Settings) -> None:
    from factory.publish.family import collect
    from factory.publish.hub import open_hub

    print(collect(open_hub(where.hub, where.hub_token), specs.names(where.prompts), settings.CHECKOUT / "cards"))


def _site(asked: argparse.Namespace, where: Settings) -> None:
    from factory.site.make import make

    index, problems = make(where, asked.folder)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    print(index)


def _yank(asked: argparse.Namespace, where: Settings) -> None:
    from factory.publish.yank import unyank, yank

    print(unyank(asked.specialist, where) if asked.undo else yank(asked.specialist, asked.reason, where))
    news.tell(where)


def _gguf(asked: argparse.Namespace, where: Settings) -> None:
    from factory.publish import gguf_file

    print(gguf_file.written(asked.specialist, where, asked.out, asked.type))


def _spec(asked: argparse.Namespace, where: Settings) -> Spec:
    return specs.load(asked.spec, where.prompts)


if __name__ == "__main__":
    sys.exit(main())
