"""MLflow: python behind_mlflow.py MODEL FOLDER writes the model for mlflow models serve."""

import sys

import mlflow


class Network(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        import lamina

        self.model = lamina.load(context.artifacts["model"])

    def predict(self, context, model_input, params=None):
        return self.model.predict(model_input)


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[2], python_model=Network(), artifacts={"model": sys.argv[1]},
                             pip_requirements=["mlflow"])  # fmt: skip
