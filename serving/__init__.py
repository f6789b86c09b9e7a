"""Scoring: `load_model` once, `predict` many times. Nothing of training is imported, and no label is seen."""

from blockrisk.serving.predict import Model, load_model, predict

__all__ = ["Model", "load_model", "predict"]
