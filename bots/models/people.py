"""The people that a bot has to do with: who an open_id is."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models.bots import Bot
from core.access.visibility import OwnedQuerySet


class PersonQuerySet(OwnedQuerySet["Person"]):
    """People of bots."""


class Person(models.Model):
    """Who an open_id is, as far as the platform said so. A row without a name: the platform was not asked yet
    (``look_up_at``), or did not say. Rows of several bots with one ``union_id`` are the same person
    (``bots.people.across_bots``)."""

    bot = models.ForeignKey(
        Bot, on_delete=models.CASCADE, related_name="people", verbose_name=_("bot"), db_index=False
    )
    open_id = models.CharField(_("open_id"), max_length=128)
    union_id = models.CharField(_("union_id"), max_length=128, blank=True)
    """From an answer of the platform, never from an event: who holds a webhook's keys can write those."""
    name = models.CharField(_("name"), max_length=200, blank=True)
    en_name = models.CharField(_("English name"), max_length=200, blank=True)
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    """In lower case."""
    look_up_at = models.DateTimeField(null=True, editable=False)
    """From when on the platform is to be asked who this is; None: it need not be."""
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)
    """When the platform was last heard about this person."""

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        default_permissions = ()
        constraints = (models.UniqueConstraint(name="person_once_per_bot", fields=("bot", "open_id")),)
        indexes = (
            models.Index(name="person_by_age", fields=("updated_at",)),
            models.Index(
                name="person_of_union_id", fields=("union_id", "bot"), condition=~models.Q(union_id="")
            ),
            models.Index(
                name="person_to_look_up",
                fields=("bot", "look_up_at"),
                condition=models.Q(look_up_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name or self.en_name or self.open_id


class PersonKey(models.Model):
    """One of the texts by whose beginning a person is found, see ``bots.people.keys``."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="keys", editable=False)
    # An index of its own: on PostgreSQL Django adds one for LIKE, which any collation serves.
    key = models.CharField(max_length=60, editable=False, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class PersonPictureQuerySet(OwnedQuerySet["PersonPicture"]):
    """Pictures of people."""

    owned_by = "person__bot__owners"


class PersonPicture(models.Model):
    """A person's picture, a copy of what the platform names: pages load nothing from other hosts."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True, related_name="picture")
    url = models.CharField(max_length=500, editable=False)
    """Where the platform has it."""
    digest = models.CharField(max_length=64, blank=True, editable=False)
    """SHA-256 of ``content`` in hexadecimal; empty until there is one."""
    fetch_at = models.DateTimeField(null=True, editable=False)
    """From when on it is to be fetched; None: it need not be."""
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    """In a row, with this ``url``."""
    content = models.BinaryField(default=b"")
    """The last column: SQLite reads what stands before a long one alone, and lists want the digest."""

    objects = PersonPictureQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = (
            models.Index(name="picture_by_digest", fields=("digest",), condition=~models.Q(digest="")),
            models.Index(
                name="picture_to_fetch",
                fields=("fetch_at",),
                condition=models.Q(fetch_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.digest or self.url


class PeopleLookup(models.Model):
    """When the platform is next asked who a bot's people are and for their pictures, and why it refused to say."""

    bot = models.OneToOneField(
        Bot, on_delete=models.CASCADE, primary_key=True, related_name="people_lookup", verbose_name=_("bot")
    )
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)
    """None: there is nobody to ask for."""
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    """In a row."""
    code = models.BigIntegerField(_("platform code"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    failed_at = models.DateTimeField(null=True, editable=False)
    """Of the last attempt, while it is one that failed."""
    pictures_at = models.DateTimeField(null=True, editable=False, db_index=True)
    """When pictures of the bot's people are next fetched; None: there are none to fetch."""

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.bot_id)
