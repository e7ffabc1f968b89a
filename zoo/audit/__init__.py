"""What was decided, kept so that nobody can change it unseen: an append-only, hash-chained log of every decision.

    log = zoo.AuditLog("audit")
    intent = zoo.audited(zoo.load("support/intent"), log)

    said = intent.predict("My card has not arrived yet")   # Recorded(id='17-3fa9c1d2e0b4', answer=Answer(...))
    log.correct(said.id, "card_arrival", who="reviewer 4")
    log.export("feedback")                                 # what the factory reads: reviewed.jsonl, unlabelled.jsonl

A log is a folder: numbered SQLite files of records, and `head.json`, which tells how many there must be; or, by a URL
(postgresql://...), two tables of a database that say the same. Each record holds the hash of the one before it (RFC
6962's idea without the tree).
"""

from zoo.audit.export import Exported
from zoo.audit.log import AuditLog
from zoo.audit.verify import Verified, verify

__all__ = ["AuditLog", "Exported", "Verified", "verify"]
