from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    Delivery = apps.get_model("events", "Delivery")
    Event = apps.get_model("events", "Event")
    Lane = apps.get_model("events", "Lane")
    Bot = apps.get_model("bots", "Bot")
    of_event = Event.objects.filter(pk=OuterRef("event_id")).values("bot_id")[:1]
    Delivery.objects.filter(bot=None).update(bot_id=Subquery(of_event))
    Lane.objects.bulk_create([Lane(bot=bot) for bot in Bot.objects.all()], ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0004_prepare_lanes_order_and_switches'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
