"""The weights of the confidence in a statement, written by evals/train_sql_confidence.py."""

MEANS = (-0.1, -1.0, 1.0, 0.2, 0.5, 0.05, 0.3, 0.2, 1.7, 0.3, 1.5, 0.1)
SCALES = (0.1, 1.0, 1.0, 0.5, 1.0, 0.1, 0.5, 0.5, 1.0, 0.5, 1.0, 0.3)
WEIGHTS = (0.5, 0.5, -0.3, -0.3, -0.2, -0.6, -0.3, -0.3, -0.1, -0.1, 0.0, -0.3)
INTERCEPT = 0.5
