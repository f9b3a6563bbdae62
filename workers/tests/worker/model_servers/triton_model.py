"""pip install nvidia-pytriton; python triton_model.py"""

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton


@batch
def score(order):
    amounts, ages = order[:, :1], order[:, 1:]
    if (amounts < 0).any():
        raise ValueError("an amount is never negative")
    return [(amounts > 100) & (ages < 25)]


with Triton() as triton:
    triton.bind(
        "score",
        score,
        inputs=[Tensor(name="order", dtype=np.float64, shape=(2,))],
        outputs=[Tensor(name="suspicious", dtype=np.bool_, shape=(1,))],
        config=ModelConfig(max_batch_size=8),
    )
    triton.serve()
