"""Where things are and how to reach them: the environment's part, never the spec's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from factory.errors import FactoryError

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Read once from FACTORY_* environment variables.

    Attributes:
        home: everything the factory writes: builds, reply cache, weights, hub, servers' data (FACTORY_HOME).
        prompts: the folder of specialists (FACTORY_PROMPTS).
        environments: the locked virtual environments (FACTORY_ENVIRONMENTS).
        gold: human-labelled rows, one folder a specialist (FACTORY_GOLD).
        seed: real text to ground a teacher (FACTORY_SEED).
        hub: a folder, or the address of a server that speaks the Hugging Face Hub's protocol (FACTORY_HUB).
        hub_token: for such a server (HF_TOKEN).
        teacher_url: an OpenAI-compatible endpoint, `http://host:port/v1`, or several that serve the same model,
            separated by commas; empty: start vLLM here (FACTORY_TEACHER_URL).
        teacher_key: its key (FACTORY_TEACHER_KEY).
        teacher_batch: a folder through which a teacher elsewhere is asked by files, in place of an endpoint; None: it
            is asked directly (FACTORY_TEACHER_BATCH).
        argilla_url: an external Argilla; empty: start the embedded one (FACTORY_ARGILLA_URL).
        argilla_key: its API key (FACTORY_ARGILLA_KEY).
        argilla_listen: `host:port` at which the embedded one can be reached from other machines, over TLS; empty:
            nowhere (FACTORY_ARGILLA_LISTEN).
        argilla_certificate, argilla_certificate_key: PEM files for that (FACTORY_ARGILLA_CERTIFICATE,
            FACTORY_ARGILLA_CERTIFICATE_KEY).
        review: where people answer: `argilla`, or `jsonl` for files under home/review (FACTORY_REVIEW).
        simulate_review: let gold/<specialist>/reviewed.jsonl, where there is one, stand in for people who have
            answered already, up to the review budget (FACTORY_SIMULATE_REVIEW=0 turns it off).
        audit_texts: keep the texts in the audit log of the zoo's service, too (FACTORY_AUDIT_TEXTS=1).
        teacher_port, argilla_port, prefect_port, hub_port, watch_port, zoo_port, site_port, worker_port: loopback
            ports of the embedded servers (FACTORY_TEACHER_PORT, FACTORY_ARGILLA_PORT, FACTORY_PREFECT_PORT,
            FACTORY_HUB_PORT, FACTORY_WATCH_PORT, FACTORY_ZOO_PORT, FACTORY_SITE_PORT, FACTORY_WORKER_PORT).
        notify: where people are told what waits for them, as apprise writes addresses (FACTORY_NOTIFY).
        operator: who builds, a name or a pseudonym; written in the ledger (FACTORY_OPERATOR).
        trainers: how many processes train a student together, one a GPU (FACTORY_TRAINERS).
        keep_days: days after which refreshes remove what nobody needs (factory.retention), and Prefect what it knows of
            runs that have ended; 0: never (FACTORY_KEEP_DAYS).
    """

    home: Path
    prompts: Path
    environments: Path
    gold: Path
    seed: Path
    hub: str
    hub_token: str
    teacher_url: str
    teacher_key: str
    argilla_url: str
    argilla_key: str
    review: str
    simulate_review: bool
    teacher_port: int
    argilla_port: int
    prefect_port: int
    hub_port: int = 8720
    operator: str = ""
    teacher_batch: Path | None = None
    watch_port: int = 8730
    zoo_port: int = 8740
    site_port: int = 8750
    worker_port: int = 8760
    audit_texts: bool = False
    argilla_listen: str = ""
    argilla_certificate: Path | None = None
    argilla_certificate_key: Path | None = None
    notify: tuple[str, ...] = ()
    keep_days: int = 0
    trainers: int = 1

    @property
    def builds(self) -> Path:
        """Stage outputs, content-addressed."""
        return self.home / "builds"

    @property
    def replies(self) -> Path:
        """The cache of teacher replies (one SQLite file)."""
        return self.home / "replies.db"

    @property
    def site(self) -> Path:
        """The site over the family (`python -m factory site`)."""
        return self.home / "site"

    @property
    def audit(self) -> Path:
        """The audit log of the zoo's service; refreshes read it where they are told of no other."""
        return self.home / "audit"

    @property
    def weights(self) -> Path:
        """Converted packaged weights."""
        return self.home / "weights"

    @property
    def hub_models(self) -> Path:
        """Which commit each model of the Hugging Face Hub is used at (factory.teacher.hub_model)."""
        return self.home / "hub-models"


