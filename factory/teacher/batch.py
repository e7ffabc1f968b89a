"""A teacher who answers by file, where the machine with the GPU can't be reached from here, or is rented by the hour.

Questions are written as an OpenAI batch file; whoever has the model answers it, `vllm run-batch` for one; a file of
replies put beside it is read the next time the same command runs. A reply is kept under its question's key, as if it
had come by HTTP, so it makes no difference to anything that follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import TeacherError
from factory.files import canonical, digest, explained, write_jsonl
from factory.teacher.cache import Entry, ReplyCache
from factory.teacher.chat import Endpoint, Reply, Request, printable

QUESTIONS, REPLIES = "questions-", "replies-"
"""What the names of files in the folder begin with; both end in `.jsonl`."""


@dataclass(frozen=True)
class BatchTeacher:
    """A model somewhere, behind a folder of files; see factory.teacher.chat.Teacher.

    Attributes:
        model: the model, as whoever answers calls it.
        folder: where questions and replies are put.
    """

    model: str
    folder: Path

    @property
    def identity(self) -> str:
        """Teacher and revision. Which revision answers is not known here."""
        return f"{self.model}@batch"

    def reach(self) -> Endpoint:
        """Raises TeacherError: it answers nothing while somebody waits."""
        raise TeacherError(
            "A teacher who answers by file can't be waited for, so `max_time` can't be kept.",
            where=f"FACTORY_TEACHER_BATCH={self.folder}",
            fix="Leave `max_time` out of the budget, or name an endpoint (FACTORY_TEACHER_URL) in place of the folder.",
        )

    def exchange(self, missing: Mapping[str, Request], store: ReplyCache) -> dict[str, str]:
        """Take the replies that have come into the cache, and write down what has none yet.

        Args:
            missing: what the cache has no reply to, by key.
            store: the cache.

        Returns:
            What was answered by an error in place of a reply: key to error.

        Raises:
            TeacherError: questions wait for replies, in the file it names; or a file in the folder can't be read.
        """
        entries, errors = [], {}
        for key, line in self._replies():
            if key in missing:
                try:
                    reply = Reply.from_openai(_body(line), key)
                except ValueError as error:
                    errors[key] = f"The teacher's batch holds no reply to it: {error}"
                else:
                    entries.append(reply.entry(canonical(missing[key].canonical(self.identity))))
        store.put_all(_first(entries))
        held = store.held(missing)
        errors = {key: error for key, error in errors.items() if key not in held}
        waiting = {key: request for key, request in missing.items() if key not in errors and key not in held}
        if waiting:
            raise self._told(waiting)
        return errors

    def _told(self, waiting: Mapping[str, Request]) -> TeacherError:
        """Write questions down; the error that says so."""
        name = f"{self.model.replace('/', '--')}-{digest(sorted(waiting))[:12]}.jsonl"
        questions, replies = self.folder / f"{QUESTIONS}{name}", self.folder / f"{REPLIES}{name}"
        with explained(questions):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_jsonl(questions, (self._line(key, request) for key, request in waiting.items()))
        return TeacherError(
            f"{len(waiting)} questions to {self.model} wait for replies.",
            where=str(questions),
            fix=f"Where the model is, run `vllm run-batch -i {questions.name} -o {replies.name} --model {self.model}`, "
            f"put {replies.name} beside the questions, and run the same command again.",
        )

    def _line(self, key: str, request: Request) -> dict[str, Any]:
        """A question in OpenAI's batch format."""
        return {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": request.body(self.model)}

    def _replies(self) -> Iterator[tuple[str, Any]]:
        """Every line of every file of replies, with the key of its question."""
        for path in sorted(self.folder.glob(f"{REPLIES}*.jsonl")):
            with explained(path), path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    try:
                        value = json.loads(line)
                        yield str(value["custom_id"]), value
                    except (ValueError, KeyError, TypeError, RecursionError) as error:
                        raise TeacherError(
                            f"Line {number} is no reply of a batch: {printable(line, 80)}",
                            where=str(path),
                            fix="Put a whole file there, as `vllm run-batch` writes it: a JSON object a line, with "
                            "custom_id and response.",
                        ) from error


def _body(line: Any) -> Any:
    """The chat completion in a line; raises ValueError where there is none."""
    response = line.get("response")
    if not isinstance(response, dict) or response.get("status_code", 200) != 200:
        raise ValueError(printable(json.dumps(line.get("error") or response), 160))
    return response.get("body")


def _first(entries: list[Entry]) -> list[Entry]:
    """Each question's first reply."""
    return list({entry.key: entry for entry in reversed(entries)}.values())
