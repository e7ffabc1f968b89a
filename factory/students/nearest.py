"""An opponent of students that write: what people or the teacher said of the nearest training row's text."""

from __future__ import annotations

from collections.abc import Sequence

from factory.row import Row

WHAT = "what the nearest of the same rows has, by TF-IDF"


def nearest(rows: Sequence[Row], texts: Sequence[str]) -> list[Row]:
    """For each text the training row whose words and word pairs are most like it: TF-IDF, cosine; the first of equals.

    Args:
        rows: to choose from, one or more.
        texts: one or more.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    known = vectors.fit_transform([row.text for row in rows])
    return [rows[int((known @ one.T).toarray().argmax())] for one in vectors.transform(texts)]
