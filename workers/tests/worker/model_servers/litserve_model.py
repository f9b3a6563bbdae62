"""pip install litserve; python litserve_model.py"""

import litserve


class Score(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["input"]

    def predict(self, order):
        if order["amount"] < 0:
            raise ValueError("an amount is never negative")
        return {"suspicious": order["amount"] > 100 and order["age"] < 25}

    def encode_response(self, output):
        return {"output": output}


if __name__ == "__main__":
    litserve.LitServer(Score(), accelerator="cpu").run(host="127.0.0.1", port=8000)
