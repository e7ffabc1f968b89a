"""A BERT of some thousand random weights and a tokenizer of whole words, in a folder as transformers reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def make(folder: Path, texts: Iterable[str], hidden: int = 32, layers: int = 1) -> Path:
    """Write the encoder; every word of the texts is in its vocabulary. The same texts make the same bytes."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for text in texts for word in pieces(text)})
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
    )
    model = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():  # a bag of random words: crude, but words can be told apart without any training
        model.embeddings.position_embeddings.weight.zero_()
    model.save_pretrained(folder)
    return folder


def pieces(text: str) -> list[str]:
    """The words and marks the tokenizer cuts a text into."""
    from tokenizers import normalizers, pre_tokenizers

    normal = normalizers.BertNormalizer().normalize_str(text)
    return [piece for piece, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal)]
