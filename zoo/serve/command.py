"""`zoo serve` and `zoo keys`: their arguments, and what they do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from zoo import fallback
from zoo.audit import AuditLog
from zoo.engine import KEY
from zoo.errors import BadInput
from zoo.manifest import WEIGHTS
from zoo.serve.extra import need
from zoo.serve.keys import SCOPES, KeyFile
from zoo.serve.limits import Limits
from zoo.serve.trial import with_trials

_LIMITS = {
    "body": "bytes of a request",
    "texts": "texts of a request",
    "characters": "characters of a text",
    "queue": "texts that may wait for one specialist; more are shed",
    "batch": "texts answered in one call, at most",
    "escalations": "texts that may wait for a fallback; more are answered as they are",
    "seconds": "a request is answered or shed after so long",
    "rate": "requests a second and key",
    "burst": "requests that may come at once before --rate counts",
    "workers": "batches at work at once",
    "drain": "seconds that requests in flight have to end",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Add both commands to those of `zoo`; `shared` has --hub."""
    about = "Serve specialists over HTTP. SIGHUP loads newer versions, SIGTERM ends when what is asked is answered."
    serve = commands.add_parser("serve", help="Serve specialists over HTTP.", description=about, parents=[shared])
    serve.set_defaults(run=_serve)
    serve.add_argument("names", nargs="*", metavar="NAME", help="finance/sentiment, finance/sentiment@1, or a folder")
    serve.add_argument("--all", action="store_true", help="all that the hub gives, and, once reloaded, those that come")
    serve.add_argument(
        "--host", default="127.0.0.1", help="where to listen (default 127.0.0.1); elsewhere needs --keys"
    )
    serve.add_argument("--port", type=int, default=8765, help="0: any free one (default 8765)")
    serve.add_argument("--keys", metavar="FILE", help="API keys, made by zoo keys; none: whoever reaches it may ask")
    about = "record every decision in this log (a folder, or postgresql://...) before it is given out"
    serve.add_argument("--audit", metavar="LOG", help=about)
    serve.add_argument("--audit-texts", action="store_true", help="with --audit: keep the texts, too")
    about = "with --audit: what to do when it can't be written: no answer, an answer unrecorded, or wait (default fail)"
    serve.add_argument("--audit-trouble", choices=["fail", "shed", "block"], default="fail", help=about)
    about = "a folder with npm's @huggingface/transformers: classifiers answer in the browser, too, at /edge"
    serve.add_argument("--edge", metavar="FOLDER", help=about)
    serve.add_argument("--weights", choices=sorted(WEIGHTS), help="default: the publisher's choice")
    serve.add_argument("--threads", type=int, default=1, help="CPU threads a worker (default 1)")
    about = f"a vLLM (http.../v1) that runs the models of specialists that write; its key is in {KEY}"
    serve.add_argument("--engine", metavar="URL", help=about)
    serve.add_argument(
        "--shadow", action="append", default=[], metavar="NAME", help="ask this version too, and compare"
    )
    serve.add_argument(
        "--canary", action="append", default=[], metavar="NAME", help="let this version answer a --share"
    )
    serve.add_argument("--share", type=float, default=0.1, metavar="P", help="of the texts, 0 to 1 (default 0.1)")
    serve.add_argument("--errors", type=float, default=0.01, metavar="P", help="a canary's, at most (default 0.01)")
    about = "of a canary with the version in use, at most (default 0.1)"
    serve.add_argument("--disagreement", type=float, default=0.1, metavar="P", help=about)
    about = "that a canary has for a batch; later is an error (default: it is waited for)"
    serve.add_argument("--patience", type=float, metavar="S", help=f"seconds {about}")
    serve.add_argument("--again", action="store_true", help="try a canary that the log says was rolled back")
    about = "a JSON file that declares a chain of specialists, which are served too"
    serve.add_argument("--chain", action="append", default=[], metavar="FILE", help=about)
    about = "an endpoint (http.../v1) or specialist to ask where classifiers are unsure; NAME=URL: where that one is"
    fallback.add(serve, action="append", default=[], metavar="[NAME=]URL", help=about)
    usual = Limits()
    for name, what in _LIMITS.items():
        value = getattr(usual, name)
        kind: Callable[[str], float] = int if isinstance(value, int) else float
        default = "any number" if value is None else "this machine's cores" if name == "workers" else f"{value:g}"
        serve.add_argument(f"--{name}", type=kind, default=value, metavar="N", help=f"{what} (default {default})")

    keys = commands.add_parser("keys", help="Make, list and revoke API keys.", description="API keys of zoo serve.")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("file", metavar="FILE", help="the file of keys; the first key makes it")
    made = actions.add_parser("add", help="Make a key and print it, once.", parents=[file])
    made.set_defaults(run=_add)
    made.add_argument("--name", required=True, help="who has it")
    made.add_argument("--scope", action="append", required=True, choices=SCOPES, help="what it may do; give several")
    listed = actions.add_parser("list", help="List keys: id, name, scopes, day.", parents=[file])
    listed.set_defaults(run=_list)
    revoked = actions.add_parser("revoke", help="Take a key away; it counts from the next request on.", parents=[file])
    revoked.set_defaults(run=_revoke)
    revoked.add_argument("id", help="as zoo keys list prints it")


def _serve(options: argparse.Namespace) -> int:
    need()
    if options.all and (options.names or options.shadow or options.canary):
        raise BadInput("All specialists are served, so none is named.", where="--all", fix="Leave one of both out.")
    from zoo.serve.server import run

    limits = Limits(**{name: getattr(options, name) for name in _LIMITS})
    log = None
    if options.audit:
        log = AuditLog(options.audit, keep_text=options.audit_texts, on_trouble=options.audit_trouble)
    where = {"host": options.host, "port": options.port, "hub": options.hub, "keys": options.keys}
    bounds = {"errors": options.errors, "disagreement": options.disagreement}
    bounds |= {"timeout": options.patience, "again": options.again}
    trials = {"shadows": options.shadow, "canaries": options.canary, "share": options.share}
    served = with_trials(options.names, **trials, **bounds)
    how = {"edge": options.edge, "weights": options.weights, "threads": options.threads, "engine": options.engine}
    names = None if options.all else served
    run(names, **where, limits=limits, audit=log, **how, fallbacks=_fallbacks(options), chains=options.chain)
    return 0


def _fallbacks(options: argparse.Namespace) -> dict[str, fallback.Fallback]:
    """By name, or '' for all others; raises BadInput where there are two for one."""
    found: dict[str, fallback.Fallback] = {}
    for said in options.fallback:
        name, _, where = said.rpartition("=") if not said.startswith("http") else ("", "", said)
        if name in found:
            raise BadInput(f"There are two fallbacks for {name or 'all'}.", where="--fallback")
        found[name] = fallback.told(where, options, several=len(options.fallback) > 1)
    return found


def _add(options: argparse.Namespace) -> int:
    print(KeyFile(options.file).add(options.name, options.scope))
    print("zoo: this is the only time it is shown", file=sys.stderr)
    return 0


def _list(options: argparse.Namespace) -> int:
    for key in KeyFile(options.file).keys().values():
        print("\t".join((key.id, key.name, " ".join(key.scopes), key.created)))
    return 0


def _revoke(options: argparse.Namespace) -> int:
    key = KeyFile(options.file).revoke(options.id)
    print(f"{key.id} ({key.name}) is revoked")
    return 0
