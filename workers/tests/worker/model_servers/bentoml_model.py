"""pip install bentoml; bentoml serve bentoml_model:Score"""

import bentoml
from pydantic import BaseModel


class Order(BaseModel):
    amount: float
    age: int


@bentoml.service
class Score:
    @bentoml.api
    def score(self, order: Order) -> dict:
        if order.amount < 0:
            raise ValueError("an amount is never negative")
        return {"suspicious": order.amount > 100 and order.age < 25}
