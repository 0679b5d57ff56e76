"""A model field whose column is always ciphertext.

The attribute holds ciphertext as long as nobody asks, so listing rows decrypts nothing; reading the attribute opens it,
and raises :class:`SealedValueError` when it cannot. The value is bound to the row's primary key, so models that use the
field need one that exists before saving (a UUID). With ``bound_to`` it is also bound to what that attribute of the row
says, e.g. to where a secret may be sent: it does not open when the row says something else.
"""

from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast, overload

from django.db import models

from core.vault.keyring import SealedValueError, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper


class Sealed(str):
    """Ciphertext on its way between the column and the model."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Sealed>"


class _OpenOnRead:
    """The descriptor that opens a sealed value when the attribute is read."""

    def __init__(self, field: "EncryptedField") -> None:
        self.field = field

    @overload
    def __get__(self, instance: None, owner: type[models.Model]) -> "_OpenOnRead": ...
    @overload
    def __get__(self, instance: models.Model, owner: type[models.Model]) -> str: ...
    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> "str | _OpenOnRead":
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__[name]
        return unseal(value, binding=self.field.binding(instance)) if isinstance(value, Sealed) else value

    def __set__(self, instance: models.Model, value: str | None) -> None:
        if not self._holds_already(instance, value):
            instance.__dict__[self.field.attname] = value or ""

    def _holds_already(self, instance: models.Model, value: str | None) -> bool:
        """Validation reads and sets every field: the same secret must not become new ciphertext by that."""
        current = instance.__dict__.get(self.field.attname)
        if not isinstance(current, Sealed) or isinstance(value, Sealed) or not value:
            return False
        try:
            return unseal(current, binding=self.field.binding(instance)) == value
        except SealedValueError:
            return False


class EncryptedField(models.TextField[str, str]):
    """Text sealed with the key ring; empty text is stored as it is."""

    descriptor_class = cast("Any", _OpenOnRead)

    def __init__(self, *args: Any, bound_to: str = "", **kwargs: Any) -> None:
        """``bound_to``: path of an attribute from the row, e.g. ``bot.destination``, whose text the value is bound to."""
        kwargs.setdefault("default", "")
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)
        self.bound_to = bound_to

    def binding(self, instance: models.Model) -> str:
        """What a value of this field in ``instance`` is bound to, e.g. ``bots.bot.app_secret:0f3c…@feishu``."""
        row = f"{self.model._meta.label_lower}.{self.name}:{instance.pk}"
        return f"{row}@{attrgetter(self.bound_to)(instance)}" if self.bound_to else row

    def seal_for(self, instance: models.Model, plaintext: str) -> Sealed:
        """Ciphertext for an ``update()`` of exactly this row."""
        return Sealed(seal(plaintext, binding=self.binding(instance)) if plaintext else "")

    def is_set(self, instance: models.Model) -> bool:
        """Whether there is a secret, without opening it."""
        return bool(instance.__dict__.get(self.attname))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: "BaseDatabaseWrapper"
    ) -> str:
        return Sealed(value) if value else ""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001 -- Django's signature
        value = model_instance.__dict__[self.attname]
        return value if isinstance(value, Sealed) else self.seal_for(model_instance, value)

    def get_prep_value(self, value: Any) -> str:
        if value is None or (isinstance(value, str) and not value):
            return ""
        if not isinstance(value, Sealed):
            raise TypeError(
                f"{self.name} is stored encrypted: it cannot be searched for, and update() takes what seal_for() returns."
            )
        return str(value)

    def value_to_string(self, obj: models.Model) -> str:
        return str(obj.__dict__.get(self.attname, ""))


def encrypted_field(model: type[models.Model], name: str) -> EncryptedField:
    """The EncryptedField ``name`` of ``model``."""
    field = model._meta.get_field(name)
    if not isinstance(field, EncryptedField):
        raise TypeError(f"{model.__name__}.{name} is not encrypted.")
    return field


def encrypted_fields(model: type[models.Model]) -> "Sequence[EncryptedField]":
    """All encrypted fields of ``model``."""
    return [field for field in model._meta.get_fields() if isinstance(field, EncryptedField)]
