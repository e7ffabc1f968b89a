"""What a browser needs to answer by itself: files of transformers.js and ONNX Runtime, as npm installed them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zoo.errors import BadInput

FILES = {
    "transformers.js": "@huggingface/transformers/dist/transformers.min.js",
    "ort.js": "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
    "ort-wasm-simd-threaded.wasm": "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
}
"""Name on the page to path in node_modules. They are served as they are: no build step, nothing from elsewhere."""


def find(folder: str | Path) -> Mapping[str, Path]:
    """Where the files are, by their names on the page.

    Args:
        folder: in which npm was run, or its node_modules.

    Raises:
        BadInput: one is not there.
    """
    places = [Path(folder) / "node_modules", Path(folder)]
    modules = next((place for place in places if (place / FILES["ort.js"]).is_file()), places[0])
    found = {name: modules / path for name, path in FILES.items()}
    if missing := [str(path) for path in found.values() if not path.is_file()]:
        raise BadInput(
            "The browser's libraries are not in this folder.",
            where=missing[0],
            fix=f"npm install --prefix {folder} @huggingface/transformers@4",
        )
    return found
