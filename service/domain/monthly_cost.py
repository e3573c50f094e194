"""What a month of service costs, from what one request takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain import cloud_prices as prices
from service.domain.prices import cost_usd, is_priced


class Payee(StrEnum):
    """Whose bill a line is on."""

    AWS = "AWS"
    SERVICES = "services"


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """Tokens of one model that a question takes which no cache answers; cached are those of input that it still has."""

    input: float = 0.0
    output: float = 0.0
    cached: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A month. Seconds are those that Lambda bills; cache_rate, cold_rate and upload_rate are shares of the requests.

    Seconds, tokens, chunks and sizes of one request are what `python -m benchmarks workload` measured (n = 30 questions
    and 3 documents), with its waits of remote models and stores. The shares, cold_seconds, log_kb, metrics, what is
    stored, and the tokens that a chat model writes beyond SQL are assumed.
    """

    requests: float
    cache_rate: float = 0.2
    cached_seconds: float = 0.056
    question_seconds: float = 3.2
    cold_rate: float = 0.01
    cold_seconds: float = 2.5
    upload_rate: float = 0.01
    upload_seconds: float = 1.2
    memory_mb: int = 3008
    storage_mb: int = 10240
    models: Mapping[str, ModelTokens] = field(
        default_factory=lambda: {"gpt-4o": ModelTokens(1978, 110, 730), "text-embedding-3-small": ModelTokens(16)}
    )
    upload_tokens: float = 990
    """Embedded, for one document, by the embedding model text-embedding-3-small."""
    upload_chunks: float = 12
    response_kb: float = 2.1
    log_kb: float = 1.5
    documents_gb: float = 5.0
    vectors_gb: float = 0.5
    cache_gb: float = 0.2
    image_gb: float = 3.0
    """Of the images of all releases that are kept, whose layers are mostly the same."""
    secrets: int = 1
    alarms: int = 9
    metrics: int = 15
    """Of our own in CloudWatch: the latency of the five routes that are used most, errors of four reasons, six sums."""
    cache_commands: float = 3.0
    """For a request."""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be."""
        for name in ("cache_rate", "cold_rate", "upload_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {getattr(self, name)}.")
        numbers = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "models"}
        for model, tokens in self.models.items():
            numbers |= {f"{model} input": tokens.input, f"{model} output": tokens.output}
        for name, number in numbers.items():
            if not 0 <= number < float("inf"):
                raise ValueError(f"{name} is a number from 0, not {number}.")
        for model, tokens in self.models.items():
            if not 0 <= tokens.cached <= tokens.input:
                raise ValueError(f"{model} cached is a part of its input, not {tokens.cached}.")

    @property
    def questions(self) -> float:
        """Requests that no cache answers."""
        return self.requests * (1 - self.cache_rate)

    @property
    def uploads(self) -> float:
        """Documents that come in beside the requests."""
        return self.requests * self.upload_rate

    @property
    def seconds(self) -> float:
        """That Lambda bills for both functions, starts included."""
        asked = self.questions * self.question_seconds + self.requests * self.cache_rate * self.cached_seconds
        return asked + self.uploads * self.upload_seconds + self.requests * self.cold_rate * self.cold_seconds


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a bill. list_usd is what it costs without free tiers; quantity says what was counted."""

    payee: Payee
    item: str
    quantity: str
    usd: float
    list_usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A month's lines. unpriced names the models whose price is unknown, which count for nothing."""

    lines: tuple[Line, ...]
    unpriced: tuple[str, ...]

    def total(self, payee: Payee | None = None) -> float:
        """Dollars to pay, to one payee or to all."""
        return sum(line.usd for line in self.lines if payee in (None, line.payee))

    def list_total(self, payee: Payee | None = None) -> float:
        """The same without free tiers."""
        return sum(line.list_usd for line in self.lines if payee in (None, line.payee))


def monthly_bill(work: Workload, chat_model: str = "") -> Bill:
    """The bill of a month by the prices of CLOUD_PRICES_AS_OF and PRICES_AS_OF.

    chat_model has every model that writes priced as this one, with the same lines in the same order.
    """
    unpriced = tuple(sorted(model for model in work.models if not is_priced(model)))
    return Bill((*_lambda(work), *_around_lambda(work), *_services(work, chat_model)), unpriced)


