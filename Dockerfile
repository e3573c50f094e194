# syntax=docker/dockerfile:1
# The image of both functions on AWS Lambda: `docker build -t ragsql-lambda .` A server for any host, which keeps state
# and models in /data: `docker build --target server -t ragsql .`

FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY requirements-runtime.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE lambda_handler.py ./
COPY service service
COPY gen gen
COPY clients/python clients/python
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim AS server
RUN useradd --create-home --uid 1000 ragsql && install --directory --owner=ragsql /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAGSQL_DATA_DIR=/data \
    RAGSQL_MODEL_DIR=/data/models
USER 1000
WORKDIR /home/ragsql
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["ragsql", "serve", "--host", "0.0.0.0", "--port", "8080"]

# The embedding model, by its hash.
FROM build AS models
ENV RAGSQL_MODEL_DIR=/models
RUN /venv/bin/ragsql models pull all-minilm-l6-v2

FROM --platform=linux/amd64 public.ecr.aws/lambda/python:3.12 AS tree
WORKDIR /src
COPY requirements.lock requirements-runtime.lock pyproject.toml lambda_handler.py ./
RUN sed -n '/^uv==/,/[^\\]$/p' requirements.lock > /tmp/uv.lock && pip install --no-cache-dir --require-hashes -r /tmp/uv.lock
COPY scripts/image_tree.py scripts/image_tree.py
COPY service service
COPY gen gen
COPY clients/python clients/python
COPY --from=models /models /models
RUN python3 scripts/image_tree.py /tree --models /models
# docling's own models for PDF, by their hashes, and torch, which no lock pins: about 2 GB more.
ARG DOCLING_MODELS=false
RUN mkdir -p /tree/docling && if [ "$DOCLING_MODELS" = true ]; then \
      extras=$(sed -n 's/^docling = \["\(.*\)"\]$/\1/p' pyproject.toml) && \
      uv pip install --no-cache --torch-backend cpu --target /tree/docling/var/task \
        --constraint requirements-runtime.lock --python-version 3.12 "$extras" && \
      python3 -m service.models.docling /tree/docling/opt/ragsql/docling; \
    fi

# Lambda runs it as a user of its own, who may write in /tmp alone, and reads of it the blocks that are asked for: what
# a question needs lies together, apart from what only files need.
FROM --platform=linux/amd64 public.ecr.aws/lambda/python:3.12
COPY --from=tree /tree/docling/ /
COPY --from=tree /tree/ingest/ /
COPY --from=tree /tree/serving/ /
COPY --from=tree /tree/models/ /
COPY --from=tree /tree/code/ /
ENV PYTHONUNBUFFERED=1 \
    RAGSQL_MODEL_DIR=/opt/ragsql/models \
    RAGSQL_DATA_DIR=/tmp/ragsql \
    DOCLING_ARTIFACTS_PATH=/opt/ragsql/docling
USER 1000
CMD ["lambda_handler.handler"]
