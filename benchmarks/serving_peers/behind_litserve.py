"""LitServe: python behind_litserve.py MODEL PORT."""

import sys

import litserve
import pandas as pd

import lamina

MODEL = sys.argv[1]


class Network(litserve.LitAPI):
    def setup(self, device):
        self.model = lamina.load(MODEL)

    def decode_request(self, request):
        return pd.DataFrame([request])

    def predict(self, rows):
        return self.model.predict(rows)

    def encode_response(self, answers):
        return {"answers": answers.to_dict(orient="records")}


if __name__ == "__main__":
    litserve.LitServer(Network(), accelerator="cpu").run(
        port=int(sys.argv[2]), generate_client_file=False, log_level="warning"
    )
