"""The settings of the service, read once from `EPOCHAL_*` variables or a `.env` file."""

import ipaddress
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

MEMORY_FRACTION = 0.6
"""Fraction of the memory of the machine for the jobs of all workers."""
MIN_MEMORY_BYTES = 256 * 2**20

DATABASE_SCHEMES = ("sqlite", "postgresql+psycopg")
BROKER_SCHEMES = ("redis", "rediss", "unix", "redis+socket")


class Address(str):
    """A `host:port` to listen on. An IPv6 host is in brackets; port 0 means any free port."""

    __slots__ = ("host", "port")

    host: str
    port: int

    def __new__(cls, text: str) -> Self:
        host, colon, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError(f"{text!r} is not an address; write host:port, such as 127.0.0.1:8000")
        address = super().__new__(cls, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        address.host = host
        address.port = int(port)
        return address

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address. Names other than localhost count as
        public.
        """
        return is_loopback(self.host)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def is_loopback(host: str) -> bool:
    """Return whether the host is a loopback address or localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _database_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in DATABASE_SCHEMES:
        # Show only the scheme: the rest may contain a password.
        raise ValueError(
            f"{scheme + '://…' if separator else 'this'!r} is not a supported database URL; "
            "write sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/name"
        )
    if scheme == "sqlite" and rest.partition("?")[0] in ("", "/", "/:memory:"):
        raise ValueError("processes cannot share a SQLite database in memory; name a file")
    return url


def _broker_url(url: str | None) -> str | None:
    if not url:
        return None
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in BROKER_SCHEMES:
        raise ValueError(
            f"{scheme + '://…' if separator else 'this'!r} is not a supported broker URL; "
            "write redis://host:6379/0, rediss://…, or unix:///path/to/socket"
        )
    return url


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int:
    """Return the memory of this machine, or of the container that the process runs in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            total = min(total, int(Path("/sys/fs/cgroup", name).read_text()))
    return total


def _memory_share(workers: int) -> int:
    """Return the memory that each of `workers` may use for a job.

    The rest is for the API, the database, the broker and the cache of files; a job may need half as
    much again as it was priced at.
    """
    return max(MIN_MEMORY_BYTES, int(MEMORY_FRACTION * _memory_bytes()) // workers)


Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1)]


def _origins(text: str | None) -> str | None:
    for origin in (text or "").split(","):
        parts = urlsplit(origin.strip())
        is_origin = parts.scheme in ("http", "https") and parts.netloc and not parts.path
        if text is not None and origin.strip() != "*" and not is_origin:
            raise ValueError(
                f"{origin.strip()!r} is not an origin; write the scheme and the host, such as "
                "https://app.example"
            )
    return text


_FRAMING = re.compile(r"https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]+)?", re.IGNORECASE)


def _frame_ancestors(text: str | None) -> str | None:
    for origin in (text or "").split(","):
        if text not in (None, "none") and not _FRAMING.fullmatch(origin.strip()):
            raise ValueError(
                f"{origin.strip()!r} is not an origin; write none, or the scheme and the host, "
                "such as https://school.example or https://*.school.example"
            )
    return text


class Limits(BaseModel):
    """The limits of one request, published at `/v1/limits`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_body_bytes: Count = Field(16 * 2**20, description="bytes in the body of one request")
    max_upload_bytes: Count = Field(100 * 2**20, description="bytes in one uploaded file")
    max_parameters: Count = Field(5_000_000, description="trainable parameters in one network")
    max_layers: Count = Field(64, description="layers in one network")
    max_units: Count = Field(8192, description="units in one layer")
    max_filter_positions: Count = Field(
        2048, description="positions of all filters and pooling windows of one network"
    )
    max_samples: Count = Field(100_000, description="samples in one data set")
    max_features: Count = Field(4096, description="numbers in one sample")
    max_predict_rows: Count = Field(50_000, description="rows or grid points in one prediction")
    max_inspected_values: Count = Field(
        500_000, description="numbers in one reply of an inspection method"
    )
    max_generated_tokens: Count = Field(
        20_000, description="tokens of all samples of one generation"
    )
    max_redrawn_numbers: Count = Field(
        100_000_000, description="random numbers drawn again in one request"
    )
    max_epochs: Count = Field(1_000_000, description="epochs in one job")
    max_flops: float = Field(
        1e15,
        gt=0,
        allow_inf_nan=False,
        description="floating-point operations in one job: 3 x forward x samples x epochs",
    )
    max_memory_bytes: Count = Field(
        default_factory=lambda: _memory_share(_available_cores()),
        description="bytes of memory of a process that trains, for the jobs that it holds; unset: "
        "60 % of the memory divided by the workers",
    )
    max_stored_bytes: Count = Field(
        2 * 2**30, description="bytes that one job stores by its end: epochs and checkpoints"
    )
    max_deadline_seconds: float = Field(
        30 * 86_400.0,
        gt=0,
        allow_inf_nan=False,
        description="seconds from the first start of a job to its end; the default of its deadline",
    )
    max_variants: Count = Field(64, description="variants in one sweep")


UNLIMITED = Limits(**dict.fromkeys(Limits.model_fields, sys.maxsize))
"""Limits that nothing exceeds."""


class Quotas(BaseModel):
    """The quotas of one owner, published at `/v1/limits`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_running_jobs: Count | None = Field(
        None, description="running jobs and sweeps of one owner; more of them wait"
    )
    max_queued_jobs: Count = Field(1000, description="queued jobs and sweeps of one owner")
    max_stored_bytes_per_owner: Count = Field(
        20 * 2**30, description="bytes that all jobs of one owner store by their ends"
    )
    max_open_streams: Count = Field(
        1000, description="open event streams of one owner in one API process"
    )
    max_requests_per_minute: Count = Field(
        6000, description="requests of one owner with an API key per minute and API process"
    )
    max_datasets: Count = Field(1000, description="uploaded data sets of one owner")
    max_dataset_bytes_per_owner: Count = Field(
        20 * 2**30, description="bytes of all data sets of one owner, as they are stored"
    )
    max_bytes_per_class: Count | None = Field(
        None,
        description="bytes of all jobs and data sets of a class: of its teacher and its pupils",
    )
    max_networks: Count = Field(10_000, description="saved networks of one owner")
    max_exercises: Count = Field(1000, description="exercises of one owner")
    max_uploads: Count = Field(16, description="uploads of one owner that are not yet a data set")


class Settings(BaseSettings):
    """The settings of one process. The variable of a field is `EPOCHAL_` + its name in capitals.

    Raises `pydantic.ValidationError` for an invalid value.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix="EPOCHAL_",
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    http_address: Address = Field(
        Address("127.0.0.1:8000"), description="address of REST and the page; port 0: any free port"
    )
    grpc_address: Address = Field(
        Address("127.0.0.1:50051"), description="address of gRPC; port 0: any free port"
    )
    allow_public: bool = Field(
        False,
        description="allow addresses that other machines can reach without API keys, because a "
        "proxy in front authenticates users",
    )
    require_keys: bool = Field(
        False,
        description="refuse requests without an API key also on loopback addresses; on others they "
        "are always refused",
    )
    allowed_hosts: str | None = Field(
        None,
        description="accepted host names, separated by commas; * accepts any; localhost and IP "
        "addresses are always accepted; unset: no others on a loopback address, any on a public "
        "one",
    )
    allowed_origins: Annotated[str | None, AfterValidator(_origins)] = Field(
        None,
        description="origins of web pages elsewhere that may call the service, separated by "
        "commas, such as https://app.example; * allows any if requests need an API key",
    )
    frame_ancestors: Annotated[str | None, AfterValidator(_frame_ancestors)] = Field(
        None,
        description="origins of web pages elsewhere that may frame /embed/, separated by commas, "
        "such as https://school.example or https://*.school.example; none: no page may; unset: "
        "any page may",
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("./data"), description="folder of the SQLite database; created if missing"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default_factory=lambda valid: f"sqlite:///{valid['data_dir']}/epochal.db",
        repr=False,
        description="sqlite:///file or postgresql+psycopg://user:password@host/name",
    )
    min_free_bytes: Count = Field(
        256 * 2**20,
        description="free bytes for a SQLite database below which the service is degraded",
    )
    broker_url: Annotated[str | None, AfterValidator(_broker_url)] = Field(
        None,
        repr=False,
        description="redis://host:port/number; unset: `epochald up` starts an embedded broker",
    )
    course: bool = Field(
        True, description="serve the course beside the training API: explorers and the journey"
    )
    api_processes: Count = Field(
        1, description="processes of the API on this machine, which share both ports"
    )
    workers: Count = Field(
        default_factory=_available_cores,
        description="processes that train; each trains several jobs in turns",
    )
    lease_seconds: Seconds = Field(
        15.0, description="time without a sign of life after which a worker loses its job"
    )
    reaper_seconds: Seconds = Field(
        2.0, description="interval of the search for lost messages and lost workers"
    )
    flush_seconds: Seconds = Field(0.2, description="interval of the transactions of a running job")
    checkpoint_seconds: Seconds = Field(
        5.0, description="interval of the resume points of a running job"
    )
    max_attempts: Count = Field(3, description="attempts without progress after which a job fails")
    upload_seconds: Seconds = Field(
        3600.0, description="time without a new piece after which an upload is deleted"
    )
    job_ttl_seconds: float | None = Field(
        None,
        ge=1,
        le=1e9,
        description="time after its end after which a job without `ttl_seconds` is deleted; unset: "
        "never",
    )
    webhook_hosts: str = Field(
        "*",
        description="hosts that webhooks are sent to, separated by commas; * is every public host, "
        "over https; a host of the list, such as ci.internal or 10.0.0.5:8080, may be private and "
        "use http; none: no webhooks",
    )
    webhook_seconds: Seconds = Field(
        15.0, description="time in which the receiver of a webhook must reply"
    )
    webhook_retry_seconds: Seconds = Field(
        5.0,
        description="pause after the first failed attempt of a webhook; each later one is five "
        "times as long, up to a day",
    )
    heartbeat_seconds: Seconds = Field(15.0, description="interval of heartbeats on an idle stream")
    engine: Literal["compiled", "python"] | None = Field(
        None,
        description="the engine that trains, with equal results: compiled, or python, which is "
        "slower and needs no C compiler; unset: compiled where it was built",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="text for people, or one JSON object per line"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="minimum severity of logged lines"
    )
    limits: Limits = Field(Limits(), description="limits of one request")
    quotas: Quotas = Field(Quotas(), description="limits of one owner")

    @model_validator(mode="after")
    def _share_memory(self) -> Self:
        if "max_memory_bytes" not in self.limits.model_fields_set:
            chosen = self.limits.model_fields_set
            limits = self.limits.model_copy(
                update={"max_memory_bytes": _memory_share(self.workers)}
            )
            limits.__pydantic_fields_set__ = set(chosen)
            object.__setattr__(self, "limits", limits)
        return self

    @model_validator(mode="after")
    def _check_origins(self) -> Self:
        if "*" in self.origins and not self.needs_keys:
            raise ValueError(
                "EPOCHAL_ALLOWED_ORIGINS=* would let any web page use a service without API keys; "
                "name the origins, or set EPOCHAL_REQUIRE_KEYS=1"
            )
        return self

    @property
    def origins(self) -> list[str]:
        """The allowed origins, in lower case."""
        return [o.strip().lower() for o in (self.allowed_origins or "").split(",") if o.strip()]

    @property
    def public_address(self) -> str | None:
        """The first address that other machines can reach, with its variable; None without one."""
        for name in ("http_address", "grpc_address"):
            address: Address = getattr(self, name)
            if not address.loopback:
                return f"EPOCHAL_{name.upper()}={address}"
        return None

    @property
    def needs_keys(self) -> bool:
        """Whether requests without an API key are refused."""
        return self.require_keys or (self.public_address is not None and not self.allow_public)

    def answers_to(self, host: str) -> bool:
        """Return whether the service accepts a host name, given in lower case."""
        if host == self.http_address.host or is_loopback(host):
            return True
        if self.allowed_hosts is None:
            return not self.http_address.loopback
        allowed = {name.strip().lower() for name in self.allowed_hosts.split(",")}
        return bool(allowed & {"*", host})

    @property
    def sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self.database_url.startswith("sqlite:")

    @property
    def database_path(self) -> Path | None:
        """The path of the SQLite file; None for PostgreSQL."""
        if not self.sqlite:
            return None
        return Path(self.database_url.removeprefix("sqlite:///").partition("?")[0])


def masked(url: str) -> str:
    """Return the URL with its password replaced by three stars."""
    scheme, separator, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    secret = f"{user}:***" if colon else user
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", f"{scheme}{separator}{secret}{at}{host}")


class Explained(NamedTuple):
    """One setting, as `epochald check` prints it."""

    variable: str
    value: str
    origin: str
    """`environment`, `.env` or `default`."""
    description: str


def _text(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else masked(str(value))


def explain(settings: Settings) -> Iterator[Explained]:
    """Yield every setting with its value (passwords masked), its origin and its description."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    dotenv = {name.upper() for name in DotEnvSettingsSource(Settings).env_vars}

    def rows(model: BaseModel, prefix: str) -> Iterator[Explained]:
        for name, field in type(model).model_fields.items():
            variable, value = prefix + name.upper(), getattr(model, name)
            if isinstance(value, BaseModel):
                yield from rows(value, f"{variable}__")
                continue
            if name not in model.model_fields_set:
                origin = "default"
            elif variable in environment or variable not in dotenv:
                origin = "environment"
            else:
                origin = ".env"
            yield Explained(variable, _text(value), origin, field.description or "")

    return rows(settings, "EPOCHAL_")


CLIENT_VARIABLES = frozenset({"EPOCHAL_URL", "EPOCHAL_API_KEY"})
"""Settings that the SDK and the command `epochal` read."""


def unknown_variables() -> list[str]:
    """Return the `EPOCHAL_*` variables that are not settings, sorted."""
    known = {row.variable for row in explain(Settings.model_construct())}
    known |= {"EPOCHAL_LIMITS", "EPOCHAL_QUOTAS", *CLIENT_VARIABLES}
    names = {*os.environ, *DotEnvSettingsSource(Settings).env_vars}
    return sorted({name.upper() for name in names if name.upper().startswith("EPOCHAL_")} - known)
