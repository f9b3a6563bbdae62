"""Calls the run gateway through the original's Python client, as its users do, and prints what came
of every call as one JSON object. Argument: the gateway's address."""

import json
import sys

import Algorithmia
from Algorithmia.algorithm import OutputType
from Algorithmia.errors import AlgorithmException

client = Algorithmia.client("simEventflows", sys.argv[1])


def told(response):
    """A response in values that JSON has."""
    result = response.result
    if isinstance(result, bytes):
        result = {"bytes": result.hex()}
    return {
        "result": result,
        "content_type": response.metadata.content_type,
        "duration": response.metadata.duration,
    }


def failed(call):
    """The error that `call` raises."""
    try:
        call()
    except AlgorithmException as error:
        return {
            "message": error.message,
            "error_type": error.error_type,
            "stack_trace": error.stack_trace,
        }
    except Exception as error:
        return {"other": str(error)}
    return None


def echo():
    return client.algo("acme/score/1.0.0")


def void():
    response = echo().set_options(output=OutputType.void).pipe("for the topic alone")
    return {"async": response.async_protocol, "request_id": response.request_id}


print(
    json.dumps(
        {
            "text": told(echo().pipe("hello wörld")),
            "dict": told(echo().pipe({"b": [1, 2.5], "a": None})),
            "list": told(echo().pipe(["x", "y"])),
            "bytes": told(echo().pipe(b"\xff\x00\xfe")),
            "bytearray": told(echo().pipe(bytearray(b"\xff"))),
            "null": told(echo().pipe(None)),
            "by_selector": told(client.algo("algo://acme/score/1.*").pipe("selected")),
            "unversioned": told(client.algo("acme/score").pipe("newest")),
            "bearer": told(
                Algorithmia.client(
                    api_address=sys.argv[1], bearer_token="a.b.c"
                ).algo("acme/score/1.0.0").pipe("token")
            ),
            "options": told(echo().set_options(timeout=60, stdout=True).pipe("in time")),
            "raw": echo().set_options(output=OutputType.raw).pipe("bare"),
            "void": void(),
            "error": failed(lambda: echo().pipe("fail: no such colour")),
            "enveloped_error": failed(lambda: client.algo("acme/score/2.0.0").pipe("fail")),
            "enveloped_text": told(client.algo("acme/score/2.0.0").pipe("text")),
            "enveloped_binary": told(client.algo("acme/score/2.0.0").pipe("binary")),
            "timeout": failed(lambda: echo().set_options(timeout=1).pipe("wait")),
            "raw_error": failed(
                lambda: echo().set_options(output=OutputType.raw).pipe("fail: bare")
            ),
            "no_algorithm": failed(lambda: client.algo("acme/nothing").pipe("x")),
            "no_version": failed(lambda: client.algo("acme/score/7.*").pipe("x")),
            "bad_parameter": failed(lambda: echo().set_options(timeout=99999).pipe("x")),
        }
    )
)
