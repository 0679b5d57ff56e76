import core.vault.fields
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('access', '0001_initial'),
        ('bots', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='CallApproval',
            fields=[
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('card_shows', models.PositiveIntegerField(default=0, editable=False)),
                ('message_id', models.CharField(blank=True, max_length=128, verbose_name='card message')),
                ('card_claimed_until', models.DateTimeField(editable=False, null=True)),
                ('card_attempts', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('card_retry_at', models.DateTimeField(editable=False, null=True)),
                ('card_given_up', models.BooleanField(default=False, editable=False)),
                ('card_error', models.CharField(blank=True, max_length=500, verbose_name='card error')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('caller', models.CharField(max_length=100, verbose_name='caller')),
                ('agent', models.CharField(blank=True, max_length=200, verbose_name='agent')),
                ('agent_key', models.CharField(blank=True, editable=False, max_length=36)),
                ('tenant_key', models.CharField(blank=True, max_length=64, verbose_name='tenant')),
                ('open_id', models.CharField(max_length=128, verbose_name='open_id')),
                ('rule', models.CharField(max_length=1000, verbose_name='rule')),
                ('method', models.CharField(max_length=7, verbose_name='method')),
                ('path', models.CharField(max_length=500, verbose_name='path')),
                ('resources', models.JSONField(default=list, verbose_name='resources')),
                ('call', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('body_bytes', models.PositiveIntegerField(default=0, verbose_name='bytes of the body')),
                ('body_hash', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of the body')),
                ('call_hash', models.CharField(editable=False, max_length=64)),
                ('scope_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('state', models.CharField(choices=[('asked', 'Waiting for the person'), ('approved', 'Approved'), ('sending', 'Being carried out'), ('done', 'Carried out'), ('failed', 'Not carried out'), ('uncertain', 'Outcome unknown'), ('denied', 'Denied'), ('expired', 'Expired'), ('not_asked', 'Card could not be sent')], default='asked', max_length=9, verbose_name='state')),
                ('approved', models.CharField(blank=True, choices=[('once', 'This call'), ('hour', 'Such calls for an hour')], max_length=4, verbose_name='approved')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('covers_until', models.DateTimeField(blank=True, null=True, verbose_name='covers such calls until')),
                ('covered', models.PositiveIntegerField(default=0, verbose_name='further calls')),
                ('due_at', models.DateTimeField(editable=False, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='HTTP status')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('problem', models.CharField(blank=True, max_length=60, verbose_name='problem')),
                ('answer', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot', verbose_name='bot')),
                ('client', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient', verbose_name='API client')),
            ],
            options={
                'verbose_name': 'approval',
                'verbose_name_plural': 'approvals',
                'ordering': ('-asked_at',),
                'indexes': [models.Index(fields=['bot', '-asked_at'], name='approval_of_bot'), models.Index(fields=['client', 'state'], name='approval_of_client'), models.Index(fields=['asked_at'], name='approval_by_age'), models.Index(fields=['bot', 'open_id', '-asked_at'], name='approval_of_person'), models.Index(fields=['call_hash', '-decided_at'], name='approval_of_call'), models.Index(condition=models.Q(('covers_until__isnull', False)), fields=['scope_hash', 'covers_until'], name='approval_for_an_hour'), models.Index(condition=models.Q(('state__in', ('asked', 'approved', 'sending'))), fields=['state', 'expires_at'], name='approval_open'), models.Index(condition=models.Q(('answer', ''), _negated=True), fields=['finished_at'], name='approval_answer'), models.Index(condition=models.Q(('card_given_up', False), ('card_shows__lt', models.F('version'))), fields=['card_retry_at'], name='approval_card_old')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['asked', 'approved', 'sending', 'done', 'failed', 'uncertain', 'denied', 'expired', 'not_asked'])), name='approval_state_known'), models.CheckConstraint(condition=models.Q(('approved__in', ['', 'once', 'hour'])), name='approval_kind_known'), models.CheckConstraint(condition=models.Q(('state__in', ('asked', 'approved', 'sending')), ('call', ''), _connector='OR'), name='approval_keeps_call_while_open'), models.UniqueConstraint(condition=models.Q(('state__in', ('asked', 'approved', 'sending'))), fields=('call_hash',), name='approval_open_once')],
            },
        ),
    ]
