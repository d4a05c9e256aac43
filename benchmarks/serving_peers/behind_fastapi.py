"""FastAPI with uvicorn: python behind_fastapi.py MODEL PORT."""

import sys

import pandas as pd
import uvicorn
from fastapi import FastAPI

import lamina

model = lamina.load(sys.argv[1])
app = FastAPI()


@app.post("/predict")
def predict(row: dict) -> list[dict]:
    answers = model.predict(pd.DataFrame([row]))
    return answers.to_dict(orient="records")


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
