"""Changing moto from outside."""


def replace(owner: object, name: str, value: object) -> None:
    """Put `value` in place of what moto has there; AttributeError when moto no longer has it."""
    if not hasattr(owner, name):
        raise AttributeError(f"moto changed: {owner!r} has no {name}")
    setattr(owner, name, value)
