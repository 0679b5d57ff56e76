import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bots', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertReceiver',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('chat_id', models.CharField(help_text='The group that gets the cards. Everybody in it may acknowledge and silence alerts.', max_length=128, verbose_name='chat ID')),
                ('alertmanager_url', models.CharField(blank=True, help_text="For silences, e.g. http://alertmanager.example.com:9093. Without it, cards have no buttons to silence. A host of the company's own network has to be in FEISHU_DELIVERY_NETWORKS.", max_length=500, verbose_name='address of Alertmanager')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created')),
                ('bot', models.ForeignKey(help_text='It sends the cards, and has to be a member of the group chat.', on_delete=django.db.models.deletion.CASCADE, related_name='alert_receivers', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'alert receiver',
                'verbose_name_plural': 'alert receivers',
                'ordering': ('name', 'created_at'),
            },
        ),
        migrations.CreateModel(
            name='AlertGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('card_shows', models.PositiveIntegerField(default=0, editable=False)),
                ('message_id', models.CharField(blank=True, max_length=128, verbose_name='card message')),
                ('card_claimed_until', models.DateTimeField(editable=False, null=True)),
                ('card_attempts', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('card_retry_at', models.DateTimeField(editable=False, null=True)),
                ('card_given_up', models.BooleanField(default=False, editable=False)),
                ('card_error', models.CharField(blank=True, max_length=500, verbose_name='card error')),
                ('key_hash', models.CharField(editable=False, max_length=64)),
                ('title', models.CharField(max_length=200, verbose_name='alert')),
                ('state', models.CharField(choices=[('firing', 'Firing'), ('resolved', 'Resolved'), ('replaced', 'Replaced by a newer card')], default='firing', max_length=8, verbose_name='state')),
                ('content', models.JSONField(default=dict, verbose_name='alerts')),
                ('firing', models.PositiveIntegerField(default=0, verbose_name='firing alerts')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='began')),
                ('heard_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last reported')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='over')),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True, verbose_name='acknowledged')),
                ('acknowledged_by', models.CharField(blank=True, max_length=200, verbose_name='acknowledged by')),
                ('silenced_until', models.DateTimeField(blank=True, null=True, verbose_name='silenced until')),
                ('silenced_by', models.CharField(blank=True, max_length=200, verbose_name='silenced by')),
                ('silence_id', models.CharField(blank=True, max_length=64, verbose_name='silence')),
                ('messages', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot', verbose_name='bot')),
                ('receiver', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='groups', to='alerts.alertreceiver', verbose_name='alert receiver')),
            ],
            options={
                'verbose_name': 'alert group',
                'verbose_name_plural': 'alert groups',
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['bot', '-id'], name='alert_group_of_bot'), models.Index(fields=['receiver', '-id'], name='alert_group_of_receiver'), models.Index(fields=['heard_at'], name='alert_group_by_age'), models.Index(condition=models.Q(('card_shows__lt', models.F('version')), models.Q(('message_id', ''), ('state', 'replaced'), _negated=True)), fields=['card_retry_at'], name='alert_group_card_old')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['firing', 'resolved', 'replaced'])), name='alert_group_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state', 'firing')), models.Q(models.Q(('state', 'firing'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='alert_group_firing_is_open'), models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('receiver', 'key_hash'), name='alert_group_firing_once')],
            },
        ),
    ]
