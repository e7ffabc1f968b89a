"""What a FastAPI endpoint for a specialist looks like at first: a function that Starlette runs in its threads.

python benchmarks/parts/naive_serve.py FOLDER WEIGHTS PORT
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

import zoo

specialist: Any = zoo.load(f"{sys.argv[1]}", weights=sys.argv[2])
app = FastAPI()


class Asked(BaseModel):
    """A text."""

    text: str


class Said(BaseModel):
    """Its answer."""

    label: str
    confidence: float
    unsure: bool


@app.post("/predict")
def predict(asked: Asked) -> Said:
    """Ask the specialist."""
    answer = specialist.predict(asked.text)
    return Said(label=answer.label, confidence=answer.confidence, unsure=answer.unsure)


uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", access_log=False)
