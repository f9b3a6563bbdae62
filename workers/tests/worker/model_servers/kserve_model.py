"""pip install kserve; python kserve_model.py"""

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Score(Model):
    def __init__(self):
        super().__init__("score")
        self.ready = True

    def predict(self, payload, headers=None):
        if not isinstance(payload, InferRequest):
            return {"predictions": [self.score(**order) for order in payload["instances"]]}
        orders = payload.inputs[0].as_numpy()
        suspicious = [self.score(amount, age) for amount, age in orders]
        output = InferOutput("suspicious", [len(orders), 1], "BOOL", data=suspicious)
        return InferResponse(payload.id, self.name, infer_outputs=[output])

    def score(self, amount, age):
        if amount < 0:
            raise ValueError("an amount is never negative")
        return bool(amount > 100 and age < 25)


if __name__ == "__main__":
    ModelServer().start([Score()])
