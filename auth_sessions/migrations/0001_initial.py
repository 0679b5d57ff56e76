
import core.vault.fields
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('access', '0001_initial'),
        ('bots', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuthSession',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('open_id', models.CharField(help_text='The open_id this bot knows the person by.', max_length=128, verbose_name='person asked')),
                ('tenant_key', models.CharField(blank=True, max_length=64, verbose_name='tenant')),
                ('scopes', models.JSONField(default=list, verbose_name='scopes')),
                ('added_scopes', models.JSONField(blank=True, default=list, verbose_name='scopes on top')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='purpose')),
                ('state', models.CharField(choices=[('pending', 'Being sent'), ('sent', 'Sent'), ('opened', 'Opened'), ('authorized', 'Authorized'), ('denied', 'Denied'), ('expired', 'Expired'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('superseded', 'Superseded')], default='pending', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('wrong_person', 'Another person authorized'), ('other_browser', 'The answer came back in another browser'), ('platform_error', 'The platform refused'), ('unreachable', 'The platform could not be reached'), ('unreadable', 'The answer could not be read'), ('card_not_sent', 'The card could not be sent'), ('interrupted', 'Interrupted before the tokens were stored')], max_length=20, verbose_name='reason')),
                ('authorized_by', models.CharField(blank=True, max_length=128, verbose_name='authorized by')),
                ('error_code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('error_reason', models.CharField(blank=True, max_length=20, verbose_name='reason of the error')),
                ('error_said', models.CharField(blank=True, max_length=500, verbose_name='what was answered')),
                ('error_log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('requested_by', models.CharField(max_length=200, verbose_name='requested by')),
                ('request_key', models.CharField(blank=True, editable=False, max_length=200, null=True)),
                ('deliver', models.CharField(choices=[('card', 'Card'), ('link', 'Link')], default='card', max_length=4, verbose_name='delivered as')),
                ('via', models.CharField(choices=[('browser', 'In the browser'), ('device', 'By device code')], default='browser', max_length=7, verbose_name='consent')),
                ('return_url', models.CharField(blank=True, max_length=500, verbose_name='return address')),
                ('renews_until', models.DateTimeField(blank=True, help_text='When the authorization ends that this one is to renew.', null=True, verbose_name='renews what ends')),
                ('start_token', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('start_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('browser_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('state_hash', models.CharField(editable=False, max_length=64, null=True, unique=True)),
                ('state_used_at', models.DateTimeField(editable=False, null=True)),
                ('code_verifier', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('message_id', models.CharField(blank=True, max_length=128, verbose_name='card message')),
                ('card_state', models.CharField(blank=True, choices=[('pending', 'Being sent'), ('sent', 'Sent'), ('opened', 'Opened'), ('authorized', 'Authorized'), ('denied', 'Denied'), ('expired', 'Expired'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('superseded', 'Superseded')], max_length=10, verbose_name='card shows')),
                ('card_attempts', models.PositiveSmallIntegerField(default=0, verbose_name='card attempts')),
                ('card_retry_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('card_given_up', models.BooleanField(default=False, editable=False)),
                ('card_error', models.CharField(blank=True, max_length=500, verbose_name='card error')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('opened_at', models.DateTimeField(blank=True, null=True, verbose_name='opened')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='auth_sessions', to='bots.bot', verbose_name='bot')),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient', verbose_name='API client')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
            ],
            options={
                'verbose_name': 'authorization session',
                'verbose_name_plural': 'authorization sessions',
                'ordering': ('-created_at',),
            },
        ),
        migrations.CreateModel(
            name='RefreshGate',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='refresh_gate', serialize=False, to='bots.bot', verbose_name='bot')),
                ('next_start_at', models.DateTimeField(editable=False, null=True)),
                ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused')),
                ('probed_at', models.DateTimeField(blank=True, null=True, verbose_name='last probe')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('reason', models.CharField(blank=True, max_length=20, verbose_name='reason')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
            ],
            options={
                'verbose_name': 'refresh gate',
                'verbose_name_plural': 'refresh gates',
            },
        ),
        migrations.CreateModel(
            name='OperatorAccount',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('destination', models.TextField(editable=False)),
                ('tenant_key', models.CharField(blank=True, editable=False, max_length=64)),
                ('open_id', models.CharField(editable=False, max_length=64)),
                ('name', models.CharField(blank=True, editable=False, max_length=200)),
                ('linked_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('bot', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
                ('user', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='platform_accounts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': "operator's account",
                'verbose_name_plural': "operators' accounts",
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='OperatorSignIn',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('state_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('session', models.CharField(editable=False, max_length=40)),
                ('code_verifier', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('next_page', models.TextField(editable=False)),
                ('expires_at', models.DateTimeField(db_index=True, editable=False)),
                ('bot', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
                ('user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'sign-in under way',
                'verbose_name_plural': 'sign-ins under way',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SelfServiceLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_key', models.CharField(blank=True, editable=False, max_length=64)),
                ('open_id', models.CharField(editable=False, max_length=128)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('browser_hash', models.CharField(editable=False, max_length=64, null=True, unique=True)),
                ('expires_at', models.DateTimeField(db_index=True, editable=False)),
                ('opened_at', models.DateTimeField(editable=False, null=True)),
                ('bot', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
            ],
            options={
                'verbose_name': 'self-service link',
                'verbose_name_plural': 'self-service links',
            },
        ),
        migrations.CreateModel(
            name='TokenUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('caller', models.CharField(max_length=100, verbose_name='caller')),
                ('kind', models.CharField(choices=[('issued', 'Token handed out'), ('call', 'Proxy call'), ('code', 'Call by a handler')], max_length=6, verbose_name='use')),
                ('tenant_key', models.CharField(blank=True, max_length=64, verbose_name='tenant')),
                ('open_id', models.CharField(blank=True, max_length=128, verbose_name='open_id')),
                ('generation', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='generation')),
                ('method', models.CharField(blank=True, max_length=7, verbose_name='method')),
                ('path', models.CharField(blank=True, max_length=500, verbose_name='path')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='HTTP status')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('reason', models.CharField(blank=True, editable=False, max_length=20)),
                ('sent_bytes', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='bytes sent')),
                ('received_bytes', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='bytes received')),
                ('seconds', models.FloatField(blank=True, null=True, verbose_name='seconds')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='token_uses', to='bots.bot', verbose_name='bot')),
                ('client', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='access.apiclient', verbose_name='API client')),
            ],
            options={
                'verbose_name': 'token use',
                'verbose_name_plural': 'token use',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='UserToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('tenant_key', models.CharField(blank=True, max_length=64, verbose_name='tenant')),
                ('open_id', models.CharField(max_length=128, verbose_name='open_id')),
                ('union_id', models.CharField(blank=True, max_length=128, verbose_name='union_id')),
                ('user_id', models.CharField(blank=True, max_length=128, verbose_name='user_id')),
                ('email', models.CharField(blank=True, max_length=254, verbose_name='e-mail')),
                ('access_token', core.vault.fields.EncryptedField(blank=True, default='', editable=False, verbose_name='access token')),
                ('refresh_token', core.vault.fields.EncryptedField(blank=True, default='', editable=False, verbose_name='refresh token')),
                ('access_expires_at', models.DateTimeField(verbose_name='access until')),
                ('refresh_expires_at', models.DateTimeField(blank=True, null=True, verbose_name='refreshable until')),
                ('scopes', models.JSONField(default=list, verbose_name='scopes granted')),
                ('generation', models.PositiveBigIntegerField(default=1, verbose_name='generation')),
                ('authorized_at', models.DateTimeField(verbose_name='authorized')),
                ('reauthorize_by', models.DateTimeField(help_text="The platform ends every grant 365 days after the person's consent.", verbose_name='authorize again by')),
                ('status', models.CharField(choices=[('active', 'Active'), ('needs_reauth', 'Must authorize again'), ('revoked', 'Revoked')], default='active', max_length=12, verbose_name='status')),
                ('phase', models.CharField(choices=[('idle', 'Idle'), ('claimed', 'Claimed'), ('sending', 'Being sent'), ('uncertain', 'Outcome unknown'), ('stopped', 'Stopped')], default='idle', max_length=9, verbose_name='refresh')),
                ('claim_id', models.UUIDField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts in a row')),
                ('used_at', models.DateTimeField(blank=True, null=True, verbose_name='last used')),
                ('half_life_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('next_refresh_at', models.DateTimeField(blank=True, null=True, verbose_name='next refresh')),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True, verbose_name='not before')),
                ('refreshed_at', models.DateTimeField(blank=True, null=True, verbose_name='last refreshed')),
                ('next_reminder_at', models.DateTimeField(blank=True, null=True, verbose_name='next reminder')),
                ('last_outcome', models.CharField(blank=True, choices=[('ok', 'Refreshed'), ('not_sent', 'Not sent'), ('rejected', 'Rejected, still usable'), ('uncertain', 'Outcome unknown'), ('dead_user', 'Refused for this user'), ('dead_app', 'Refused for this app'), ('superseded', 'Overtaken by a new authorization')], max_length=10, verbose_name='last outcome')),
                ('last_code', models.BigIntegerField(blank=True, null=True, verbose_name='last platform code')),
                ('last_reason', models.CharField(blank=True, max_length=20, verbose_name='last reason')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='user_tokens', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'user token',
                'verbose_name_plural': 'user tokens',
                'ordering': ('-authorized_at',),
            },
        ),
        migrations.CreateModel(
            name='Revocation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('actor', models.CharField(max_length=200, verbose_name='revoked by')),
                ('platform_reason', models.CharField(blank=True, choices=[('user', 'Revoked by the person in Feishu'), ('administrator', "Revoked by the tenant's administrator"), ('security', "Revoked by the platform's risk control"), ('restriction', 'The person left, was frozen or may no longer use the app'), ('unknown', 'Revoked by the platform')], max_length=13, verbose_name="the platform's reason")),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('token', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('token_hint', models.CharField(blank=True, editable=False, max_length=13)),
                ('state', models.CharField(choices=[('pending', 'To be withdrawn at the platform'), ('done', 'Withdrawn at the platform'), ('given_up', 'Could not be withdrawn at the platform'), ('overtaken', 'Overtaken by a new authorization')], default='pending', max_length=9, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('next_attempt_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='not before')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('notice', models.CharField(choices=[('none', 'Not needed'), ('due', 'To be sent'), ('sent', 'Sent'), ('failed', 'Could not be sent')], default='none', max_length=6, verbose_name='notice')),
                ('notice_attempts', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('notice_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient', verbose_name='API client')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
                ('grant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='revocations', to='auth_sessions.usertoken', verbose_name='token')),
            ],
            options={
                'verbose_name': 'revocation',
                'verbose_name_plural': 'revocations',
                'ordering': ('-at',),
            },
        ),
        migrations.CreateModel(
            name='RefreshAttempt',
            fields=[
                ('claim_id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('generation', models.PositiveBigIntegerField(verbose_name='generation')),
                ('fingerprint', models.CharField(blank=True, editable=False, max_length=64)),
                ('probe', models.BooleanField(default=False, verbose_name='probe')),
                ('claimed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='claimed')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('outcome', models.CharField(blank=True, choices=[('ok', 'Refreshed'), ('not_sent', 'Not sent'), ('rejected', 'Rejected, still usable'), ('uncertain', 'Outcome unknown'), ('dead_user', 'Refused for this user'), ('dead_app', 'Refused for this app'), ('superseded', 'Overtaken by a new authorization')], max_length=10, verbose_name='outcome')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('http_status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='HTTP status')),
                ('reason', models.CharField(blank=True, max_length=20, verbose_name='reason')),
                ('said', models.CharField(blank=True, max_length=500, verbose_name='what was answered')),
                ('token', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refresh_attempts', to='auth_sessions.usertoken', verbose_name='token')),
            ],
            options={
                'verbose_name': 'refresh attempt',
                'verbose_name_plural': 'refresh attempts',
                'ordering': ('-claimed_at',),
            },
        ),
        migrations.CreateModel(
            name='Answered',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(editable=False, max_length=140)),
                ('event_pk', models.BigIntegerField(editable=False)),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False)),
                ('bot', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('bot', 'key'), name='answered_once')],
            },
        ),
        migrations.CreateModel(
            name='DeviceConsent',
            fields=[
                ('session', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='device', serialize=False, to='auth_sessions.authsession')),
                ('device_code', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('user_code', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('verification_uri', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('needs_code', models.BooleanField(default=True, editable=False)),
                ('start_lease_until', models.DateTimeField(editable=False, null=True)),
                ('expires_at', models.DateTimeField(editable=False, null=True, verbose_name='code expires')),
                ('interval', models.PositiveSmallIntegerField(default=5, editable=False, verbose_name='seconds between polls')),
                ('next_poll_at', models.DateTimeField(editable=False, null=True, verbose_name='next poll')),
                ('poll_in_flight', models.BooleanField(default=False, editable=False)),
                ('polls', models.PositiveIntegerField(default=0, editable=False, verbose_name='polls')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
            ],
            options={
                'verbose_name': 'device code',
                'verbose_name_plural': 'device codes',
                'indexes': [models.Index(condition=models.Q(('next_poll_at__isnull', False)), fields=['next_poll_at'], name='device_to_poll')],
                'constraints': [models.CheckConstraint(condition=models.Q(('next_poll_at', None), models.Q(models.Q(('device_code', ''), _negated=True), ('expires_at__isnull', False)), _connector='OR'), name='device_polled_has_code')],
            },
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['-created_at', '-id'], name='session_newest'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['bot', '-created_at', '-id'], name='session_of_bot'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['bot', 'open_id', '-created_at'], name='session_of_person'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('card_given_up', False), models.Q(('message_id', ''), _negated=True), models.Q(('card_state', models.F('state')), _negated=True)), fields=['card_retry_at'], name='session_card_untrue'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('state__in', ('pending', 'sent', 'opened'))), fields=['expires_at'], name='session_open'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['-created_at'], name='session_failed'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('finished_at__isnull', False)), fields=['finished_at'], name='session_by_age'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('state__in', ('pending', 'sent', 'opened')), ('state_used_at__isnull', False)), fields=['state_used_at'], name='session_state_used'),
        ),
        migrations.AddConstraint(
            model_name='authsession',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'sent', 'opened', 'authorized', 'denied', 'expired', 'failed', 'cancelled', 'superseded'])), name='session_state_known'),
        ),
        migrations.AddConstraint(
            model_name='authsession',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), ('reason__in', ['wrong_person', 'other_browser', 'platform_error', 'unreachable', 'unreadable', 'card_not_sent', 'interrupted']), _connector='OR'), name='session_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='authsession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='session_failed_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='authsession',
            constraint=models.UniqueConstraint(fields=('bot', 'request_key'), name='session_once_per_request'),
        ),
        migrations.AddConstraint(
            model_name='operatoraccount',
            constraint=models.UniqueConstraint(fields=('bot', 'tenant_key', 'open_id'), name='operator_account_of_one'),
        ),
        migrations.AddConstraint(
            model_name='operatoraccount',
            constraint=models.UniqueConstraint(fields=('bot', 'user'), name='operator_account_once'),
        ),
        migrations.AddIndex(
            model_name='tokenuse',
            index=models.Index(fields=['at'], name='use_by_age'),
        ),
        migrations.AddIndex(
            model_name='tokenuse',
            index=models.Index(fields=['bot', 'id'], name='use_by_bot'),
        ),
        migrations.AddIndex(
            model_name='tokenuse',
            index=models.Index(fields=['bot', 'open_id', 'id'], name='use_by_person'),
        ),
        migrations.AddIndex(
            model_name='tokenuse',
            index=models.Index(fields=['caller', 'id'], name='use_by_caller'),
        ),
        migrations.AddConstraint(
            model_name='tokenuse',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['issued', 'call', 'code'])), name='use_kind_known'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(fields=['-authorized_at', '-id'], name='token_newest'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(fields=['bot', '-authorized_at', '-id'], name='token_of_bot'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(fields=['bot', 'open_id'], name='token_of_person'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('union_id', ''), _negated=True), fields=['bot', 'union_id'], name='token_of_union_id'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('user_id', ''), _negated=True), fields=['bot', 'user_id'], name='token_of_user_id'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('email', ''), _negated=True), fields=['bot', 'email'], name='token_of_email'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('phase', 'sending')), fields=['lease_until'], name='token_being_sent'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('next_reminder_at__isnull', False)), fields=['next_reminder_at'], name='token_reminder_due'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['next_refresh_at'], name='token_refresh_due'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['reauthorize_by'], name='token_ending'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(fields=['status', 'bot'], name='token_by_status'),
        ),
        migrations.AddIndex(
            model_name='usertoken',
            index=models.Index(condition=models.Q(('phase', 'uncertain')), fields=['bot'], name='token_uncertain'),
        ),
        migrations.AddConstraint(
            model_name='usertoken',
            constraint=models.UniqueConstraint(fields=('bot', 'tenant_key', 'open_id'), name='token_once_per_person'),
        ),
        migrations.AddConstraint(
            model_name='usertoken',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'needs_reauth', 'revoked'])), name='token_status_known'),
        ),
        migrations.AddConstraint(
            model_name='usertoken',
            constraint=models.CheckConstraint(condition=models.Q(('phase__in', ['idle', 'claimed', 'sending', 'uncertain', 'stopped'])), name='token_phase_known'),
        ),
        migrations.AddConstraint(
            model_name='usertoken',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'revoked'), _negated=True), models.Q(('access_token', ''), ('next_refresh_at', None), ('refresh_token', '')), _connector='OR'), name='token_revoked_holds_nothing'),
        ),
        migrations.AddConstraint(
            model_name='usertoken',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('phase__in', ('claimed', 'sending')), _negated=True), models.Q(('claim_id__isnull', False), ('lease_until__isnull', False)), _connector='OR'), name='token_claim_has_lease'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(fields=['grant', '-at'], name='revocation_of_grant'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(fields=['at'], name='revocation_by_age'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['next_attempt_at'], name='revocation_pending'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(condition=models.Q(('notice', 'due')), fields=['notice_at'], name='revocation_notice'),
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'done', 'given_up', 'overtaken'])), name='revocation_state_known'),
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'pending'), ('token', ''), _connector='OR'), name='revocation_keeps_token_while_pending'),
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(('notice__in', ['none', 'due', 'sent', 'failed'])), name='revocation_notice_known'),
        ),
        migrations.AddIndex(
            model_name='refreshattempt',
            index=models.Index(fields=['token', '-claimed_at'], name='attempt_of_token'),
        ),
        migrations.AddIndex(
            model_name='refreshattempt',
            index=models.Index(fields=['claimed_at'], name='attempt_by_age'),
        ),
        migrations.AddIndex(
            model_name='refreshattempt',
            index=models.Index(condition=models.Q(('outcome', 'dead_user')), fields=['finished_at'], name='attempt_refused'),
        ),
        migrations.AddIndex(
            model_name='refreshattempt',
            index=models.Index(condition=models.Q(('fingerprint', ''), _negated=True), fields=['fingerprint'], name='attempt_by_fingerprint'),
        ),
        migrations.AddConstraint(
            model_name='refreshattempt',
            constraint=models.UniqueConstraint(condition=models.Q(('sent_at__isnull', False), models.Q(('fingerprint', ''), _negated=True), models.Q(models.Q(('probe', False), models.Q(('outcome__in', ('not_sent', 'rejected', 'dead_app')), _negated=True)), models.Q(('outcome', ''), ('probe', True)), _connector='OR')), fields=('fingerprint', 'probe'), name='refresh_token_sent_once'),
        ),
    ]
