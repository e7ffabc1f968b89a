"""The embedded Argilla: the real server with its web UI on SQLite alone; no Elasticsearch, no Redis, no Docker.

`server` is the application's side: start, stop, find. Everything else runs inside the Argilla environment
(`.envs/argilla/bin/python -m factory.services.argilla`) and imports only Argilla's packages and the standard library.
"""
