"""BentoML: MODEL=… bentoml serve behind_bentoml:Network --port PORT."""

import os

import bentoml
import pandas as pd

import lamina


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Network:
    def __init__(self) -> None:
        self.model = lamina.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, row: dict) -> list[dict]:
        return self.model.predict(pd.DataFrame([row])).to_dict(orient="records")
