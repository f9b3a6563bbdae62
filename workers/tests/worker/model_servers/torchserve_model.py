"""pip install torchserve torch torch-model-archiver; needs Java 17 and no more of torch than its name

torch-model-archiver --model-name score --version 1.0 --handler torchserve_model.py --export-path store
torchserve --start --model-store store --models score=score.mar --disable-token-auth
"""

import json


def handle(requests, context):
    """A handler gets None once, when it is loaded, and a list of requests after that."""
    return requests and [score(request) for request in requests]


def score(request):
    order = request.get("body") or request.get("data")
    if isinstance(order, (bytes, bytearray)):
        order = json.loads(order)
    if order["amount"] < 0:
        raise ValueError("an amount is never negative")
    return {"suspicious": order["amount"] > 100 and order["age"] < 25}
