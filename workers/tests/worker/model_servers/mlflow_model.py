"""pip install mlflow scikit-learn; python mlflow_model.py

mlflow models serve -m model --env-manager local
"""

import mlflow
import pandas
from mlflow.models import infer_signature
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier


def check(orders):
    if (orders["amount"] < 0).any():
        raise ValueError("an amount is never negative")
    return orders


orders = pandas.DataFrame(
    {"amount": [5.0, 20.0, 150.0, 300.0, 150.0, 500.0], "age": [30, 20, 22, 24, 60, 70]}
)
model = make_pipeline(FunctionTransformer(check), DecisionTreeClassifier(random_state=0))
model.fit(orders, [0, 0, 1, 1, 0, 0])
signature = infer_signature(orders, model.predict(orders))
mlflow.sklearn.save_model(
    model, "model", signature=signature, serialization_format="cloudpickle"
)