def load() -> Settings:
    """The settings of this process.

    Raises:
        FactoryError: a port or a number of days that is no number, or a teacher named twice.
    """
    env = os.environ

    def path(name: str, default: Path) -> Path:
        return Path(env[name]).expanduser().resolve() if env.get(name) else default

    def optional(name: str) -> Path | None:
        return path(name, CHECKOUT) if env.get(name) else None

    def number(name: str, default: int, what: str) -> int:
        said = env.get(name) or str(default)
        if not (said.isascii() and said.isdigit()):
            raise FactoryError(
                f"{said!r} is no {what}.", where=name, fix=f"Set it to a number such as {default}, or leave it out."
            )
        return int(said)

    def port(name: str, default: int) -> int:
        return number(name, default, "port")

    if env.get("FACTORY_TEACHER_URL") and env.get("FACTORY_TEACHER_BATCH"):
        raise FactoryError(
            "Two ways to ask the teacher are set.", where="FACTORY_TEACHER_URL, FACTORY_TEACHER_BATCH",
            fix="Leave one of them out: an endpoint answers at once, a folder by files.",
        )  # fmt: skip
    home = path("FACTORY_HOME", CHECKOUT / ".factory")
    shared = CHECKOUT.parent / "shared"
    return Settings(
        home=home,
        prompts=path("FACTORY_PROMPTS", CHECKOUT / "prompts"),
        environments=path("FACTORY_ENVIRONMENTS", CHECKOUT / ".envs"),
        gold=path("FACTORY_GOLD", shared / "gold"),
        seed=path("FACTORY_SEED", shared / "seed"),
        hub=env.get("FACTORY_HUB") or str(home / "hub"),
        hub_token=env.get("HF_TOKEN", ""),
        teacher_url=env.get("FACTORY_TEACHER_URL", ""),
        teacher_key=env.get("FACTORY_TEACHER_KEY", ""),
        argilla_url=env.get("FACTORY_ARGILLA_URL", ""),
        argilla_key=env.get("FACTORY_ARGILLA_KEY", ""),
        review=env.get("FACTORY_REVIEW", "argilla"),
        simulate_review=env.get("FACTORY_SIMULATE_REVIEW", "1") != "0",
        teacher_port=port("FACTORY_TEACHER_PORT", 8710),
        argilla_port=port("FACTORY_ARGILLA_PORT", 6900),
        prefect_port=port("FACTORY_PREFECT_PORT", 4200),
        hub_port=port("FACTORY_HUB_PORT", 8720),
        watch_port=port("FACTORY_WATCH_PORT", 8730),
        zoo_port=port("FACTORY_ZOO_PORT", 8740),
        site_port=port("FACTORY_SITE_PORT", 8750),
        worker_port=port("FACTORY_WORKER_PORT", 8760),
        audit_texts=env.get("FACTORY_AUDIT_TEXTS", "0") == "1",
        notify=tuple(env.get("FACTORY_NOTIFY", "").split()),
        operator=env.get("FACTORY_OPERATOR", ""),
        keep_days=number("FACTORY_KEEP_DAYS", 0, "number of days"),
        trainers=max(1, number("FACTORY_TRAINERS", 1, "number of processes")),
        teacher_batch=optional("FACTORY_TEACHER_BATCH"),
        argilla_listen=env.get("FACTORY_ARGILLA_LISTEN", ""),
        argilla_certificate=optional("FACTORY_ARGILLA_CERTIFICATE"),
        argilla_certificate_key=optional("FACTORY_ARGILLA_CERTIFICATE_KEY"),
    )
