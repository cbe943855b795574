"""What the sandbox refuses with: Discord's own error bodies, codes and statuses."""

from typing import Any, Final

Json = dict[str, Any]
"""A decoded JSON object."""


class ApiError(Exception):
    """An answer to the bot that is an error: HTTP status and Discord's code."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.errors = status, code, message, errors

    def body(self) -> Json:
        """Return the JSON that Discord sends."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class PageError(Exception):
    """An answer to the page: the person cannot do that."""

    def __init__(self, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.field, self.status = message, field, status

    def body(self) -> Json:
        """Return the JSON that the page gets."""
        return {"message": self.message, "field": self.field}


_KNOWN: Final[dict[int, tuple[int, str]]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    10066: (404, "Unknown application command permissions"),
    20012: (403, "You are not authorized to perform this action on this application"),
    30003: (400, "Maximum number of pins reached (50)"),
    30032: (400, "Maximum number of application commands reached"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50016: (
        400,
        "Provided too few or too many messages to delete.",
    ),
    50021: (403, "Cannot execute action on a system message"),
    50027: (401, "Invalid Webhook Token"),
    50034: (400, "A message provided was too old to bulk delete"),
    50109: (400, "The request body contains invalid JSON."),
}


def known(code: int) -> ApiError:
    """Return the error that Discord gives this code to."""
    status, message = _KNOWN[code]
    return ApiError(status, code, message)


def invalid(path: str, code: str, message: str) -> ApiError:
    """Return Discord's error 50035 about one field, such as `data.flags`."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


def unauthorized() -> ApiError:
    """Return the answer to a wrong or missing bot token."""
    return ApiError(401, 0, "401: Unauthorized")


class Problems:
    """Gathers what is wrong with a body, field by field, in the nested shape of Discord's error 50035."""

    def __init__(self) -> None:
        self._errors: Json = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, path: str, code: str, message: str) -> None:
        """Note a fault at `path`, such as `embeds.0.title`."""
        node = self._errors
        for part in path.split("."):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def required(self, path: str) -> None:
        """Note a field that is missing."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def length(self, path: str, low: int, high: int) -> None:
        """Note a text or list whose length is out of bounds."""
        self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def too_long(self, path: str, high: int) -> None:
        """Note a text or list that is too long."""
        self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")

    def choices(self, path: str, allowed: str) -> None:
        """Note a value that is not one of `allowed`."""
        self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{allowed}}}.")

    def text(self, path: str, value: object, low: int, high: int) -> bool:
        """Check a text's type and length (in characters); tell whether it is right."""
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
            return False
        if len(value) > high and low == 0:
            self.too_long(path, high)
            return False
        if not low <= len(value) <= high:
            self.length(path, low, high)
            return False
        return True

    def whole(self, path: str, value: object, low: int, high: int) -> None:
        """Check that a value is a whole number within bounds."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be between {low} and {high}.")

    def under(self, prefix: str) -> "Problems":
        """Return the same faults, noted one level deeper."""
        deeper = Problems()
        deeper._errors = {prefix: self._errors}
        return deeper

    def settle(self) -> None:
        """Raise error 50035 if anything was noted."""
        if self._errors:
            raise ApiError(400, 50035, "Invalid Form Body", self._errors)