def _count(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"


def _metered(payee: Payee, item: str, unit: str, amount: float, price: float, free: float = 0.0) -> Line:
    return Line(payee, item, f"{_count(amount)} {unit}", max(0.0, amount - free) * price, amount * price)


def _lambda(work: Workload) -> Iterator[Line]:
    calls = work.requests + work.uploads
    gb_seconds = work.seconds * work.memory_mb / 1024
    extra_gb = max(0, work.storage_mb - prices.LAMBDA_STORAGE_INCLUDED_MB) / 1024
    free = prices.LAMBDA_FREE_GB_SECONDS
    yield _metered(Payee.AWS, "Lambda compute", "GB-s", gb_seconds, prices.LAMBDA_GB_SECOND, free)
    yield _metered(Payee.AWS, "Lambda requests", "requests", calls, prices.LAMBDA_REQUEST, prices.LAMBDA_FREE_REQUESTS)
    yield _metered(
        Payee.AWS, "Lambda storage", "GB-s above 512 MB", work.seconds * extra_gb, prices.LAMBDA_STORAGE_GB_SECOND
    )


def _around_lambda(work: Workload) -> Iterator[Line]:
    puts, gets = 2 * work.uploads, 2 * work.uploads
    s3 = work.documents_gb * prices.S3_GB_MONTH + puts * prices.S3_PUT + gets * prices.S3_GET
    yield Line(Payee.AWS, "S3", f"{_count(work.documents_gb)} GB, {_count(puts)} PUT", s3, s3)
    logs = (work.requests + work.uploads) * work.log_kb / 1024**2
    yield _metered(Payee.AWS, "CloudWatch logs", "GB", logs, prices.LOGS_GB + prices.LOGS_GB_MONTH, prices.LOGS_FREE_GB)
    yield _metered(Payee.AWS, "CloudWatch metrics", "metrics", work.metrics, prices.METRIC_MONTH, prices.FREE_METRICS)
    yield _metered(Payee.AWS, "CloudWatch alarms", "alarms", work.alarms, prices.ALARM, prices.FREE_ALARMS)
    yield _metered(Payee.AWS, "ECR", "GB of images", work.image_gb, prices.ECR_GB_MONTH)
    reads = work.requests * work.cold_rate
    secrets = work.secrets * (prices.SECRET_MONTH + reads * prices.SECRET_READ)
    yield Line(Payee.AWS, "Secrets Manager", f"{work.secrets} secret, {_count(reads)} reads", secrets, secrets)
    out = work.requests * work.response_kb / 1024**2
    yield _metered(Payee.AWS, "Data out", "GB", out, prices.TRANSFER_GB, prices.TRANSFER_FREE_GB)


def _services(work: Workload, chat_model: str) -> Iterator[Line]:
    for model, tokens in work.models.items():
        read, written = work.questions * tokens.input, work.questions * tokens.output
        priced = chat_model if chat_model and tokens.output else model
        usd = work.questions * cost_usd(priced, tokens.input, tokens.output, tokens.cached)
        counted = f"{_count(read / 1e6)} M tokens in, {_count(written / 1e6)} M out"
        yield Line(Payee.SERVICES, f"Questions: {model}", counted, usd, usd)
    embedded = work.uploads * work.upload_tokens
    price = cost_usd("text-embedding-3-small", 1_000_000) / 1_000_000
    yield _metered(Payee.SERVICES, "Documents: text-embedding-3-small", "tokens", embedded, price)
    yield _pinecone(work)
    usd = prices.SUPABASE_MONTH
    yield Line(Payee.SERVICES, "Supabase", "the plan Pro", usd, usd)
    commands = work.requests * work.cache_commands
    listed = commands * prices.UPSTASH_COMMAND + work.cache_gb * prices.UPSTASH_GB_MONTH
    kept = max(0.0, work.cache_gb - prices.UPSTASH_FREE_GB) * prices.UPSTASH_GB_MONTH
    paid = commands * prices.UPSTASH_COMMAND + kept
    yield Line(Payee.SERVICES, "Upstash", f"{_count(commands)} commands", paid, listed)


def _pinecone(work: Workload) -> Line:
    """A question takes a query and the fetch of one record; a chunk of 7 KB takes as many write units."""
    query = max(prices.PINECONE_LEAST_QUERY_UNITS, work.vectors_gb)
    read, written = work.questions * (query + 1), work.uploads * work.upload_chunks * 7
    used = read * prices.PINECONE_READ_UNIT + written * prices.PINECONE_WRITE_UNIT
    used += work.vectors_gb * prices.PINECONE_GB_MONTH
    usd = max(prices.PINECONE_MINIMUM, used)
    return Line(Payee.SERVICES, "Pinecone", f"{_count(read)} read units, {used:,.2f} dollars of use", usd, usd)
