"""Source: HighLevel API 2.0, locations; API 1.0, pipelines."""

from tests.fakes.systems import NAME, Account, bearer

LOCATION = "locAlder0001"
ACCOUNTS = {
    "ghl": Account(
        key="pit-7qxnobody-5f1c0b9a",
        settings={"api": "v2", "location_id": LOCATION},
        is_known=lambda key, headers: "version" in headers and bearer(key, headers),
        refusal={
            "statusCode": 401,
            "message": "Invalid token: access token is invalid",
            "error": "Unauthorized",
        },
        pages={
            f"/locations/{LOCATION}": {
                "location": {"id": LOCATION, "name": NAME, "timezone": "Europe/Copenhagen"}
            }
        },
    ),
    "ghl_legacy": Account(
        key="eyJhbGciOiJ.location.7QxNobody",
        refusal={"msg": "Api key is invalid."},
        pages={"/pipelines/": {"pipelines": []}},
    ),
}
