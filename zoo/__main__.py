"""The command line, also as `python -m zoo`: `zoo list | show | pull | pack | predict | bench | verify | sign |
serve | engine | keys | audit`.

Exit codes: 0 done; 1 something the message explains (for `predict`: at least one text had no answer); 2 wrong usage;
130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from zoo import benching, engine_file, fallback, signing
from zoo.audit import AuditLog
from zoo.audit import command as auditing
from zoo.classifier import Classifier
from zoo.engine import KEY
from zoo.errors import BadInput, ZooError
from zoo.given import Predictor
from zoo.hub import open_hub
from zoo.inputs import Text, lines, read
from zoo.loader import inspect, is_folder, load
from zoo.manifest import WEIGHTS, Manifest
from zoo.names import Version
from zoo.packing import pack
from zoo.printing import as_json, as_line
from zoo.progress import told
from zoo.recorded import Recorded, audited
from zoo.serve import command as serving
from zoo.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    warnings.showwarning = _warn
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except ZooError as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (`head`) has enough; point stdout elsewhere so that Python's exit has nothing to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _list(options: argparse.Namespace) -> int:
    hub = open_hub(options.hub)
    for name in hub.names():
        yanked = hub.yanked(name)
        versions = (
            f"{version} (yanked: {yanked[version].reason})" if version in yanked else str(version)
            for version in reversed(hub.versions(name))
        )
        print(f"{name}\t{', '.join(versions)}")
    return 0


def _show(options: argparse.Namespace) -> int:
    folder, manifest = inspect(options.name, hub=options.hub)
    if options.json:
        print(json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False))
        return 0
    size = sum(entry.bytes for entry in manifest.files.values())
    marks = {} if is_folder(options.name) else open_hub(options.hub).yanked(manifest.name)
    yank = marks.get(Version.parse(manifest.version))
    rows = {
        "specialist": manifest.id,
        **({"YANKED": f"{yank.reason} ({yank.time or 'nobody knows when'})"} if yank else {}),
        "title": manifest.title,
        "kind": f"{manifest.kind}, {len(manifest.labels)} labels, language {manifest.language}",
        "labels": ", ".join(manifest.labels),
        "unsure": _promise(manifest),
        "licence": manifest.licence,
        "created": manifest.created,
        **({"WARNING": "published although its gate failed; read the card"} if manifest.forced else {}),
        **{f"from {key}": value for key, value in manifest.lineage.items()},
        "weights": ", ".join(
            f"{name}{' (default)' if path == manifest.default_weights else ''}"
            for name, path in WEIGHTS.items()
            if path in manifest.files
        ),
        "files": f"{len(manifest.files)} verified, {size / 1e6:.1f} MB",
        "folder": str(folder),
    }
    for key, value in rows.items():
        print(f"{key:14} {value}")
    return 0


def _promise(manifest: Manifest) -> str:
    if not manifest.doubt.promises:
        return "never: no threshold could be shown, so nothing is promised of its answers"
    promised = f"; of the others at most {100 * manifest.risk:g} % are wrong" if manifest.risk else ""
    common = "always" if manifest.threshold is None else f"below {manifest.threshold:.3f}"
    own = ", ".join(f"{label} below {edge:.3f}" for label, edge in sorted(manifest.thresholds.items()))
    return f"{own + ', others ' if own else ''}{common}{promised}"


def _pull(options: argparse.Namespace) -> int:
    folder, _ = inspect(options.name, hub=options.hub)
    print(folder)
    return 0


def _pack(options: argparse.Namespace) -> int:
    print(pack(options.name, hub=options.hub, out=options.out))
    return 0


def _verify(options: argparse.Namespace) -> int:
    folder, manifest = inspect(options.name, hub=options.hub, signed_by=options.signed_by)
    size = sum(entry.bytes for entry in manifest.files.values())
    print(f"{manifest.id}: {len(manifest.files)} files, {size / 1e6:.1f} MB, all as published ({folder})")
    if keys := signing.asked_for(options.signed_by):
        print(f"signed by {signing.check(folder, keys)}")
    return 0


def _sign(options: argparse.Namespace) -> int:
    if options.new_key:
        print(signing.new_key(options.new_key))
        return 0
    if not (options.folder and options.key):
        raise BadInput("Signing takes a folder and a key.", fix="zoo sign FOLDER --key KEY; or first --new-key KEY.")
    print(signing.sign(options.folder, options.key))
    return 0


def _engine(options: argparse.Namespace) -> int:
    where: dict[str, Any] = {"base": options.base, "hub": options.hub, "host": options.host, "port": options.port}
    print(f"vllm serve --config {engine_file.write(options.names, options.out, **where)}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    with AuditLog(options.audit, keep_text=options.audit_texts) if options.audit else nullcontext() as log:
        return _ask(options, log)


def _ask(options: argparse.Namespace, log: AuditLog | None) -> int:
    where = {"hub": options.hub, "weights": options.weights, "threads": options.threads, "engine": options.engine}
    specialist = load(options.name, **where)
    how = {"scores": options.scores} if isinstance(specialist, Classifier) else {}
    asked: Predictor = specialist
    if options.fallback:
        open_one = partial(load, hub=options.hub, threads=options.threads)
        behind = fallback.told(options.fallback, options)
        fallback.require({"": behind}, [specialist.name])
        asked = behind.behind(specialist, open_one)
    if log:
        asked = audited(asked, log)
    promised = specialist.manifest.doubt.promises
    code = 0
    for number, text in enumerate(told(_texts(options), shown=options.progress), 1):
        try:
            if isinstance(text, BadInput):
                raise text
            answer = asked.predict(text, **how)
        except BadInput as error:
            # One bad line of many must not cost the others their answers, nor shift them.
            print(f"zoo: text {number}: {error.what}", file=sys.stderr)
            code = 1
            known = {"text": _clean(text)} if isinstance(text, str) else {}
            print(json.dumps({**known, "error": error.what}) if options.jsonl else "", flush=True)
            continue
        named = {}
        if isinstance(answer, Recorded):
            named, answer = {"id": answer.id}, answer.answer
        if options.jsonl:
            print(json.dumps({**named, **as_json(text, answer)}, ensure_ascii=False), flush=True)
        else:
            print(*named.values(), as_line(text, answer, promised=promised), sep="\t", flush=True)
    return code


def _texts(options: argparse.Namespace) -> Iterable[Text]:
    if options.file and options.text:
        raise BadInput("Texts come from a file or from the command line, not from both.", fix="Leave out one.")
    if options.file:
        return read(options.file, options.column)
    return options.text or lines(sys.stdin)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"zoo: warning: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zoo", description="Small domain specialists: find one, ask it.")
    parser.add_argument("--version", action="version", version=f"zoo {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--hub", help="a folder, hf:<namespace>, https://host/<namespace>, installed:; default: ZOO_HUB"
    )
    one = argparse.ArgumentParser(add_help=False, parents=[shared])
    one.add_argument("name", metavar="NAME", help="finance/sentiment, finance/sentiment@1.2.0, or a folder (./...)")

    def command(name: str, run: object, about: str, parent: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, parents=[parent])
        made.set_defaults(run=run)
        return made

    command("list", _list, "List the specialists of a hub, and their versions.", shared)
    show = command("show", _show, "Say what a specialist is.", one)
    show.add_argument("--json", action="store_true", help="print the manifest")
    command("pull", _pull, "Fetch a specialist, verify it, and print its folder.", one)
    packed = command("pack", _pack, "Make a wheel that carries a specialist, for pip in closed networks.", one)
    packed.add_argument("--out", default=".", metavar="FOLDER", help="where to write it (default: here)")
    verified = command("verify", _verify, "Compare every file with the manifest's sha256.", one)
    verified.add_argument(
        "--signed-by", action="append", metavar="KEY", help="refuse what this public key did not sign"
    )
    nothing = argparse.ArgumentParser(add_help=False)
    signed = command("sign", _sign, "Sign a specialist's folder, or make keys to do so.", nothing)
    signed.add_argument("folder", nargs="?", metavar="FOLDER", help="of one version")
    signed.add_argument("--key", metavar="KEY", help="the file of a private key")
    signed.add_argument("--new-key", metavar="KEY", help="make a private key, and KEY.pub beside it")
    predict = command("predict", _predict, "Ask about texts, or the lines of standard input.", one)
    predict.add_argument("text", nargs="*", metavar="TEXT", help="none: one text a line from standard input")
    about = "a .txt, .csv, .jsonl or .parquet file; answers come in its order, one a row"
    predict.add_argument("--in", dest="file", metavar="FILE", help=about)
    predict.add_argument("--column", default="text", metavar="NAME", help="of FILE, the one with texts (default text)")
    about = "tell how far it is on standard error (default: on a terminal)"
    predict.add_argument("--progress", action=argparse.BooleanOptionalAction, help=about)
    predict.add_argument("--jsonl", action="store_true", help="one JSON object a line instead of columns")
    predict.add_argument("--scores", action="store_true", help="every label's probability, of classifiers")
    about = "an endpoint (http.../v1) or specialist to ask where unsure"
    fallback.add(predict, metavar="URL", help=about)
    predict.add_argument("--weights", choices=sorted(WEIGHTS), help="default: the publisher's choice")
    predict.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    about = f"a vLLM (http.../v1) that runs the models of specialists that write; its key is in {KEY}"
    predict.add_argument("--engine", metavar="URL", help=about)
    predict.add_argument("--audit", metavar="LOG", help="record every decision in this log; its id stands first")
    predict.add_argument("--audit-texts", action="store_true", help="with --audit: keep the texts, too")
    engine = command("engine", _engine, "Write what vLLM is started with to run models that write.", shared)
    engine.add_argument("names", nargs="+", metavar="NAME", help="specialists that write")
    engine.add_argument(
        "--base", default="", metavar="MODEL", help="what they were trained from: a folder, or its name"
    )
    engine.add_argument("--out", default="engine.yaml", metavar="FILE", help="default engine.yaml")
    engine.add_argument("--host", default="127.0.0.1", help="where vLLM listens (default 127.0.0.1)")
    engine.add_argument("--port", type=int, default=8000, help="default 8000")
    bench = command("bench", benching.run, "Measure what an answer costs on this machine.", one)
    benching.add(bench)
    auditing.add(commands)
    serving.add(commands, shared)
    return parser


if __name__ == "__main__":
    sys.exit(main())
