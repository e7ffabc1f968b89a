"""Small domain specialists: load one by name, ask it.

    import zoo

    sentiment = zoo.load("finance/sentiment", hub="path/to/hub")
    sentiment.predict("Profit fell by a third.")  # Answer(label='negative', confidence=0.97, unsure=False, ...)

Importing the zoo is cheap: ONNX Runtime, tokenizers and numpy are imported when a specialist is loaded,
huggingface_hub when a remote hub is asked.
"""

from zoo.classifier import Answer, Classifier
from zoo.errors import ZooError
from zoo.hub import Hub, open_hub
from zoo.loader import load, pull
from zoo.manifest import Manifest, verify

__version__ = "0.1.0"
__all__ = ["Answer", "Classifier", "Hub", "Manifest", "ZooError", "__version__", "load", "open_hub", "pull", "verify"]
