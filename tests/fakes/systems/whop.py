"""Source: Whop developer documentation, ``whop_sdk`` 2.6.0 and ``@whop/api`` 0.0.51."""

from tests.fakes.systems import NAME, Account, Vector

COMPANY = "biz_Alder0001"
AT = 1793631845
SECRET = "ws_3f9a1c5e7b2d4806a1b3c5d7e9f01234"
# Every state that whop_sdk publishes: ReceiptStatus (with "authorized" of version 2.6.0),
# FriendlyReceiptStatus, DisputeStatuses, RefundStatus.
PAYMENT_STATES = {
    "draft",
    "open",
    "authorized",
    "paid",
    "pending",
    "uncollectible",
    "unresolved",
    "void",
}
PAYMENT_SUBSTATES = {
    "succeeded",
    "requires_capture",
    "pending",
    "failed",
    "blocked",
    "past_due",
    "canceled",
    "price_too_low",
    "uncollectible",
    "refunded",
    "auto_refunded",
    "partially_refunded",
    "dispute_warning",
    "dispute_needs_response",
    "dispute_warning_needs_response",
    "resolution_needs_response",
    "dispute_under_review",
    "dispute_warning_under_review",
    "resolution_under_review",
    "dispute_won",
    "dispute_warning_closed",
    "resolution_won",
    "dispute_lost",
    "dispute_closed",
    "resolution_lost",
    "drafted",
    "incomplete",
    "unresolved",
    "open_dispute",
    "open_resolution",
}
DISPUTE_STATES = {
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "closed",
    "other",
}
REFUND_STATES = {"pending", "requires_action", "succeeded", "failed", "canceled"}
ACCOUNTS = {
    "whop": Account(
        key="apik_7QxNobody5f1c0b9a",
        settings={"company_id": COMPANY},
        refusal={
            "error": {
                "type": "unauthorized",
                "message": "Invalid API key",
                "code": None,
                "param": None,
            }
        },
        pages={
            f"/companies/{COMPANY}": {"id": COMPANY, "title": NAME, "route": "alder"},
            "/payments": {
                "data": [{"id": "pay_1", "user": {"email": "lead.one@example.com"}}],
                "page_info": {"has_next_page": False},
            },
        },
    )
}
VECTORS = {
    "whop": Vector(
        SECRET,
        AT,
        (
            b'{"id":"msg_testvector0001","api_version":"v1",'
            b'"type":"payment.succeeded","data":{"id":"pay_testvector"}}'
        ),
        {
            "webhook-id": "msg_testvector0001",
            "webhook-timestamp": str(AT),
            "webhook-signature": "v1,ytDRInsD7vSmkkA7ywQquW65tJUWBKiGLs9mDA3yZ78=",
        },
    ),
    "whop v5": Vector(
        SECRET,
        AT,
        (
            b'{"action":"payment.succeeded","api_version":"v5",'
            b'"data":{"id":"pay_testvector","final_amount":997.0,"currency":"usd"}}'
        ),
        {
            "x-whop-signature": (
                f"t={AT},v1=38c4498501931876908d10ad841697abf78c8e6ab021ce0098a7b2b61eac3466"
            )
        },
    ),
}
