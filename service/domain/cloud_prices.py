"""What clouds charge, in US dollars: AWS in us-east-1, and the services beside it. Models are in prices.py."""

from __future__ import annotations

import datetime as dt

CLOUD_PRICES_AS_OF = dt.date(2026, 11, 9)

LAMBDA_GB_SECOND = 0.0000166667
"""x86, memory times the time that is billed; starting an environment is billed, too."""
LAMBDA_REQUEST = 0.20 / 1_000_000
LAMBDA_STORAGE_GB_SECOND = 0.0000000309
"""/tmp above LAMBDA_STORAGE_INCLUDED_MB."""
LAMBDA_STORAGE_INCLUDED_MB = 512
LAMBDA_FREE_GB_SECONDS = 400_000
LAMBDA_FREE_REQUESTS = 1_000_000

S3_GB_MONTH = 0.023
S3_PUT = 0.005 / 1000
S3_GET = 0.0004 / 1000

LOGS_GB = 0.50
LOGS_GB_MONTH = 0.03
LOGS_FREE_GB = 5
"""Of what comes in and of what is kept, each."""
METRIC_MONTH = 0.30
"""For each metric of our own and each value of its dimension."""
FREE_METRICS = 10
ALARM = 0.10
FREE_ALARMS = 10

ECR_GB_MONTH = 0.10
SECRET_MONTH = 0.40
SECRET_READ = 0.05 / 10_000
TRANSFER_GB = 0.09
TRANSFER_FREE_GB = 100

PINECONE_MINIMUM = 50.0
"""A month of the plan Standard costs no less."""
PINECONE_READ_UNIT = 16 / 1_000_000
PINECONE_WRITE_UNIT = 4 / 1_000_000
PINECONE_GB_MONTH = 0.33
PINECONE_LEAST_QUERY_UNITS = 0.25
"""A query costs one read unit for each GB of its namespace, and no less than this."""
SUPABASE_MONTH = 25.0
"""The plan Pro, with 8 GB of database."""
UPSTASH_COMMAND = 0.20 / 100_000
UPSTASH_GB_MONTH = 0.25
UPSTASH_FREE_GB = 1
