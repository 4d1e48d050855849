"""The API's own description is valid, and lists neither more nor less than what exists."""

import re

import pytest
from jsonschema import Draft202012Validator

from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS
from core.metrics.export_tables import EXPORTS
from tests import flow
from tests.api.client import get, refused, request, schema_of
from webhooks.app import routes

OPERATION = {"summary", "parameters", "responses", "requestBody", "security"}


@pytest.fixture(scope="module")
def document():
    answer = get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def schemas(part):
    """Every JSON Schema in the description."""
    if isinstance(part, list):
        for each in part:
            yield from schemas(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "schema":
                yield value
            else:
                yield from schemas(value)


def test_every_route_is_described_and_every_description_is_a_route(document):
    there = {
        (route.path, method.lower())
        for route in routes
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")  # what follows from the others
    }
    assert {(path, method) for path, method, _ in operations(document)} == there


def test_the_structure_is_that_of_openapi(document):
    assert document["openapi"] == "3.1.0"
    assert set(document) == {"openapi", "info", "servers", "security", "paths", "components"}
    assert set(document["info"]) >= {"title", "version"}
    for path, _, operation in operations(document):
        assert set(operation) <= OPERATION
        assert re.findall(r"{(\w+)}", path) == [
            each["name"] for each in operation["parameters"] if each["in"] == "path"
        ]
        places = [(each["in"], each["name"]) for each in operation["parameters"]]
        assert len(set(places)) == len(places)
        assert all(each["required"] or each["in"] == "query" for each in operation["parameters"])
        assert all(
            re.fullmatch("[1-5][0-9][0-9]", code) and answer["description"]
            for code, answer in operation["responses"].items()
        )
        assert any(code.startswith("2") for code in operation["responses"])


def test_every_schema_is_json_schema(document):
    found = list(schemas(document["paths"])) + list(document["components"]["schemas"].values())
    assert len(found) > 20
    for schema in found:
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": "([^"]+)"', str(document).replace("'", '"')))
    assert references == {
        f"#/components/schemas/{name}" for name in document["components"]["schemas"]
    }


def test_only_what_is_open_to_all_needs_no_token(document):
    named = set(document["components"]["securitySchemes"])
    assert document["security"] == [{name: []} for name in named]
    free = {path for path, _, operation in operations(document) if operation.get("security") == []}
    assert {path for path in document["paths"] if path not in free} == {
        path
        for path in document["paths"]
        if path.startswith("/api/") and path not in ("/api/auth/login", "/api/openapi.json")
    }


def test_it_lists_what_the_product_lists(document):
    asked = {each["name"]: each for each in document["paths"]["/api/metrics"]["get"]["parameters"]}
    assert all(name in asked["metrics"]["description"] for name in METRICS)
    assert all(name in asked["by"]["description"] for name in DIMENSIONS)
    [table] = [
        each
        for each in document["paths"]["/api/export"]["get"]["parameters"]
        if each["name"] == "table"
    ]
    assert table["schema"]["enum"] == list(EXPORTS)
    answer = document["paths"]["/api/metrics"]["get"]["responses"]["200"]["content"]
    figures = schema_of(answer["application/json"]["schema"], document)["properties"]
    totals = schema_of(figures["totals"], document)
    assert set(totals["properties"]) == set(METRICS)


def test_health_is_told_to_anybody(running):
    answers = {
        path: running(lambda path=path: flow.post(path, method="GET"))
        for path in ("/healthz", "/readyz", "/metrics")
    }
    assert (answers["/healthz"].status_code, answers["/healthz"].json()) == (200, {"status": "ok"})
    assert (answers["/readyz"].status_code, answers["/readyz"].json()) == (200, {"status": "ready"})
    assert answers["/metrics"].headers["content-type"].startswith("text/plain")
    assert "salesops_deliveries_total" in answers["/metrics"].text


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/", (404, "not_found", None)),
        ("GET", "/api", (404, "not_found", None)),
        ("GET", "/api/users", (404, "not_found", None)),
        ("GET", "/api/auth/login", (405, "method_not_allowed", None)),
        ("DELETE", "/api/events", (405, "method_not_allowed", None)),
        ("PUT", "/api/payout-snapshots", (405, "method_not_allowed", None)),
    ],
)
def test_what_is_not_there_is_refused_in_the_one_shape(method, path, refusal):
    assert refused(request(method, path)) == refusal


def test_what_is_counted_is_described_with_its_headers(document):
    for path, _, operation in operations(document):
        counted = {
            code
            for code, answer in operation["responses"].items()
            if "X-RateLimit-Remaining" in answer.get("headers", {})
        }
        if operation.get("security") == []:
            assert counted == set(), path
        else:
            assert counted >= {"200", "403", "429"} or counted >= {"201", "403", "429"}
            assert "401" not in counted
