"""The views table: data that the follower derives from opened records, and can rebuild.

Views have generations: a rebuild writes the next one beside the current one, and takes over once it
is complete. The key is origin#name, where the name is

    follower                            the cursor of the current generation
    rebuild                             the cursor of the newest rebuilt generation
    gaps                                counts for the publisher
    <0 or 1>#state#<name>#<slot>#<n>    a piece of a sealed state, in one of two slots
    <0 or 1>#document#<keyed hash>      `places`: the entries that recorded a document
    <0 or 1>#finding#<number>           one sealed finding, numbered in the order of detection

0 or 1: even or odd generations. Nothing is ever deleted: a generation overwrites the one before the
last, item by item, and the remaining items of that one are recognized as older.

A commit claims the next number of its cursor (`attempt`), writes findings and states under it, the
states into the inactive slot, and then moves the cursor if that number is still the newest. An
overtaken run cannot overwrite the other run's items, and readers recognize a slot that does not
belong to the cursor: a crash or a race at any point leaves the views unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from audit_ledger.aws.batches import batch_get
from audit_ledger.errors import FormatError, LostRaceError
from audit_ledger.ledger.follower_views import FOLLOWER, DocumentEntries, FollowerCursor, Gaps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REBUILD: Final = "rebuild"
GAPS: Final = "gaps"
PIECE_BYTES: Final = 350 * 1024  # of a state: an item has at most 400 KB
MAX_TAKE_OVERS: Final = 5
MAX_PLACES: Final = 200  # of a document, the first ones; a set of them is 20 KB


_NUMBERS: Final = ("generation", "attempt", "written", "slot", "next_seq", "announced", "findings")


class ViewsTable:
    """One ledger's views."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def cursor(self, item: str = FOLLOWER) -> FollowerCursor:
        """Read a cursor (consistent); return the start if nothing was followed yet."""
        found = self._get(item) or {}
        numbers: Any = {name: int(found[name]["N"]) for name in _NUMBERS if name in found}
        states = {name: int(n["N"]) for name, n in found.get("states", {}).get("M", {}).items()}
        return FollowerCursor(item, **numbers, states=states)

    def rebuild(self, *, begin: bool) -> FollowerCursor:
        """Return the cursor of the generation being rebuilt; with `begin`, that of a new one.

        If the rebuild has taken over meanwhile, return the current cursor. Raise LostRaceError if
        another run begins a rebuild at the same time.
        """
        live, rebuilt = self.cursor(), self.cursor(REBUILD)
        if not begin and rebuilt.generation:
            return rebuilt if rebuilt.generation > live.generation else live
        # The next generation with other keys than the current one: an unfinished rebuild may have
        # been abandoned.
        generation = max(live.generation, rebuilt.generation) + 1
        generation += (generation - live.generation) % 2 == 0
        new = FollowerCursor(
            REBUILD, generation, max(live.attempt, rebuilt.attempt) + 1, announced=live.announced
        )
        self._move(rebuilt, new)
        return new

    def claim(self, cursor: FollowerCursor) -> FollowerCursor:
        """Claim the next number of a cursor; raise LostRaceError if another run did."""
        claimed = replace(cursor, attempt=cursor.attempt + 1)
        self._update_attempt(cursor, claimed.attempt)
        return claimed

    def commit(
        self,
        claimed: FollowerCursor,
        *,
        next_seq: int,
        announced: int,
        findings: int,
        states: Mapping[str, bytes],
    ) -> FollowerCursor:
        """Replace all states, move the cursor (commit point); raise LostRaceError if overtaken."""
        slot = 1 - claimed.slot
        counts: dict[str, int] = {}
        for name, state in states.items():
            pieces = [state[at : at + PIECE_BYTES] for at in range(0, len(state), PIECE_BYTES)]
            counts[name] = len(pieces)
            for number, piece in enumerate(pieces):
                self._put(claimed, f"state#{name}#{slot}#{number}", {"piece": {"B": piece}})
        new = replace(
            claimed,
            written=claimed.attempt,
            slot=slot,
            next_seq=next_seq,
            announced=announced,
            findings=findings,
            states=counts,
        )
        self._move(claimed, new)
        return new

    def take_over(self, rebuilt: FollowerCursor) -> FollowerCursor:
        """Make a rebuilt generation the current one.

        A run that follows the old generation at the same time is overtaken, never the reverse.
        Raise LostRaceError if this happened before and the views have changed since.
        """
        for _ in range(MAX_TAKE_OVERS):
            live = self.cursor()
            new = replace(
                rebuilt,
                item=FOLLOWER,
                attempt=max(live.attempt, rebuilt.attempt) + 1,
                announced=max(live.announced, rebuilt.announced),
            )
            if replace(live, attempt=new.attempt) == new:
                return live  # taken over before, and the response was lost
            if live.generation >= rebuilt.generation:
                raise LostRaceError("these views, or newer ones, were taken over already")
            try:
                self._move(live, new)
            except LostRaceError:
                continue
            return new
        raise LostRaceError(f"views: changed during each of {MAX_TAKE_OVERS} attempts")

    def state(self, cursor: FollowerCursor, name: str) -> bytes | None:
        """Return a state as of a cursor; None if absent; raise LostRaceError if it has changed."""
        keys = [
            (self._table, self._key(_of(cursor, f"state#{name}#{cursor.slot}#{n}")))
            for n in range(cursor.states.get(name, 0))
        ]
        found = {item["key"]["S"]: item for _, item in batch_get(self._client, keys)}
        parts = []
        for _, key in keys:
            item = found.get(key["key"]["S"])
            if item is None or int(item["attempt"]["N"]) != cursor.written:
                raise LostRaceError("views: changed during the read")
            parts.append(bytes(item["piece"]["B"]))
        return b"".join(parts) if parts else None

    def put_finding(self, claimed: FollowerCursor, number: int, finding: bytes) -> None:
        """Put a finding under its number; raise LostRaceError if another run overtook this one."""
        self._put(claimed, f"finding#{number}", {"finding": {"B": finding}})

    def findings(self, cursor: FollowerCursor, numbers: Sequence[int]) -> list[bytes]:
        """Return findings by number, in order (consistent); raise FormatError if one is missing."""
        keys = [(self._table, self._key(_of(cursor, f"finding#{number}"))) for number in numbers]
        found = {
            item["key"]["S"]: bytes(item["finding"]["B"])
            for _, item in batch_get(self._client, keys)
        }
        if len(found) != len(keys):
            raise FormatError("views: a finding is missing")
        return [found[key["key"]["S"]] for _, key in keys]

    def add_places(self, cursor: FollowerCursor, document: str, places: Sequence[str]) -> None:
        """Add entries to a document, in order, each once; adding them again changes nothing.

        `document`: hex of a keyed hash. Beyond MAX_PLACES, only note that there are more entries.
        """
        name, places = f"document#{document}", tuple(dict.fromkeys(places))
        known = self._places(cursor, name)
        generation = {":generation": {"N": str(cursor.generation)}}
        if known is None:
            item = {
                **self._key(_of(cursor, name)),
                "generation": generation[":generation"],
                **_new_places(places, MAX_PLACES),
            }
            if self._write(
                "put_item",
                Item=item,
                ConditionExpression="attribute_not_exists(generation) OR generation < :generation",
                ExpressionAttributeValues=generation,
            ):
                return
            known = self._places(cursor, name)
            if known is None:
                raise LostRaceError("another follower moved on")
        new = [place for place in places if place not in known.entries]
        added = _new_places(new, max(0, MAX_PLACES - len(known.entries)))
        clauses = [
            clause
            for attribute, clause in (
                ("more", "SET more = :more"),
                ("places", "ADD places :places"),
            )
            if attribute in added
        ]
        if not new or (known.more and clauses == ["SET more = :more"]):
            return
        values = {**generation, **{f":{attribute}": value for attribute, value in added.items()}}
        if not self._write(
            "update_item",
            Key=self._key(_of(cursor, name)),
            UpdateExpression=" ".join(clauses),
            ConditionExpression="generation = :generation",
            ExpressionAttributeValues=values,
        ):
            raise LostRaceError("another follower moved on")

    def places(self, document: str) -> DocumentEntries:
        """Return the entries that recorded a document (consistent)."""
        return self._places(self.cursor(), f"document#{document}") or DocumentEntries(
            (), more=False
        )

    def put_gaps(self, cursor: FollowerCursor, gaps: Gaps) -> None:
        """Put the counts, unless a later run did."""
        item: dict[str, Any] = {
            **self._key(GAPS),
            "followed": {"N": str(gaps.followed)},
            "missing": {"M": {portal: {"N": str(n)} for portal, n in gaps.missing.items()}},
            "altered": {"N": str(gaps.altered)},
            "first_altered": {"L": [{"N": str(seq)} for seq in gaps.first_altered]},
            "attempt": {"N": str(cursor.attempt)},
        }
        self._put_if_newer(item, "attempt <= :attempt", cursor.attempt)

    def gaps(self) -> Gaps | None:
        """Read the counts; return None if nothing was followed yet.

        Raise FormatError if they are malformed.
        """
        item = self._client.get_item(TableName=self._table, Key=self._key(GAPS)).get("Item")
        if item is None:
            return None
        try:
            gaps = Gaps(
                int(item["followed"]["N"]),
                {portal: int(number["N"]) for portal, number in item["missing"]["M"].items()},
                int(item["altered"]["N"]),
                tuple(int(seq["N"]) for seq in item["first_altered"]["L"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise FormatError("views: gaps: expected the counts of a follower") from None
        is_count = min(gaps.followed, gaps.altered) >= 0 and all(
            number > 0 for number in gaps.missing.values()
        )
        if not is_count or ((gaps.missing or gaps.altered) and not gaps.followed):
            raise FormatError("views: gaps: expected counts of followed entries")
        return gaps

    def _places(self, cursor: FollowerCursor, name: str) -> DocumentEntries | None:
        item = self._get(_of(cursor, name))
        if item is None or int(item["generation"]["N"]) != cursor.generation:
            return None
        found = sorted(item.get("places", {}).get("SS", ()), key=_in_order)
        return DocumentEntries(tuple(found), "more" in item)

    def _put(self, claimed: FollowerCursor, name: str, attributes: Mapping[str, Any]) -> None:
        """Put an item of a generation under a claimed number; never overwrite a higher number's."""
        item = {
            **self._key(_of(claimed, name)),
            **attributes,
            "attempt": {"N": str(claimed.attempt)},
        }
        if not self._put_if_newer(item, "attempt <= :attempt", claimed.attempt):
            raise LostRaceError("another follower moved on")

    def _put_if_newer(self, item: Mapping[str, Any], condition: str, attempt: int) -> bool:
        return self._write(
            "put_item",
            Item=item,
            ConditionExpression=f"attribute_not_exists(attempt) OR {condition}",
            ExpressionAttributeValues={":attempt": {"N": str(attempt)}},
        )

    def _move(self, old: FollowerCursor, new: FollowerCursor) -> None:
        """Replace a cursor's item, if its newest number is still that of `old`."""
        item = {
            **self._key(new.item),
            **{name: {"N": str(getattr(new, name))} for name in _NUMBERS},
            "states": {"M": {name: {"N": str(count)} for name, count in new.states.items()}},
        }
        if not self._write("put_item", Item=item, **_still(old.attempt)):
            raise LostRaceError("another follower moved on")

    def _update_attempt(self, old: FollowerCursor, attempt: int) -> None:
        still = _still(old.attempt)
        values = {
            ":new": {"N": str(attempt)},
            **still.pop("ExpressionAttributeValues", {}),
        }
        if not self._write(
            "update_item",
            Key=self._key(old.item),
            UpdateExpression="SET attempt = :new",
            ExpressionAttributeValues=values,
            **still,
        ):
            raise LostRaceError("another follower moved on")

    def _write(self, operation: str, **arguments: Any) -> bool:
        """Write under a condition; return False if it is not met."""
        try:
            getattr(self._client, operation)(TableName=self._table, **arguments)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _get(self, name: str) -> dict[str, Any] | None:
        answer = self._client.get_item(
            TableName=self._table, Key=self._key(name), ConsistentRead=True
        )
        return answer.get("Item")

    def _key(self, name: str) -> dict[str, Any]:
        return {"key": {"S": f"{self._origin}#{name}"}}


def _still(attempt: int) -> dict[str, Any]:
    """Return the condition that a cursor's newest number is `attempt`; 0: that there is none."""
    if not attempt:
        return {"ConditionExpression": "attribute_not_exists(attempt)"}
    return {
        "ConditionExpression": "attempt = :old",
        "ExpressionAttributeValues": {":old": {"N": str(attempt)}},
    }


def _of(cursor: FollowerCursor, name: str) -> str:
    return f"{cursor.generation % 2}#{name}"


def _new_places(places: Sequence[str], room: int) -> dict[str, Any]:
    """Return the attributes of at most `room` places, and the mark that there are more."""
    attributes: dict[str, Any] = {}
    if places[:room]:
        attributes["places"] = {"SS": list(places[:room])}
    if places[room:]:
        attributes["more"] = {"BOOL": True}
    return attributes


def _in_order(place: str) -> int:
    return int(place.partition(" ")[0])
