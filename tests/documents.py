"""The OpenAPI documents, for tests that read them: each takes a second to describe."""

from functools import cache

from epochal_service.rest.openapi import describe

openapi_document = cache(describe)
