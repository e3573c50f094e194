"""The weights of the confidence in a statement, written by evals/train_sql_confidence.py.

Of databases that were not fitted, 174 statements, 104 right: area under the curve 0.901;
shown at 0.6: 91 right, 12 wrong, 4 of unanswerable questions.
"""

MEANS = (
    -0.1119,  # mean log-probability
    1.4770,  # unlikely tokens
    0.1207,  # attempts
    0.0471,  # share of unknown words
    0.1839,  # unlinked tables
    1.8218,  # tables
    0.1379,  # inner queries
)
SCALES = (
    0.0784,  # mean log-probability
    1.5927,  # unlikely tokens
    0.3750,  # attempts
    0.0879,  # share of unknown words
    0.5473,  # unlinked tables
    0.9811,  # tables
    0.4061,  # inner queries
)
WEIGHTS = (
    0.6516,  # mean log-probability
    -0.6247,  # unlikely tokens
    -1.0640,  # attempts
    -1.5549,  # share of unknown words
    0.0000,  # unlinked tables
    -0.1479,  # tables
    -0.3102,  # inner queries
)
INTERCEPT = 0.1135
