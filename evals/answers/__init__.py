"""Training of the model in service/models/answers. Needs `pip install torch transformers`, which nothing else does."""
