"""A bot may have a proxy of its own; a connection's error without a platform code has a stable reason."""

from django.db import migrations, models

import bots.validators
import feishu_portal.access.fields


class Migration(migrations.Migration):
    dependencies = [("bots", "0006_note_who_asked")]

    operations = [
        migrations.AddField(
            model_name="bot",
            name="proxy_url",
            field=feishu_portal.access.fields.EncryptedField(
                blank=True, default="", validators=[bots.validators.validate_proxy], verbose_name="proxy"
            ),
        ),
        migrations.AddField(
            model_name="connectionslot",
            name="error_reason",
            field=models.CharField(blank=True, editable=False, max_length=20),
        ),
    ]
