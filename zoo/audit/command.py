"""`zoo audit create | verify | explain | rollouts | export`: their arguments, and what they do."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from zoo.audit.export import export
from zoo.audit.opening import opened
from zoo.audit.reading import events, find
from zoo.audit.record import CORRECTION, DECISION, DIFFERENCE, ROLLOUT
from zoo.audit.verify import verify
from zoo.errors import UnknownRecord

_KNOWN = {"event", "what", "time", "number", "previous", "current", "candidate"}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit` to the commands of `zoo`."""
    audit = commands.add_parser("audit", help="Verify an audit log, explain a decision, export rows.")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    log = argparse.ArgumentParser(add_help=False)
    log.add_argument("log", metavar="LOG", help="the log's folder, or postgresql://user@host/database")

    about = "Begin a log, as `zoo serve --audit` does by itself; in a database, let roles use it that own nothing."
    created = actions.add_parser(
        "create", help="Begin a log, and say who may use it.", description=about, parents=[log]
    )
    created.set_defaults(run=_create)
    created.add_argument("--writer", action="append", default=[], metavar="ROLE", help="may add records and read them")
    created.add_argument("--reader", action="append", default=[], metavar="ROLE", help="may read them")

    about = "Read every record, and compare it with its hash and its neighbours. Ends with 1 where one does not fit."
    verified = actions.add_parser(
        "verify", help="Find what was changed, removed or added.", description=about, parents=[log]
    )
    verified.set_defaults(run=_verify)
    verified.add_argument("--after", metavar="ID", help="the last record of older files that were moved away")

    explained = actions.add_parser("explain", help="Tell one decision's life.", parents=[log])
    explained.set_defaults(run=_explain)
    explained.add_argument("id", metavar="ID", help="as it came with the answer")

    about = "Say what became of new versions beside those in use: counts, differences, promotions and roll-backs."
    told = actions.add_parser("rollouts", help="Tell what became of new versions.", description=about, parents=[log])
    told.set_defaults(run=_rollouts)

    about = "Write corrected texts (reviewed.jsonl) and unsure ones (unlabelled.jsonl), in a folder a specialist."
    exported = actions.add_parser("export", help="Write rows for the factory.", description=about, parents=[log])
    exported.set_defaults(run=_export)
    exported.add_argument("out", type=Path, metavar="OUT", help="a folder")
    exported.add_argument("--only", choices=["unsure", "corrected"], help="default: both")


def _create(options: argparse.Namespace) -> int:
    log = opened(options.log)
    log.create()
    log.grant(options.writer, options.reader)
    log.close()
    print(f"{log.where} is an audit log")
    return 0


def _verify(options: argparse.Namespace) -> int:
    found = verify(options.log, options.after)
    print(
        f"{found.records} records in {found.files} files: {found.decisions} decisions, {found.corrections} "
        f"corrections, {found.lost} decisions lost; the last is {found.last}"
    )
    for problem in found.problems:
        print(f"PROBLEM {problem}")
    print("not as it was written" if found.problems else "as it was written")
    return 1 if found.problems else 0


def _explain(options: argparse.Namespace) -> int:
    log = opened(options.log)
    decision = find(log, options.id)
    if decision.get("event") != DECISION:
        raise UnknownRecord(f"Record {options.id} is no decision but: {decision['event']}.", where=log.where)
    answer = {key: value for key, value in decision["answer"].items() if key != "kind"}
    rows = {
        "decision": options.id,
        "time": decision["time"],
        "model": decision["model"],
        "text": _short(decision["text"]) if "text" in decision else "not kept",
        "masked": "yes" if decision.get("masked") else "",
        "sha256": decision["sha256"],
        "answer": _json(answer),
        "reason": decision.get("reason", ""),
        "tier": decision.get("tier", ""),
        "detail": decision.get("detail", ""),
        "seconds": f"{decision['seconds']:.6f}",
        "after": f"{decision['number'] - 1}-{decision['previous'][:12]}",
    }
    for key, value in rows.items():
        if value:
            print(f"{key:10} {value}")
    for id, one in events(log, CORRECTION):
        if one["of"] == options.id:
            note = f": {_short(one['note'])}" if "note" in one else ""
            print(f"{'corrected':10} {one['time']} by {one['who']} to {_json(one['right'])} ({id}){note}")
    return 0


def _rollouts(options: argparse.Namespace) -> int:
    for id, one in events(options.log, ROLLOUT, DIFFERENCE):
        if one["event"] == DIFFERENCE:
            about = f"text {_short(one['text']) if 'text' in one else one['sha256']}"
            said = "; ".join(f"{each['model']}: {_json(_said(each['answer']))}" for each in one["answers"])
            print(f"{one['time']} {id} differ: {about}; {said}")
            continue
        more = {key: value for key, value in one.items() if key not in _KNOWN}
        print(f"{one['time']} {id} {one['what']}: {one['candidate']} after {one['current']} {_json(more)}")
    return 0


def _said(answer: dict[str, Any]) -> object:
    """What an answer says, without how sure it is."""
    return next(answer[key] for key in ("label", "spans", "values", "words") if key in answer)


def _export(options: argparse.Namespace) -> int:
    wanted = {"unsure": options.only != "corrected", "corrected": options.only != "unsure"}
    found = export(options.log, options.out, **wanted)
    print(f"{found.reviewed} corrected rows and {found.unlabelled} unsure ones in {options.out}")
    if found.without_text:
        print(f"{found.without_text} could not be written: their texts were not kept")
    if found.misplaced:
        print(f"{found.misplaced} could not be written: their spans do not fit the text that was kept")
    return 0


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return " ".join(text.split())
