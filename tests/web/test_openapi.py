"""The published description of the HTTP interfaces: right by its standard, whole, and true."""

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from caseq.web.openapi import description
from tests.service import case, event, milestone, party, signed
from tests.web import receipts
from tests.web.conftest import UNLIMITED

#: What people's browsers use; everything else is for programs and is in the description.
PAGES = ("pages.", "account.", "performance.", "voices.", "prefill.", "region.", "sms.", "demo.", "static")


@pytest.fixture
def published(service):
    return service.client.get("/api/openapi.json").get_json()


def test_the_description_is_right_by_openapi_3_1(published):
    assert published["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(published).validate()


def test_every_route_for_programs_is_described_and_nothing_else(service, published):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in service.app.url_map.iter_rules()
        if not rule.endpoint.startswith(PAGES) and not rule.rule.startswith("/staff")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, operations in published["paths"].items() for method in operations}


def test_every_request_that_can_be_refused_says_how(published):
    """Whatever reads the database can be 503, whatever is limited 429, whatever takes a body 400, 413 and 415.

    Providers are not limited, and their media types are not ours to choose.
    """
    for path, operations in published["paths"].items():
        for method, operation in operations.items():
            statuses = set(operation["responses"])
            if path.startswith(("/api/v1", "/push", "/sms")):
                assert "503" in statuses, (method, path)
            if "requestBody" in operation and path.startswith("/sms"):
                assert {"404", "413"} <= statuses, (method, path)
                assert "429" not in statuses, (method, path)
            elif "requestBody" in operation:
                assert {"400", "413", "415", "429"} <= statuses, (method, path)


def test_the_schemas_of_requests_refuse_what_the_service_refuses(published):
    schemas = published["components"]["schemas"]
    for name in (
        "Event",
        "CaseData",
        "PartyData",
        "MilestoneData",
        "WithdrawalData",
        "CodesRequest",
        "SessionsRequest",
    ):
        assert schemas[name]["additionalProperties"] is False, name
        assert schemas[name]["required"], name
    assert set(schemas["PartyData"]["properties"]["role"]["enum"]) >= {"victim", "suspect", "petitioner"}
    assert "specversion" in schemas["Event"]["required"]


def test_the_view_that_is_served_is_the_view_that_is_described(service, published):
    service.push(event("case", case()), event("party", party()))
    service.push(event("milestone", milestone("compulsory_measure", details={"measure": "arrest"})))
    document = {**published["components"]["schemas"]["CaseView"], "components": published["components"]}
    view = service.seen_by()
    OAS31Validator(document).validate(view)
    assert set(view) <= set(document["properties"])
    described = document["properties"]["milestones"]["items"]["properties"]
    assert set(view["milestones"][0]) <= set(described)


def test_the_description_tells_no_secret_and_no_address(published):
    text = json.dumps(published)
    assert "127.0.0.1" not in text
    assert "whsec_" not in text


def test_the_description_is_the_same_for_everybody():
    assert description() is description()


@pytest.fixture
def schema(service_with):
    service = service_with(limits=UNLIMITED, **receipts.ACCOUNT, **receipts.ALIYUN)
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    return schemathesis.openapi.from_dict(description()), service


#: A server error is one that is not described: /readyz says 503 as long as no worker runs, and may.
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
MADE_UP = settings(
    max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.slow
def test_made_up_requests_get_the_answers_that_are_described(schema):
    """Every operation, with requests made from the description; those of signed routes are signed."""
    described, service = schema
    token = service.log_in()
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) == sum(len(methods) for methods in description()["paths"].values())
    answered = set()
    for operation in operations:

        @MADE_UP
        @given(case=operation.as_strategy())
        def call(case):
            answered.add(check(case, service, token))

        call()
    assert {200, 202, 204, 400, 401, 503} <= answered
    assert 500 not in answered


def check(case, service, token):
    """Send the made-up request, signed or with a token where that is needed; its status, as described."""
    body = b"" if isinstance(case.body, NotSet) else json.dumps(case.body).encode()
    headers = {"Authorization": f"Bearer {token}"}
    path = case.operation.path.replace("{source}", "criminal").replace("{secret}", receipts.SECRET)
    if path.startswith("/push"):
        headers |= signed("criminal", body, service.clock.now.timestamp())
    data: dict[str, str] | bytes = body
    if path == "/sms/status":
        data = {name: str(value) for name, value in case.body.items()}
        headers |= receipts.signature(data, f"http://127.0.0.1{path}")
    if case.media_type:
        headers["Content-Type"] = case.media_type
    answer = service.client.open(path, method=case.operation.method.upper(), data=data, headers=headers)
    case.validate_response(answer, checks=CHECKS)
    return answer.status_code
