"""`python -m factory dossier`: the papers of a published specialist are made, or a folder of them is verified."""

from __future__ import annotations

import argparse
from pathlib import Path

from factory.errors import FactoryError
from factory.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "asked", metavar="SPEC@VERSION | verify FOLDER", nargs="+", help="make a specialist's papers, or check them"
    )
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="default: dossiers/<spec>/<version> in FACTORY_HOME")
    parser.add_argument("--key", metavar="KEY", type=Path, help="sign with this private key (`zoo sign --new-key KEY`)")
    parser.add_argument(
        "--signed-by", metavar="KEY.pub", type=Path, action="append", default=[], help="verify: who has to have signed"
    )


def run(asked: argparse.Namespace, where: Settings) -> None:
    """Make papers, or verify them. Raises FactoryError."""
    from factory.dossier.make import make
    from factory.dossier.verify import require, verify

    what, *more = asked.asked
    checks, making = what == "verify", [f"--{name}" for name in ("out", "key") if getattr(asked, name)]
    if len(more) != checks:
        raise FactoryError(
            "`dossier verify` takes one folder." if checks else "`dossier` takes one specialist.",
            fix="Write `dossier SPEC@VERSION`, or `dossier verify FOLDER`.",
        )
    if checks and making:
        raise FactoryError(f"`dossier verify` makes nothing, and has no {making[0]}.", fix="Leave it out.")
    if not checks and asked.signed_by:
        raise FactoryError(
            "Who has to have signed is asked of a dossier that is there.",
            where="--signed-by",
            fix="Sign this one with --key KEY, then `dossier verify FOLDER --signed-by KEY.pub`.",
        )
    if checks:
        folder = Path(more[0])
        found = verify(folder, where, asked.signed_by)
        require(found, folder)
        print(f"{found.files} files as sealed; {found.figures} figures and statements as the records say.")
        print("\n".join(f"  {note}" for note in found.notes))
    else:
        print(f"{make(what, where, asked.out, asked.key) / 'index.html'}")
