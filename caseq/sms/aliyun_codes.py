"""What the codes of Aliyun's SMS mean to us: refusals of a request, and failures that receipts tell.

Read on the help pages 101346 (codes of the API) and 101347 (codes of receipts). isv: our fault; isp: Aliyun's.
"""

from caseq.errors import AccountProblem, NumberDead, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.rules.delivery import Failure

HOUR_SECONDS = 3600.0

#: It is no number, or its owner has unsubscribed.
NUMBER_CODES = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.CUSTOMER_REFUSED"})

#: What is filled into the template is not taken. The blacklist was one of words and is one of numbers now, for
#: advertising only, so it says nothing about other messages to the number.
MESSAGE_CODES = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.INVALID_JSON_PARAM",
        "isv.INVALID_PARAMETERS",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
    }
)

#: Too many to one number in a minute, an hour or a day. Aliyun's hours and days are the last 60 minutes and 24 hours,
#: not those of the clock, so there is no moment to wait for: try once an hour.
LIMIT_CODE = "isv.BUSINESS_LIMIT_CONTROL"

#: The account, its signature, its templates or our configuration of them: every message of that kind would be refused.
ACCOUNT_CODES = frozenset(
    {
        "PORT_NOT_REGISTERED",
        "SIGNATURE_BLACKLIST",
        "isp.RAM_PERMISSION_DENY",
        "isv.ACCOUNT_ABNORMAL",
        "isv.ACCOUNT_NOT_EXISTS",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.DAY_LIMIT_CONTROL",
        "isv.DENY_IP_RANGE",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.MONTH_LIMIT_CONTROL",
        "isv.OUT_OF_SERVICE",
        "isv.PRODUCT_UNSUBSCRIBE",
        "isv.PRODUCT_UN_SUBSCRIPT",
        "isv.SECURITY_FROZEN_ACCOUNT",
        "isv.SIGN_NAME_ILLEGAL",
        "isv.SIGN_SOURCE_ILLEGAL",
        "isv.SIGN_STATE_ILLEGAL",
        "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
        "isv.SMS_SIGNATURE_ILLEGAL",
        "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
        "isv.SMS_SIGN_ILLEGAL",
        "isv.SMS_TEMPLATE_ILLEGAL",
        "isv.SMS_TEST_NUMBER_LIMIT",
        "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
        "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
        "isv.TEMPLATE_MISSING_PARAMETERS",
    }
)

#: The same of the API in front of all services: what stands before the first point of its codes.
ACCOUNT_FAMILIES = frozenset(
    {
        "Forbidden",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidAction",
        "InvalidTimeStamp",
        "InvalidVersion",
        "NoPermission",
        "SignatureDoesNotMatch",
    }
)

#: The API has seen this very request before, so somebody repeated it on the way: the first one may have been accepted.
REPEATED_CODE = "SignatureNonceUsed"


def is_throttled(code: str) -> bool:
    """Whether the API turned the request away before looking at it, whatever the HTTP status."""
    return code.partition(".")[0] == "Throttling"


def refusal(code: str, retry_after: float | None) -> SmsError:
    """What the refusal of a request means. An error of Aliyun's own (isp) may come after the message was taken; a code
    that nobody listed is tried again, and a human sees it with the last try."""
    family = code.partition(".")[0]
    if code in NUMBER_CODES:
        return NumberDead(code)
    if code in MESSAGE_CODES:
        return Rejected(code)
    if code in ACCOUNT_CODES or family in ACCOUNT_FAMILIES:
        return AccountProblem(code, retry_after)
    if code == LIMIT_CODE:
        return TryLater(code, retry_after or HOUR_SECONDS)
    if code == REPEATED_CODE or family == "isp":
        return OutcomeUnknown(code, retry_after)
    return TryLater(code, retry_after)


#: Codes of receipts. Aliyun does not tell an unused number from a telephone that is switched off or out of reach
#: (MOBILE_NOT_ON_SERVICE, INVALID_NUMBER), and nobody is to be cut off for the second. MOBLLE is how Aliyun spells it.
FAILURES = {
    "CONTENT_ERROR": Failure.MESSAGE,
    "CONTENT_KEYWORD": Failure.MESSAGE,
    "INVALID_NUMBER": Failure.LATER,
    "IS_CLOSE": Failure.LATER,
    "IS_CLOSED": Failure.LATER,
    "MOBILE_ACCOUNT_ABNORMAL": Failure.LATER,
    "MOBILE_IN_BLACK": Failure.NUMBER,
    "MOBILE_NOT_ON_SERVICE": Failure.LATER,
    "MOBILE_SEND_LIMIT": Failure.LATER,
    "MOBILE_TERMINAL_ERROR": Failure.LATER,
    "MOBLLE_TERMINAL_ERROR": Failure.LATER,
    "NO_ROUTE": Failure.MESSAGE,
    "PARAMS_ILLEGAL": Failure.MESSAGE,
    "REQUEST_SUCCESS": Failure.UNKNOWN,  # The carrier never answered.
    "SP_UNKNOWN_ERROR": Failure.UNKNOWN,
    "USER_REJECT": Failure.NUMBER,
    LIMIT_CODE: Failure.LATER,
}


def failure(code: str) -> Failure:
    """Why a message failed by the code of its receipt; carriers' own codes, and what is new, are unknown."""
    if code in NUMBER_CODES:
        return Failure.NUMBER
    if code in MESSAGE_CODES:
        return Failure.MESSAGE
    if code in ACCOUNT_CODES:
        return Failure.ACCOUNT
    return FAILURES.get(code, Failure.UNKNOWN)
