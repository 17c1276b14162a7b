"""Everything an operator may choose, read once from `EPOCHAL_*` variables or a `.env` file."""

import ipaddress
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

DATABASE_SCHEMES = ("sqlite", "postgresql+psycopg")
BROKER_SCHEMES = ("redis", "rediss", "unix", "redis+socket")


class Address(str):
    """A `host:port` to listen on; an IPv6 host stands in brackets, port 0 means any free port."""

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
        """Whether only this machine can reach the address. Other host names count as public."""
        return is_loopback(self.host)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whoever asks. Of names, localhost alone is known to be."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _database_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in DATABASE_SCHEMES:
        # Only the scheme is repeated: the rest may hold a password.
        raise ValueError(
            f"{scheme + '://…' if separator else 'this'!r} is not a database that Epochal knows; "
            "write sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/name"
        )
    if scheme == "sqlite" and rest.partition("?")[0] in ("", "/", "/:memory:"):
        raise ValueError("a SQLite database in memory cannot be shared by processes; name a file")
    return url


def _broker_url(url: str | None) -> str | None:
    if not url:
        return None
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in BROKER_SCHEMES:
        raise ValueError(
            f"{scheme + '://…' if separator else 'this'!r} is not a broker that Epochal knows; "
            "write redis://host:6379/0, rediss://…, or unix:///path/to/socket"
        )
    return url


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1)]


class Limits(BaseModel):
    """What one request may ask for; published at `/v1/limits` so that clients need not guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_body_bytes: Count = Field(16 * 2**20, description="bytes in the body of one request")
    max_upload_bytes: Count = Field(10 * 2**20, description="bytes in one uploaded data set")
    max_parameters: Count = Field(5_000_000, description="trainable numbers in one network")
    max_layers: Count = Field(64, description="layers in one network")
    max_units: Count = Field(8192, description="units in one layer")
    max_window_places: Count = Field(
        2048, description="places in all windows of one network: kernels and pools"
    )
    max_samples: Count = Field(100_000, description="samples in one data set")
    max_features: Count = Field(4096, description="numbers in one sample")
    max_predict_rows: Count = Field(50_000, description="rows or grid points in one prediction")
    max_inspected_values: Count = Field(
        500_000, description="numbers in one answer about the inside of a network"
    )
    max_epochs: Count = Field(1_000_000, description="epochs in one job")
    max_flops: float = Field(
        1e15,
        gt=0,
        allow_inf_nan=False,
        description="floating-point operations in one job: 3 x forward x samples x epochs",
    )
    max_variants: Count = Field(64, description="variants in one sweep")
    max_datasets: Count = Field(1000, description="uploaded data sets kept at a time")


class Settings(BaseSettings):
    """The settings of one process; every field is the variable `EPOCHAL_` + its name in capitals.

    Raises `pydantic.ValidationError` where a value has no meaning, where an address is public
    without `allow_public`, and where a lease could run out between two flushes.
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
        Address("127.0.0.1:8000"), description="where REST and the page listen; port 0: any free"
    )
    grpc_address: Address = Field(
        Address("127.0.0.1:50051"), description="where gRPC listens; port 0: any free"
    )
    allow_public: bool = Field(
        False, description="allow addresses that other machines reach; there are no API keys yet"
    )
    allowed_hosts: str | None = Field(
        None,
        description="names it answers to, with commas between; * is any; localhost and addresses "
        "always are; unset: no other on a loopback address, any on a public one",
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("./data"), description="folder of the SQLite database; made if missing"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default_factory=lambda valid: f"sqlite:///{valid['data_dir']}/epochal.db",
        repr=False,
        description="sqlite:///file or postgresql+psycopg://user:password@host/name",
    )
    broker_url: Annotated[str | None, AfterValidator(_broker_url)] = Field(
        None,
        repr=False,
        description="redis://host:port/number; unset: `epochald up` brings its own",
    )
    workers: Count = Field(
        default_factory=_available_cores, description="jobs trained at a time, one process each"
    )
    lease_seconds: Seconds = Field(
        15.0, description="a worker silent for this long loses its job to another"
    )
    reaper_seconds: Seconds = Field(
        2.0, description="pause between two searches for lost messages and lost workers"
    )
    flush_seconds: Seconds = Field(
        0.2, description="time between two transactions of a running job"
    )
    checkpoint_seconds: Seconds = Field(
        5.0, description="time between two checkpoints of a running job, at most"
    )
    max_attempts: Count = Field(
        3, description="attempts without progress after which a job has failed"
    )
    heartbeat_seconds: Seconds = Field(
        15.0, description="time between two signs of life on a quiet stream"
    )
    log_format: Literal["console", "json"] = Field("console", description="for people or machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least severe line that is logged"
    )
    limits: Limits = Field(Limits(), description="what one request may ask for")

    @model_validator(mode="after")
    def _only_loopback_without_keys(self) -> Self:
        for name in ("http_address", "grpc_address"):
            address: Address = getattr(self, name)
            if not address.loopback and not self.allow_public:
                raise ValueError(
                    f"EPOCHAL_{name.upper()}={address} would let other machines in, and there are "
                    "no API keys yet; keep it on 127.0.0.1, or set EPOCHAL_ALLOW_PUBLIC=1 if "
                    "something in front decides who may enter"
                )
        return self

    @model_validator(mode="after")
    def _a_lease_outlives_its_flushes(self) -> Self:
        if self.lease_seconds < 5 * self.flush_seconds:
            raise ValueError(
                f"EPOCHAL_LEASE_SECONDS={self.lease_seconds:g} must be at least five times "
                f"EPOCHAL_FLUSH_SECONDS={self.flush_seconds:g}: a flush renews the lease"
            )
        return self

    def answers_to(self, host: str) -> bool:
        """Whether a host name in lower case is one of the service's own."""
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
        """The SQLite file; None for PostgreSQL."""
        if not self.sqlite:
            return None
        return Path(self.database_url.removeprefix("sqlite:///").partition("?")[0])


def masked(url: str) -> str:
    """The URL with three stars in the place of its password."""
    scheme, separator, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    secret = f"{user}:***" if colon else user
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", f"{scheme}{separator}{secret}{at}{host}")


class Explained(NamedTuple):
    """One setting for the eyes of an operator."""

    variable: str
    value: str
    origin: str
    """`environment`, `.env` or `default`."""
    description: str


def _written(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else masked(str(value))


def explain(settings: Settings) -> Iterator[Explained]:
    """Every setting with its value (passwords masked), where that came from, and its meaning."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    dotenv = {name.upper() for name in DotEnvSettingsSource(Settings).env_vars}

    def one(model: BaseModel, prefix: str) -> Iterator[Explained]:
        for name, field in type(model).model_fields.items():
            variable, value = prefix + name.upper(), getattr(model, name)
            if isinstance(value, BaseModel):
                yield from one(value, f"{variable}__")
                continue
            if name not in model.model_fields_set:
                origin = "default"
            elif variable in environment or variable not in dotenv:
                origin = "environment"
            else:
                origin = ".env"
            yield Explained(variable, _written(value), origin, field.description or "")

    return one(settings, "EPOCHAL_")


def unknown_variables() -> list[str]:
    """The `EPOCHAL_*` variables of the environment and `.env` that name no setting, sorted."""
    known = {row.variable for row in explain(Settings.model_construct())} | {"EPOCHAL_LIMITS"}
    given = {*os.environ, *DotEnvSettingsSource(Settings).env_vars}
    return sorted({name.upper() for name in given if name.upper().startswith("EPOCHAL_")} - known)
