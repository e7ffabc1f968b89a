"""What the hub server keeps: the hub's folder, seen as repositories with commits and tags.

Tags are the versions of the folder hub, which are there whole or not at all. Between an upload and its tag the files
are a draft, which only its commit id (and `main`) leads to:

    <root>/.drafts/objects/<sha256>                    uploaded large files, shared by all uploads; swept after a day
    <root>/.drafts/<models|datasets>/<repo>/<commit>/  files of a commit without a tag
    <root>/.drafts/<models|datasets>/<repo>/HEAD       the commit `main` stands for

Making a tag publishes the draft through the folder hub, which verifies it: this hub takes nothing but sound
specialists and dataset versions. A commit's id is the sha1 of what its files hold, so draft and version share it.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from factory.errors import HubError
from factory.files import file_sha256, read_json, write_text
from factory.publish.folder_hub import DATASETS, FolderHub
from factory.services.hub.commit import Commit, is_hex, link, read_commit, single
from zoo.manifest import FILE
from zoo.names import NAME
from zoo.yanked import FILE as YANKED
from zoo.yanked import TAG as YANKED_TAG
from zoo.yanked import Yank, tagged

Kind = Literal["models", "datasets"]
HEAD = "HEAD"
_KEPT = 24 * 3600
"""Seconds a draft nobody tagged is kept."""


class Missing(Exception):  # noqa: N818  (an answer of the protocol, not an error of ours)
    """What was asked for is not there; `code` is the Hub protocol's X-Error-Code."""

    def __init__(self, code: Literal["RepoNotFound", "RevisionNotFound", "EntryNotFound"]) -> None:
        self.code = code
        super().__init__(code)


