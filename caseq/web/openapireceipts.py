"""The description of the routes that providers of messages call."""

from typing import Any

from caseq.web.openapiparts import TEXT, an_object, answer, refusals


def paths() -> dict[str, Any]:
    """What providers call: they are not limited by address, and get no answer that would tell a stranger anything."""
    key = {"name": "message", "in": "query", "description": "Our key of the message", "schema": TEXT}
    signature = {"name": "X-Twilio-Signature", "in": "header", "required": True, "schema": TEXT}
    fields = an_object({"MessageSid": TEXT, "MessageStatus": TEXT, "ErrorCode": TEXT}, ["MessageSid", "MessageStatus"])
    secret = {"name": "secret", "in": "path", "required": True, "schema": TEXT}
    reports = {"type": "array", "items": an_object({"out_id": TEXT}, [])}
    thanks = an_object({"code": {"const": 0}, "msg": TEXT})
    return {
        "/sms/status": {
            "post": {
                "summary": "What Twilio says of one message, signed as its status callbacks are",
                "parameters": [signature, key],
                "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": fields}}},
                "responses": {
                    "204": {"description": "Taken, or no news"},
                    "403": {"description": "Not signed"},
                    **refusals(404, 413, 503),
                },
            }
        },
        "/sms/status/aliyun/{secret}": {
            "post": {
                "summary": "Aliyun's SmsReport: has Aliyun asked of the messages that it names",
                "parameters": [secret],
                "requestBody": {"required": True, "content": {"application/json": {"schema": reports}}},
                "responses": {"200": answer("Thanks", thanks), **refusals(400, 404, 413, 503)},
            }
        },
    }
