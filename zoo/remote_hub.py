"""The Hugging Face Hub, or any server that speaks its protocol, through huggingface_hub.

`finance/sentiment` is the repository `<namespace>/finance-sentiment`; its versions are the tags `v1.0.0`, and a tag
`yanked-v1.0.0` says that one was taken back (zoo.yanked). Pulled versions go to a FolderHub, so that a cached
specialist is a folder of plain files like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zoo.errors import (
    BadName,
    HubUnreachable,
    NoHub,
    UnknownSpecialist,
    UnknownVersion,
    VersionTaken,
    ZooError,
    unwritable,
)
from zoo.folder_hub import FolderHub
from zoo.manifest import verify
from zoo.names import NAME, Version, check_name
from zoo.yanked import FILE as YANKED
from zoo.yanked import TAG as TAG_YANKED
from zoo.yanked import Yank, tagged

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TAG = "specialist-zoo"  # cards carry it, so that a namespace may hold other models too
_PATIENCE = 10  # seconds
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class RemoteHub:
    """Specialists below one namespace of a server.

    Args:
        address: `hf:<namespace>` or `http(s)://host/<namespace>`. With `hf:` the user's own Hugging Face token is
                used; other servers are only ever sent ZOO_TOKEN.
        cache_root: below it, in a folder of this hub's own, pulled versions stay.

    Raises:
        NoHub: an address without a namespace.
    """

    def __init__(self, address: str, cache_root: Path) -> None:
        self.address = address
        self.endpoint: str | None = None
        if address.startswith("hf:"):
            self.namespace = address.removeprefix("hf:")
        else:
            url = urlsplit(address.rstrip("/"))
            path, _, self.namespace = url.path.rpartition("/")
            self.endpoint = f"{url.scheme}://{url.netloc}{path}"
        if not _NAMESPACE.fullmatch(self.namespace):
            raise NoHub(
                "This address of a hub names no namespace.",
                where=address,
                fix="Write hf:<namespace> or https://host/<namespace>, with the user or organisation that publishes.",
            )
        self.cache = FolderHub(cache_root / self._slug())

    def repo_id(self, name: str) -> str:
        """`<namespace>/<vertical>-<task>`; raises BadName."""
        return f"{self.namespace}/{check_name(name).replace('/', '-')}"

    def names(self) -> list[str]:
        """The names of the namespace's models that carry the tag `specialist-zoo`; raises HubUnreachable."""
        found = []
        with self._explained():
            # Listing retries for 20 seconds where nobody answers; asking once before shows that at once.
            self._get("models", author=self.namespace, limit=1)
            for model in self._api().list_models(author=self.namespace):
                owner, _, repo = model.id.partition("/")
                name = repo.replace("-", "/", 1)
                # Small servers tell no tags in a listing; there the shape of the name has to do.
                tagged = not model.tags or TAG in model.tags
                if owner == self.namespace and tagged and NAME.fullmatch(name):
                    found.append(name)
        return sorted(found)

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; raises UnknownSpecialist, HubUnreachable."""
        found = []
        for tag in self._tags(name):
            try:
                found.append(Version.parse(tag.removeprefix("v")))
            except BadName:
                continue  # a tag of another purpose
        return sorted(found)

    def yanked(self, name: str) -> dict[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why.

        Raises:
            UnknownSpecialist, HubUnreachable.
        """
        marked = [version for tag in self._tags(name) if (version := tagged(tag))]
        with TemporaryDirectory() as folder, self._explained():
            return {version: self._yank(name, version, Path(folder) / str(version)) for version in sorted(marked)}

    def _yank(self, name: str, version: Version, into: Path) -> Yank:
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            self._api().hf_hub_download(self.repo_id(name), YANKED, revision=f"{TAG_YANKED}{version}", local_dir=into)
        except LocalEntryNotFoundError:  # nobody answered: the mark may well say why
            raise
        except EntryNotFoundError:
            pass  # a tag that somebody made by hand: a mark without a reason
        return Yank.read(into / YANKED)

    def _tags(self, name: str) -> list[str]:
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._explained():
            try:
                refs = self._get(f"models/{self.repo_id(name)}/refs")
            except RepositoryNotFoundError as error:
                raise UnknownSpecialist(f"There is no specialist named {name!r}.", where=self.address) from error
            return [tag["name"] for tag in refs["tags"]]

    def pull(self, name: str, version: Version) -> Path:
        """Download a version, verify it, and keep it; returns its folder.

        Raises:
            UnknownVersion, HubUnreachable, CannotWrite, and what `zoo.manifest.verify` raises: a damaged download is
            not kept.
        """
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        try:
            with self.cache.incoming(name, version) as part:
                with self._explained():
                    try:
                        self._api().snapshot_download(
                            self.repo_id(name), revision=f"v{version}", local_dir=part, max_workers=4
                        )
                    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
                        raise UnknownVersion(f"{name} has no version {version}.", where=self.address) from error
                rmtree(part / ".cache", ignore_errors=True)  # huggingface_hub's notes about the download
                verify(part)
        except VersionTaken:
            pass  # another process pulled it meanwhile
        return self.cache.pull(name, version)

    def _get(self, path: str, **parameters: Any) -> Any:
        """What the server says at a path of its interface; huggingface_hub's own requests wait for ever."""
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

        api = self._api()
        headers = build_hf_headers(token=api.token, library_name="zoo")
        said = get_session().get(f"{api.endpoint}/api/{path}", params=parameters, headers=headers, timeout=_PATIENCE)
        hf_raise_for_status(said)
        return said.json()

    def _slug(self) -> str:
        """A folder name that no other hub has."""
        where = self.endpoint or os.environ.get("HF_ENDPOINT") or "hf"
        full = f"{where.rstrip('/')}/{self.namespace}"
        return f"{re.sub(r'[^A-Za-z0-9.]+', '-', full)}-{sha256(full.encode()).hexdigest()[:8]}"

    def _api(self) -> HfApi:
        # Read when huggingface_hub is imported, which is here unless the application did it before.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from huggingface_hub import HfApi

        token = None if self.endpoint is None else os.environ.get("ZOO_TOKEN") or False
        return HfApi(endpoint=self.endpoint, token=token, library_name="zoo")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the network and the server may raise into HubUnreachable; full disks stay full disks."""
        # The HTTP library's own base class: httpx's or httpx2's, as the version of huggingface_hub has it.
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

        try:
            yield
        except ZooError:
            raise
        except (OSError, HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, OSError) and (trouble := unwritable(error, str(self.cache.root))):
                raise trouble from error
            if isinstance(error, OSError | HTTPError):
                said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
                what = f"The hub could not be reached, or refused: {said}"
            else:  # an answer huggingface_hub can't read: a web page, JSON of another shape
                what = f"What answers here is not a hub ({type(error).__name__}: {error})."
            raise HubUnreachable(
                what,
                where=self.address,
                fix="Check the address, the network and the token; versions pulled before can be used without it.",
            ) from error
