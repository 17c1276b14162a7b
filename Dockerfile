# One image for all commands of epochald: up, api, worker, migrate, check.

FROM python:3.13-slim AS service
WORKDIR /build
# For the walk of the engine.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/epochal
ENV PATH=/opt/epochal/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# A separate layer: the locked packages change less often than the program.
COPY requirements.lock requirements-build.lock ./
RUN pip install --require-hashes -r requirements.lock
# The image does not contain the build tools.
RUN pip install --target /opt/build --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY tools/build_hook.py tools/
COPY protos protos
COPY engine engine
COPY service service
COPY workers workers
# The page is type-checked against the description of the API, which the service writes.
RUN PYTHONPATH=/opt/build pip install --no-build-isolation --no-deps -e . \
    && python -m epochal_service.rest.openapi protos

FROM node:22-slim AS page
WORKDIR /build
COPY --from=service /build/protos/openapi.json /build/protos/course.openapi.json protos/
COPY service/epochal_course/content/titles.json service/epochal_course/content/
COPY clients/web clients/web
RUN cd clients/web && npm ci && npm run build

FROM service AS build
COPY --from=page /build/service/epochal_service/page service/epochal_service/page
RUN PYTHONPATH=/opt/build EPOCHAL_WALK=required pip install --no-build-isolation --no-deps .

FROM python:3.13-slim
COPY --from=build /opt/epochal /opt/epochal
RUN useradd --system --uid 10001 --create-home epochal \
    && install --directory --owner=epochal --group=epochal /data
USER epochal
WORKDIR /home/epochal
# Only the published ports of a container are reachable from outside, so the service listens on every
# address inside. It therefore needs an API key, and does not start before there is one.
ENV PATH=/opt/epochal/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    EPOCHAL_DATA_DIR=/data \
    EPOCHAL_HTTP_ADDRESS=0.0.0.0:8000 \
    EPOCHAL_GRPC_ADDRESS=0.0.0.0:50051
VOLUME /data
EXPOSE 8000 50051
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["epochald"]
CMD ["up"]
