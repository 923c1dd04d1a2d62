"""The API's own description: the OpenAPI document, and a page that people can read."""

import http
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from web.api.reference import reference
from web.problems import MEDIA_TYPE, Problem
from web.routing import routes_of
from web.site import Site, SiteOf

router = APIRouter()

ABOUT = (
    "Soonish tells people what is coming, where they already are. Times are RFC 3339, with an offset; lists are "
    "{items, next} with limit and cursor; every refusal is problem details (RFC 9457). Programs send a bearer token; "
    "a browser that is signed in is known by its cookie."
)
_REF = "#/components/schemas/Problem"
MEANINGS = {
    401: "Nobody is signed in, or the token is not valid",
    403: "Not yours to do, or not before you confirm who you are",
    404: "Not there, or not for you",
    408: "The body took longer than 30 seconds",
    409: "It is in another state, or somebody was first",
    413: "The body is larger than 256 KiB",
    415: "The body is not JSON",
    422: "A field is not right; errors names it",
    429: "Too many in a short time; Retry-After says when",
    500: "Something broke; the hint has a reference",
    503: "The database does not answer; Retry-After says when",
}
_WITH_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for its documentation."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF}, "example": _example(status)}}
    found: dict[str, Any] = {"description": MEANINGS[status], "content": content}
    if status in _WITH_HEADERS:
        found["headers"] = {_WITH_HEADERS[status]: {"schema": {"type": "string"}}}
    return found


def _example(status: int) -> dict[str, Any]:
    where = f"https://soonish.example/api/docs#problem-{status}"
    title = http.HTTPStatus(status).phrase
    return Problem(type=where, title=title, status=status, detail=f"{MEANINGS[status]}.").model_dump()


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        site: Site = app.state.site
        # Operations stand under a heading, and pages do not.
        operations = [route for route in routes_of(app).all if route.tags]
        app.openapi_schema = _complete(
            get_openapi(title=app.title, version=app.version, description=app.description, routes=operations)
        )
        app.openapi_schema["components"]["securitySchemes"]["session"]["name"] = site.cookies.session_name
    return app.openapi_schema


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """What holds for every operation is said of each: the database may be away, bodies are bounded JSON."""
    document["components"]["schemas"]["Problem"] = Problem.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    nested = document["components"]["schemas"]["Problem"].pop("$defs")
    document["components"]["schemas"].update(nested)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if "HTTPValidationError" in repr(operation["responses"].get("422")):
                # The framework's own, for operations whose only parameters are ids: those answer 404 here.
                del operation["responses"]["422"]
            for status, answer in operation["responses"].items():
                if answer["description"] == "Successful Response":
                    answer["description"] = http.HTTPStatus(int(status)).phrase
            common = [500, 503]
            if method != "get":
                # A cookie that another site sent along, or a session that must prove itself first.
                common.append(403)
            if "requestBody" in operation:
                common += [408, 413, 415, 422]
            for status in common:
                operation["responses"].setdefault(str(status), _problem(status))
    return document


@router.get("/api/openapi.json")
async def openapi_document(request: Request) -> Response:
    return JSONResponse(openapi(request.app), headers={"Cache-Control": "no-cache"})


@router.get("/api/docs")
async def documentation(request: Request, site: SiteOf) -> Response:
    return site.pages.page(
        "docs.html", groups=reference(openapi(request.app)), about=ABOUT, meanings=MEANINGS, phrase=_phrase
    )


def _phrase(status: int) -> str:
    return http.HTTPStatus(status).phrase
