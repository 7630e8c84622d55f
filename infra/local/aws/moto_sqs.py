"""Faults and slow parts of SQS in moto 5.2.5, patched from outside.

Each line names what to delete when moto is corrected:

- every call counts the whole queue several times, with a clock call a message: 33 ms a send at a
  depth of 1,000, instead of 2: `_messages`, `_delayed`, `_not_visible`, `_is_retained`,
  `_delete_message`.
- SenderId is the same for every sender: `_patch_sender_id`.
- a message is not visible again before a millisecond after its timeout: `_is_visible`.
- a receive that waits keeps all other calls waiting, and has nothing to wait for: `_patch_receive`.
- a message is measured in characters, not in bytes of UTF-8: `_patch_message_size`.

With all of them, delete this module and the calls of `patch_moto_sqs`.
"""

from functools import cache, wraps
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

from infra.local.aws.call_context import current_caller
from infra.local.aws.patching import replace


@cache
def patch_moto_sqs() -> None:
    """Patch moto's SQS for the rest of this process; calling it again does nothing."""
    _patch_sender_id()
    _patch_message_size()
    _patch_receive()
    replace(Message, "visible", property(_is_visible))
    replace(Queue, "messages", property(_messages))
    replace(Queue, "approximate_number_of_messages_delayed", property(_delayed))
    replace(Queue, "approximate_number_of_messages_not_visible", property(_not_visible))
    replace(Queue, "delete_message", _delete_message)
    replace(SQSBackend, "is_message_valid_based_on_retention_period", _is_retained)


def _messages(queue: Queue) -> list[Message]:
    """Return the messages that can be received now, in order of sending."""
    now = unix_time_millis()
    return [m for m in queue._messages if m.visible_at <= now and m.delayed_until <= now]


def _delayed(queue: Queue) -> int:
    now = unix_time_millis()
    return sum(m.delayed_until > now for m in queue._messages)


def _not_visible(queue: Queue) -> int:
    now = unix_time_millis()
    return sum(m.visible_at > now for m in queue._messages)


def _delete_message(queue: Queue, receipt_handle: str) -> None:
    """Delete by a receipt handle, also by an old one; the oldest messages are found at once."""
    if receipt_handle in queue.deleted_messages:
        return
    for place, message in enumerate(queue._messages):
        if message.receipt_handle == receipt_handle or message.had_receipt_handle(receipt_handle):
            del queue._messages[place]
            queue.pending_messages.discard(message)
            queue.deleted_messages.update(h for h in message.all_receipt_handles if h)
            return
    raise ReceiptHandleIsInvalid


def _is_retained(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    """Return whether a message is younger than the queue's retention period."""
    retention_ms: int = backend.get_queue(queue_name).message_retention_period * 1000  # type: ignore[attr-defined]
    sent_ms: int = message.sent_timestamp  # type: ignore[assignment]
    return sent_ms + retention_ms > unix_time_millis()


def _is_visible(message: Message) -> bool:
    return message.visible_at <= unix_time_millis()


def _patch_receive() -> None:
    moto_receive = SQSBackend.receive_message

    @wraps(moto_receive)
    def receive_at_once(
        backend: SQSBackend, queue_name: str, count: int, _wait: int, *a: Any, **k: Any
    ) -> list[Message]:
        return moto_receive(backend, queue_name, count, 0, *a, **k)

    replace(SQSBackend, "receive_message", receive_at_once)


def _patch_sender_id() -> None:
    moto_init = Message.__init__

    @wraps(moto_init)
    def init(message: Message, *args: Any, **kwargs: Any) -> None:
        moto_init(message, *args, **kwargs)
        caller = current_caller()
        if caller is not None and caller.principal_id is not None:
            message.sender_id = caller.principal_id

    replace(Message, "__init__", init)


def _patch_message_size() -> None:
    moto_validate = SQSBackend._validate_message

    @wraps(moto_validate)
    def validate(backend: SQSBackend, queue: Queue, message_body: str, *a: Any, **k: Any) -> None:
        moto_validate(backend, queue, message_body, *a, **k)
        limit: int = queue.maximum_message_size  # type: ignore[attr-defined]
        if len(message_body.encode()) > limit:
            raise InvalidParameterValue(
                f"One or more parameters are invalid. Reason: Message must be shorter than {limit} "
                "bytes."
            )

    replace(SQSBackend, "_validate_message", validate)
