"""The views table: what the follower derives from opened records. All of it can be made again.

Views come in generations: what is followed anew makes the next one beside the one that is read, and
takes its place when it has all of it. Key origin#name, where the name is

    follower                            the cursor of the generation that is read
    rebuild                             the cursor of the newest one that was made anew
    gaps                                what the publisher may know: counts
    <0 or 1>#state#<name>#<slot>#<n>    a piece of what is sealed, in one of two slots
    <0 or 1>#document#<keyed hash>      `places`: the entries that recorded a document
    <0 or 1>#finding#<number>           one finding, sealed; numbered as they were found

0 or 1: even generations, odd ones. Nothing is ever deleted: a generation takes the place of the one
before the last, item by item, and what is left of that one is seen to be older.

A commit claims the next number of its cursor (`attempt`), writes findings and states under it, the
states into the slot that is not read, and then moves the cursor if that number is still the newest.
Who was overtaken can write nothing over what the other wrote, and readers see that a slot is not
the cursor's: a crash or a race anywhere leaves the views as they were.
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
PIECE_BYTES: Final = 350 * 1024  # of a state: an item holds 400 KB
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
        """Read a cursor (consistent); the beginning where nothing was followed yet."""
        found = self._get(item) or {}
        numbers: Any = {name: int(found[name]["N"]) for name in _NUMBERS if name in found}
        states = {name: int(n["N"]) for name, n in found.get("states", {}).get("M", {}).items()}
        return FollowerCursor(item, **numbers, states=states)

    def rebuild(self, *, begin: bool) -> FollowerCursor:
        """Return the cursor of the generation in the making; another one, to `begin`.

        Where it was finished meanwhile, the cursor of what is read, which it then is. LostRaceError
        where somebody else begins one at this moment.
        """
        live, made = self.cursor(), self.cursor(REBUILD)
        if not begin and made.generation:
            return made if made.generation > live.generation else live
        # The next generation that does not share its keys with the one that is read: one in the
        # making may have been given up.
        next_one = max(live.generation, made.generation) + 1
        next_one += (next_one - live.generation) % 2 == 0
        new = FollowerCursor(
            REBUILD, next_one, max(live.attempt, made.attempt) + 1, announced=live.announced
        )
        self._move(made, new)
        return new

    def claim(self, cursor: FollowerCursor) -> FollowerCursor:
        """Claim the next number of a cursor; LostRaceError where another run did."""
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
        """Replace all states and move the cursor, the commit point; LostRaceError: overtaken."""
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

    def take_over(self, made: FollowerCursor) -> FollowerCursor:
        """Have a generation that was made anew be the one that is read from now on.

        Whoever follows the old one at this moment is overtaken, and not the other way round.
        LostRaceError where it was done already: what is read has moved on since.
        """
        for _ in range(MAX_TAKE_OVERS):
            live = self.cursor()
            new = replace(
                made,
                item=FOLLOWER,
                attempt=max(live.attempt, made.attempt) + 1,
                announced=max(live.announced, made.announced),
            )
            if replace(live, attempt=new.attempt) == new:
                return live  # it was done, and the answer was lost
            if live.generation >= made.generation:
                raise LostRaceError("these views, or newer ones, were taken over already")
            try:
                self._move(live, new)
            except LostRaceError:
                continue
            return new
        raise LostRaceError("the old views move on all the time")

    def state(self, cursor: FollowerCursor, name: str) -> bytes | None:
        """Read a state as of a cursor; None where there is none. LostRaceError: it moved on."""
        keys = [
            (self._table, self._key(_of(cursor, f"state#{name}#{cursor.slot}#{n}")))
            for n in range(cursor.states.get(name, 0))
        ]
        found = {item["key"]["S"]: item for _, item in batch_get(self._client, keys)}
        parts = []
        for _, key in keys:
            item = found.get(key["key"]["S"])
            if item is None or int(item["attempt"]["N"]) != cursor.written:
                raise LostRaceError("the views moved on")
            parts.append(bytes(item["piece"]["B"]))
        return b"".join(parts) if parts else None

    def put_finding(self, claimed: FollowerCursor, number: int, finding: bytes) -> None:
        """Put a finding under its number; LostRaceError where another run overtook this one."""
        self._put(claimed, f"finding#{number}", {"finding": {"B": finding}})

    def findings(self, cursor: FollowerCursor, numbers: Sequence[int]) -> list[bytes]:
        """Return findings of these numbers, in order (consistent); FormatError if one is gone."""
        keys = [(self._table, self._key(_of(cursor, f"finding#{number}"))) for number in numbers]
        found = {
            item["key"]["S"]: bytes(item["finding"]["B"])
            for _, item in batch_get(self._client, keys)
        }
        if len(found) != len(keys):
            raise FormatError("views: a finding is not there")
        return [found[key["key"]["S"]] for _, key in keys]

    def add_places(self, cursor: FollowerCursor, document: str, places: Sequence[str]) -> None:
        """Add entries to a document, in order, each once; adding them again changes nothing.

        `document`: hex of a keyed hash. Beyond the first ones it is only known that there are more.
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
        asked = [
            clause
            for attribute, clause in (
                ("more", "SET more = :more"),
                ("places", "ADD places :places"),
            )
            if attribute in added
        ]
        if not new or (known.more and asked == ["SET more = :more"]):
            return
        values = {**generation, **{f":{attribute}": value for attribute, value in added.items()}}
        if not self._write(
            "update_item",
            Key=self._key(_of(cursor, name)),
            UpdateExpression=" ".join(asked),
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
        """Put what was counted, unless a later run did."""
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
        """Read what was found lacking; None where nothing was looked at yet.

        FormatError for what is no count.
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
            raise FormatError("views: gaps are not of their form") from None
        is_count = min(gaps.followed, gaps.altered) >= 0 and all(
            number > 0 for number in gaps.missing.values()
        )
        if not is_count or ((gaps.missing or gaps.altered) and not gaps.followed):
            raise FormatError("views: gaps are no counts of the entries that were followed")
        return gaps

    def _places(self, cursor: FollowerCursor, name: str) -> DocumentEntries | None:
        item = self._get(_of(cursor, name))
        if item is None or int(item["generation"]["N"]) != cursor.generation:
            return None
        found = sorted(item.get("places", {}).get("SS", ()), key=_in_order)
        return DocumentEntries(tuple(found), "more" in item)

    def _put(self, claimed: FollowerCursor, name: str, attributes: Mapping[str, Any]) -> None:
        """Put an item of a generation under a claimed number, over those of lower ones only."""
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
        """Write under a condition; False where it does not hold."""
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
    """Return the condition that a cursor's newest number is this one; 0: that there is none."""
    if not attempt:
        return {"ConditionExpression": "attribute_not_exists(attempt)"}
    return {
        "ConditionExpression": "attempt = :old",
        "ExpressionAttributeValues": {":old": {"N": str(attempt)}},
    }


def _of(cursor: FollowerCursor, name: str) -> str:
    return f"{cursor.generation % 2}#{name}"


def _new_places(places: Sequence[str], room: int) -> dict[str, Any]:
    """Return the attributes that say so: the first of them, and whether there are more."""
    attributes: dict[str, Any] = {}
    if places[:room]:
        attributes["places"] = {"SS": list(places[:room])}
    if places[room:]:
        attributes["more"] = {"BOOL": True}
    return attributes


def _in_order(place: str) -> int:
    return int(place.partition(" ")[0])
