"""pip install mlserver uvloop==0.21.0; mlserver start .

Beside it, model-settings.json: {"name": "score", "implementation": "mlserver_model.Score"}
"""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Score(MLModel):
    async def predict(self, payload):
        orders = NumpyCodec.decode_input(payload.inputs[0])
        amounts, ages = orders[:, 0], orders[:, 1]
        if (amounts < 0).any():
            raise ValueError("an amount is never negative")
        suspicious = ((amounts > 100) & (ages < 25)).astype("int64").reshape(-1, 1)
        output = NumpyCodec.encode_output("suspicious", suspicious)
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=[output])
