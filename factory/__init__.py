"""The factory: from a specialist's spec to a published, measured specialist. Knows nothing of Prefect."""

import os

# huggingface_hub reads these once, at its first import, and calls home unless they were set before; so does Prefect's
# SDK with the last. Xet is another transport, which servers of our own do not speak.
for _name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_XET", "DO_NOT_TRACK"):
    os.environ.setdefault(_name, "1")
