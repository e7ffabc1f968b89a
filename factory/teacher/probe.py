"""Small questions to a server: does somebody listen, is it well, what does it serve?"""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPException
from typing import Any, Literal
from urllib.parse import urlsplit

from factory.errors import TeacherError
from factory.teacher.chat import Endpoint, printable

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy is no way to one's own machine
_FIX = "FACTORY_TEACHER_URL is the address of an OpenAI-compatible server up to /v1: http://host:port/v1."


def listens(port: int) -> bool:
    """Whether a loopback port accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2.0).close()
    except OSError:
        return False
    return True


def held(port: int) -> bool:
    """Whether somebody holds a loopback port; vLLM holds it for a while before it listens."""
    with closing(socket.socket()) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def health(root: str) -> Literal["well", "slow", "ill", "gone"]:
    """A local server's word about itself: `ill` if it answers anything but 200, `gone` if nobody listens."""
    try:
        with _DIRECT.open(f"{root}/health", timeout=5.0) as response:
            return "well" if response.status == 200 else "ill"
    except urllib.error.HTTPError:
        return "ill"
    except TimeoutError:
        return "slow"
    except urllib.error.URLError as error:
        return "slow" if isinstance(error.reason, TimeoutError) else "gone"
    except OSError:
        return "gone"


def models(url: str, key: str, timeout: float) -> list[str] | None:
    """Ids of the models a server lists under `{url}/models`; None where it gives no such list."""
    try:
        value = json.loads(_fetch(f"{url}/models", key, timeout))
        return [str(item["id"]) for item in value["data"]]
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return None


def external(model: str, url: str, key: str) -> Endpoint:
    """An endpoint somebody else runs, looked at before anything is asked.

    Its revision is unknown, so replies are kept under model and host; of several servers, the first one's host. A
    server that is down while another is not does no harm: it is asked once it is back.

    Args:
        model: the model as the servers call it.
        url: the address up to /v1, or several of them, separated by commas.
        key: bearer token, or empty.

    Raises:
        TeacherError: nobody answers, the key is refused, one isn't an OpenAI-compatible server or doesn't serve the
            model.
    """
    urls = Endpoint(url, model, "").urls
    hosts = [urlsplit(one).hostname if urlsplit(one).scheme in ("http", "https") else None for one in urls]
    if not all(hosts) or not hosts:
        raise TeacherError("This isn't an address.", where=url, fix=_FIX)
    unreached = []
    for one in urls:
        try:
            _look_at(model, one, key)
        except _UnreachedError as error:
            unreached.append(error)
    if len(unreached) == len(urls):
        raise unreached[0]
    return Endpoint(",".join(urls), model, f"{model}@{hosts[0]}", key)


class _UnreachedError(TeacherError):
    """Nobody answers at an address."""


def _look_at(model: str, url: str, key: str) -> None:
    try:
        text = _fetch(f"{url}/models", key, timeout=20.0)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            fix = "Set FACTORY_TEACHER_KEY to a key this server accepts."
            raise TeacherError(f"The teacher refused the key ({error.code}).", where=url, fix=fix) from error
        if error.code == 404:
            return  # some servers list nothing; a wrong address shows with the first question
        raise TeacherError(f"The teacher answered {error.code}.", where=url, fix=_FIX) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a port that is no number
        reason = printable(str(getattr(error, "reason", error)))
        raise _UnreachedError(f"The teacher can't be reached: {reason}", where=url, fix=_FIX) from error
    try:
        served: Any = [str(item["id"]) for item in json.loads(text)["data"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TeacherError(
            f"This is no OpenAI-compatible server; it says: {printable(text, 80)}", where=url, fix=_FIX
        ) from error
    if model not in served:
        known = printable(", ".join(served)) or "(it serves nothing)"
        raise TeacherError(
            f"The teacher doesn't serve {model!r}.",
            where=url,
            fix=f"It serves: {known}. Set `teacher.model` in the spec, or the name under `judges`, to one of these.",
        )


def _fetch(url: str, key: str, timeout: float) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})  # noqa: S310
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    opened = _DIRECT.open(request, timeout=timeout) if local else urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
    with opened as response:
        text: str = response.read(1 << 20).decode("utf-8", "replace")
    return text
