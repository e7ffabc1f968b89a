"""What a larger language model thinks of every token of an answer, for a smaller one to learn beside the answer itself.

Word-level knowledge distillation (Hinton et al. 2015; Kim and Rush 2016): the Kullback-Leibler divergence of the
student's probabilities of the next token from the mentor's, both at a temperature, which says what else could have
stood there. The mentor is given the very tokens that the student is given, so both must cut texts into the same ones.
"""

from __future__ import annotations

from typing import Any

from factory.errors import SpecError


def check(mine: Any, theirs: Any, source: str) -> None:
    """See that a mentor's tokenizer is the student's.

    Args:
        mine, theirs: tokenizers of transformers.
        source: where the mentor is from, for people.

    Raises:
        SpecError: they know other tokens.
    """
    own, others = mine.get_vocab(), theirs.get_vocab()
    if own != others:
        raise SpecError(
            f"This model cuts texts into other tokens than the student does: it knows {len(others)}, the student "
            f"{len(own)}, and not the same.",
            where=f"student.distil.model: {source}",
            fix="Name a larger model of the family of student.base, or leave student.distil out.",
        )


def divergence(mine: Any, theirs: Any, temperature: float) -> Any:
    """KL(mentor || student) of the next token at a temperature, times its square, so that gradients keep their size.

    Args:
        mine: the student's logits, a tensor [tokens, vocabulary].
        theirs: the mentor's, likewise; either's vocabulary may be padded.
        temperature: above 0; the higher, the more the unlikely counts.

    Returns:
        A tensor [tokens], with the student's gradients, 0 or more.
    """
    import torch

    size = min(mine.shape[-1], theirs.shape[-1])
    own, other = (torch.log_softmax(one[:, :size].float() / temperature, dim=-1) for one in (mine, theirs))
    each = torch.nn.functional.kl_div(own, other, reduction="none", log_target=True).sum(-1)
    return temperature**2 * each.clamp(min=0)
