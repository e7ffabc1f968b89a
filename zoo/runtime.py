"""A specialist's files, opened by the libraries that run them: tokenizers and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from zoo.errors import BrokenSpecialist

INDEPENDENT = ("texts", "independent")
"""A key and value among an ONNX file's own that say: each text is answered as if it were alone in its run. Int8 files
without them were quantized dynamically, and scale activations by the largest value of all texts in a run."""


def open_tokenizer(path: Path, max_tokens: int | None) -> tuple[Any, int]:
    """The tokenizer, cutting at max_tokens (None: nowhere) and never padding: threads can share it, its state is
    constant."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
        padding = tokenizer.padding
        pad = padding["pad_id"] if padding else tokenizer.token_to_id("[PAD]")
        tokenizer.no_padding()
        tokenizer.no_truncation() if max_tokens is None else tokenizer.enable_truncation(max_tokens)
    except Exception as error:  # tokenizers raises plain Exceptions
        raise BrokenSpecialist(f"The tokenizer can't be read: {error}.", where=str(path)) from error
    return tokenizer, int(pad or 0)


def open_session(path: Path, threads: int) -> Any:
    """An ONNX Runtime session that uses `threads` CPU threads, doesn't spin when idle, and is quiet."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = False  # it pays for inputs of one shape; ours vary
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        raise BrokenSpecialist(f"The model can't be read: {error}.", where=str(path)) from error


def check_names(session: Any, inputs: Collection[str], outputs: Collection[str], path: Path) -> None:
    """See that a model takes these inputs and no others, and gives these outputs; raises BrokenSpecialist."""
    takes = {item.name for item in session.get_inputs()}
    gives = {item.name for item in session.get_outputs()}
    if takes != set(inputs) or not gives.issuperset(outputs):
        raise BrokenSpecialist(
            f"The model takes {', '.join(sorted(takes))} and gives {', '.join(sorted(gives))}; "
            f"it must take {', '.join(sorted(inputs))} and give {', '.join(sorted(outputs))}.",
            where=str(path),
        )
