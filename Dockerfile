# The service in a container. State and models live in /data: mount a volume there.
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

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 ragsql && install --directory --owner=ragsql /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAGSQL_DATA_DIR=/data \
    RAGSQL_MODEL_DIR=/data/models
USER ragsql
WORKDIR /home/ragsql
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["ragsql", "serve", "--host", "0.0.0.0", "--port", "8080"]
