"""The Hugging Face Hub, or any server that speaks its protocol, through huggingface_hub.

`finance/sentiment` is the repository `<namespace>/finance-sentiment`, as the zoo reads it; its versions are the tags
`v1.0.0`, and `yanked-v1.0.0` marks one that was taken back. A dataset version is a tag of the dataset repository of the
same name. A tag is made last, on a commit whose files the server lists with the right hashes: a publish that dies
before leaves nothing that anyone is given.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.dataset.version import DatasetVersion, open_version
from factory.errors import HubError
from factory.files import file_sha256
from factory.publish.package import CHANGELOG, PAPERS, content
from factory.publish.sound import not_there, said, sound_dataset, sound_papers, sound_specialist
from zoo.hub import cache_root
from zoo.manifest import FILE, Manifest
from zoo.names import Version
from zoo.remote_hub import RemoteHub as Reader
from zoo.yanked import FILE as YANKED
from zoo.yanked import TAG as YANKED_TAG
from zoo.yanked import Yank, tagged

if TYPE_CHECKING:
    from huggingface_hub import HfApi


class RemoteHub:
    """Specialists and datasets below one namespace of a server.

    New repositories are private where the server knows the difference: making one public is a person's decision.

    Args:
        address: `hf:<namespace>` or `http(s)://host/<namespace>`.
        token: allowed to write there; empty: for `hf:` the one huggingface_hub finds by itself.

    Raises:
        HubError: an address without a namespace.
    """

    def __init__(self, address: str, token: str = "") -> None:
        self.address, self._token = address, token
        with said():
            self._reader = Reader(address, cache_root())

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first."""
        tags = self._tags(name, "model")
        return sorted(Version.parse(tag[1:]) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag))

    def manifest(self, name: str, version: Version) -> Manifest:
        """The manifest of a published version."""
        with self._explained(), tempfile.TemporaryDirectory() as folder:
            self._api().hf_hub_download(self._repo(name), FILE, revision=f"v{version}", local_dir=folder)
            return Manifest.read(Path(folder))

    def yanked(self, name: str) -> dict[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why."""
        marked = [version for tag in self._tags(name, "model") if (version := tagged(tag))]
        with self._explained(), tempfile.TemporaryDirectory() as folder:
            found = {}
            for version in sorted(marked):
                at = Path(folder) / str(version)
                self._api().hf_hub_download(self._repo(name), YANKED, revision=f"{YANKED_TAG}{version}", local_dir=at)
                found[version] = Yank.read(at / YANKED)
            return found

    def yank(self, name: str, version: Version, reason: str) -> None:
        """Commit the mark to `main`, and tag that commit; the next version that is published takes the file off again.

        The tag is made last: a yank that dies before has not happened. A tag that is there can't be moved, only taken
        away and made anew: a version yanked again is given out in between. HubError says so where it stays like that.
        """
        if version not in (there := self.versions(name)):
            raise not_there(name, version, there, self.address)
        mark = Yank(reason, datetime.now(UTC).isoformat(timespec="seconds"))
        with self._explained():
            commit = self._api().upload_file(
                path_or_fileobj=mark.text().encode(),
                path_in_repo=YANKED,
                repo_id=self._repo(name),
                commit_message=f"{name} {version} yanked",
            )
        lifted = self.unyank(name, version)
        try:
            with self._explained():
                self._api().create_tag(self._repo(name), tag=f"{YANKED_TAG}{version}", revision=commit.oid)
        except HubError as error:
            if not lifted:
                raise
            raise HubError(
                f"{name}@{version} is NOT yanked now: its mark could not be renewed. {error.what}",
                where=self.address,
                fix="Run the same command again at once.",
            ) from error

    def unyank(self, name: str, version: Version) -> bool:
        """Take the tag away; False where there is none."""
        tag = f"{YANKED_TAG}{version}"
        if tag not in self._tags(name, "model"):
            return False
        with self._explained():
            self._api().delete_tag(self._repo(name), tag=tag)
        return True

    def papers(self, name: str, version: Version, into: Path) -> Path:
        """Download them."""
        with self._explained():
            self._api().snapshot_download(
                self._repo(name), revision=f"v{version}", local_dir=into, allow_patterns=[FILE, *PAPERS, CHANGELOG]
            )
            sound_papers(into)
        return into

    def publish(self, folder: Path) -> str:
        """Upload a packaged specialist, see that it arrived, and tag it."""
        manifest = sound_specialist(folder)
        version = Version.parse(manifest.version)
        if version in self.versions(manifest.name):
            if content(self.manifest(manifest.name, version)) != content(manifest):
                raise HubError(
                    f"{manifest.id} is in the hub already, with other content; a version never changes.",
                    where=self.address,
                    fix="Publish under the next version.",
                )
            return self._url(manifest.name, "model", f"v{version}")
        return self._publish(folder, manifest.name, "model", f"v{version}")

    def dataset_versions(self, name: str) -> list[str]:
        """The dataset versions of a specialist."""
        return self._tags(name, "dataset")

    def dataset(self, name: str, version: str, into: Path) -> DatasetVersion:
        """Download a published dataset version."""
        with self._explained():
            self._api().snapshot_download(self._repo(name), repo_type="dataset", revision=version, local_dir=into)
            return open_version(into)

    def publish_dataset(self, folder: Path) -> str:
        """Upload a dataset version, see that it arrived, and tag it."""
        dataset = sound_dataset(folder)
        if dataset.version in self.dataset_versions(dataset.name):
            return self._url(dataset.name, "dataset", dataset.version)
        return self._publish(folder, dataset.name, "dataset", dataset.version)

    def _publish(self, folder: Path, name: str, kind: str, tag: str) -> str:
        repo = self._repo(name)
        with self._explained():
            api = self._api()
            api.create_repo(repo, repo_type=kind, private=True, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repo, repo_type=kind, folder_path=folder, delete_patterns="*", commit_message=f"{name} {tag}"
            )
            arrived = {
                entry.path: entry
                for entry in api.list_repo_tree(repo, repo_type=kind, revision=commit.oid, recursive=True)
                if hasattr(entry, "blob_id")
            }
            _compare(folder, arrived, where=f"{self.address} {repo}")
            api.create_tag(repo, repo_type=kind, tag=tag, revision=commit.oid)
        return self._url(name, kind, tag)

    def _tags(self, name: str, kind: str) -> list[str]:
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._explained():
            try:
                refs = self._api().list_repo_refs(self._repo(name), repo_type=kind)
            except RepositoryNotFoundError:
                return []
        return [tag.name for tag in refs.tags]

    def _repo(self, name: str) -> str:
        with said():
            return self._reader.repo_id(name)

    def _url(self, name: str, kind: str, tag: str) -> str:
        endpoint = self._reader.endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        prefix = "datasets/" if kind == "dataset" else ""
        return f"{endpoint.rstrip('/')}/{prefix}{self._repo(name)}/tree/{tag}"

    def _api(self) -> HfApi:
        from huggingface_hub import HfApi, constants

        # Set here and not in the environment, which huggingface_hub reads once, when anybody first imports it.
        constants.HF_HUB_DISABLE_TELEMETRY = True  # else it asks huggingface.co, whatever the endpoint
        constants.HF_HUB_DISABLE_XET = True  # Xet needs servers of its own; every Hub still speaks plain LFS
        anonymous = False if self._reader.endpoint else None  # never send a Hugging Face token to another server
        return HfApi(endpoint=self._reader.endpoint, token=self._token or anonymous, library_name="specialist-factory")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What the network and the server may raise, as a HubError."""
        # HTTPError is the HTTP library's own base class: httpx's or httpx2's, as the version of huggingface_hub has it.
        from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

        try:
            with said():
                yield
        except HfHubHTTPError as error:
            status = error.response.status_code
            refused = status in (401, 403)
            raise HubError(
                f"The hub refused ({status}): {_first_line(error.server_message or str(error))}",
                where=self.address,
                fix=f"Set HF_TOKEN to a token that may write to {self._reader.namespace}."
                if refused
                else "Nothing was published; see what the hub says, and run the same command again.",
            ) from error
        except HubError:
            raise
        except (OSError, HTTPError, ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
            # The last four: an answer huggingface_hub can't read, a web page or JSON of another shape.
            cause = error.__cause__ or error
            raise HubError(
                f"The hub can't be reached or understood: {_first_line(str(cause)) or type(cause).__name__}",
                where=self.address,
                fix="Check FACTORY_HUB and the network, and run the same command again; nothing was published.",
            ) from error


def _compare(folder: Path, arrived: Mapping[str, Any], *, where: str) -> None:
    """See that the server holds the folder's files and no others, by the hashes it lists; raises HubError."""
    ours = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    wrong = sorted(name for name, path in ours.items() if name not in arrived or not _same(path, arrived[name]))
    wrong += sorted(set(arrived) - set(ours) - {".gitattributes"})  # Hugging Face makes that one
    if wrong:
        raise HubError(
            f"What arrived is not what was sent: {', '.join(wrong[:3])}.",
            where=where,
            fix="Nothing was tagged, so nobody is given it; run the same command again.",
        )


def _same(path: Path, entry: Any) -> bool:
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == file_sha256(path))
    data = path.read_bytes()
    # git's name for a file's content (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)
    return bool(entry.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest())


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