class Store:
    """Repositories over a folder hub. Reading needs no lock; writing takes one.

    Args:
        root: the folder hub's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.hub = root, FolderHub(root)
        self._drafts = root / ".drafts"
        self._lock = threading.Lock()

    def repositories(self, kind: Kind) -> list[str]:
        """The repositories that hold a version, sorted."""
        shelf = self.root if kind == "models" else self.root / DATASETS
        names = (f"{path.parent.name}/{path.name}" for path in shelf.glob("*/*") if path.is_dir())
        return sorted(
            name.replace("/", "-", 1) for name in names if NAME.fullmatch(name) and self._versions(kind, name)
        )

    def create(self, kind: Kind, repo: str) -> bool:
        """Make an empty repository; False where it is there already. Raises HubError for a name no specialist has."""
        name = _name(repo)
        if not NAME.fullmatch(name):
            raise HubError(
                f"{repo!r} is not <vertical>-<task>.", fix="Name it as finance-sentiment for finance/sentiment."
            )
        with self._lock:
            try:
                self._state(kind, repo)
            except Missing:
                self._keep_draft(kind, repo, self.scratch())
                return True
            return False

    def tags(self, kind: Kind, repo: str) -> dict[str, str]:
        """Tag to commit id; raises Missing."""
        versions, _ = self._state(kind, repo)
        made = {tag: read_commit(folder).id for tag, folder in versions.items()}
        return made | {tag: single(mark, YANKED).id for tag, mark in self._marks(kind, repo).items()}

    def commit(self, kind: Kind, repo: str, revision: str = "main") -> Commit:
        """The commit a tag, a commit id or `main` stands for; raises Missing.

        `main` is the newest draft, and the newest version once the draft was tagged.
        """
        versions, head = self._state(kind, repo)
        if revision == "main":
            return read_commit(self._draft(kind, repo, head) if head else [*versions.values()][-1])
        if revision in versions:
            return read_commit(versions[revision])
        if revision in (marks := self._marks(kind, repo)):
            return single(marks[revision], YANKED)
        if is_hex(revision, 40):
            if (draft := self._draft(kind, repo, revision)).is_dir():
                return read_commit(draft)
            for folder in versions.values():
                if (found := read_commit(folder)).id == revision:
                    return found
            for mark in self._marks(kind, repo).values():
                if (found := single(mark, YANKED)).id == revision:
                    return found
        raise Missing("RevisionNotFound")

    def has_object(self, sha256: str, size: int) -> bool:
        """Whether a large file was uploaded already."""
        path = self._object(sha256)
        return path.is_file() and path.stat().st_size == size

    def add_object(self, sha256: str, part: Path) -> None:
        """Take an uploaded large file; raises HubError where it is not what it is said to be."""
        if (found := file_sha256(part)) != sha256:
            raise HubError(f"The upload has sha256 {found}, not {sha256}.", fix="Send it again.")
        self._object(sha256).parent.mkdir(parents=True, exist_ok=True)
        part.replace(self._object(sha256))

    def scratch(self) -> Path:
        """A new folder on the hub's disk, for an upload on its way."""
        self._drafts.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".in-", dir=self._drafts))

    def write(self, kind: Kind, repo: str, operations: Iterable[Mapping[str, Any]]) -> str:
        """Apply the operations of a commit to `main`; returns the new commit's id.

        Args:
            operations: lines of the Hub's commit payload: `key` (file, lfsFile, deletedFile, deletedFolder), `value`.

        Raises:
            Missing: no such repository.
            HubError: a path that leads outside, a large file that was never uploaded, an unknown operation.
        """
        with self._lock:
            folder = self.scratch()
            try:
                for path, entry in self.commit(kind, repo).files.items():
                    link(entry.path, folder / path)
                for operation in operations:
                    self._apply(folder, operation["key"], operation["value"])
                return self._keep_draft(kind, repo, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def tag(self, kind: Kind, repo: str, tag: str, revision: str) -> bool:
        """Publish a commit as the version its manifest and the tag name; False where the tag is there already.

        A tag `yanked-v1.0.0` takes that version back, for the reason that the commit's yanked.json has.

        Raises:
            Missing: no such repository or revision.
            HubError: not a sound specialist or dataset version, or one of another name or version.
        """
        with self._lock:
            commit = self.commit(kind, repo, revision)
            versions, head = self._state(kind, repo)
            if tag in versions or tag in self._marks(kind, repo):
                return False
            if kind == "models" and (version := tagged(tag)):
                if YANKED not in commit.files:
                    raise HubError(f"This tag takes a version back, and its commit has no {YANKED}.", where=repo)
                self.hub.yank(_name(repo), version, Yank.read(commit.files[YANKED].path).reason)
                self._forget(commit.id, commit.files[YANKED].path.parent, head)
                return True
            if FILE not in commit.files:
                raise HubError(
                    f"A tag stands for a version, and this commit has no {FILE}.", where=f"{repo} {revision}"
                )
            folder = commit.files[FILE].path.parent
            manifest = read_json(folder / FILE)
            named = f"v{manifest.get('version')}" if kind == "models" else manifest.get("version")
            if (manifest.get("name"), named) != (_name(repo), tag):
                raise HubError(
                    f"The manifest says {manifest.get('name')} {manifest.get('version')}.",
                    where=f"{repo} {tag}",
                    fix="Tag a model v<version> and a dataset <version>, in the repository of its name.",
                )
            (self.hub.publish if kind == "models" else self.hub.publish_dataset)(folder)
            self._forget(commit.id, folder, head)
            return True

    def untag(self, kind: Kind, repo: str, tag: str) -> None:
        """Take the mark of a yanked version away; raises Missing, and HubError for the tag of a version."""
        with self._lock:
            versions, _ = self._state(kind, repo)
            if tag in versions:
                raise HubError("A version that was published stays.", where=f"{repo} {tag}", fix="Yank it.")
            version = tagged(tag)
            if kind != "models" or version is None or not self.hub.unyank(_name(repo), version):
                raise Missing("RevisionNotFound")

    def _forget(self, commit: str, folder: Path, head: str) -> None:
        """Remove a commit's draft once it is tagged.

        Large files stay as objects until they are swept: another upload may have been told that they are there. So they
        take their room twice for a day, and until somebody commits again.
        """
        if folder.is_relative_to(self._drafts):
            shutil.rmtree(folder.parent if head == commit else folder)  # what came before `main` is over too

    def _apply(self, folder: Path, key: str, value: Mapping[str, Any]) -> None:
        if key == "header":
            return
        target = folder / value["path"]
        if not target.resolve().is_relative_to(folder.resolve()) or target == folder:
            raise HubError("This path leads out of the repository.", where=value["path"])
        if key == "deletedFolder":
            shutil.rmtree(target, ignore_errors=True)
            return
        target.unlink(missing_ok=True)  # never write through a link to another commit's file
        if key == "file":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if not is_hex(value["oid"], 64) or not self._object(value["oid"]).is_file():
                raise HubError(
                    "This large file was never uploaded.", where=value["path"], fix="Upload it, then commit."
                )
            link(self._object(value["oid"]), target)
        elif key != "deletedFile":
            raise HubError(f"This hub knows no operation {key!r}.", where=value["path"])

    def _keep_draft(self, kind: Kind, repo: str, folder: Path) -> str:
        """Give a folder its place as the draft `main` stands for; sweeps drafts that nobody tagged."""
        commit = read_commit(folder).id
        place = self._draft(kind, repo, commit)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.rmtree(folder)
        else:
            folder.replace(place)
        os.utime(place)
        write_text(place.parent / HEAD, commit)
        for old in [
            *self._drafts.glob(f"{kind}/{repo}/*"),
            *self._drafts.glob("objects/*"),
            *self._drafts.glob(".in-*"),
        ]:
            if old.name not in (HEAD, commit) and time.time() - old.stat().st_mtime > _KEPT:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        return commit

    def _state(self, kind: Kind, repo: str) -> tuple[dict[str, Path], str]:
        """Tag to folder, oldest first, and the draft `main` stands for, empty if none; raises Missing."""
        name = _name(repo)
        if not NAME.fullmatch(name):  # also what would lead out of the folder
            raise Missing("RepoNotFound")
        head = self._drafts / kind / repo / HEAD
        state = self._versions(kind, name), head.read_text() if head.is_file() else ""
        if not any(state):
            raise Missing("RepoNotFound")
        return state

    def _versions(self, kind: Kind, name: str) -> dict[str, Path]:
        """Tag to folder, oldest first."""
        if kind == "datasets":
            shelf = self.root / DATASETS / name
            return {
                tag: shelf / tag
                for tag in sorted(self.hub.dataset_versions(name), key=lambda tag: (shelf / tag).stat().st_mtime)
            }
        return {f"v{version}": self.root / name / str(version) for version in self.hub.versions(name)}

    def _marks(self, kind: Kind, repo: str) -> dict[str, Path]:
        """Tag to the file that marks a version as yanked."""
        if kind == "datasets":
            return {}
        name = _name(repo)
        places = {
            f"{YANKED_TAG}{version}": self.root / name / f"{version}.{YANKED}" for version in self.hub.yanked(name)
        }
        return {tag: path for tag, path in places.items() if path.is_file()}

    def _draft(self, kind: Kind, repo: str, commit: str) -> Path:
        return self._drafts / kind / repo / commit

    def _object(self, sha256: str) -> Path:
        return self._drafts / "objects" / sha256


def _name(repo: str) -> str:
    """The specialist a repository is for: no vertical has a hyphen."""
    return repo.replace("-", "/", 1)
