
import bots.models.bots
import bots.validators
import core.vault.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('access', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Bot',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('app_id', models.CharField(help_text='Developer console → Credentials & basic info.', max_length=64, unique=True, validators=[django.core.validators.RegexValidator('^cli_[0-9a-zA-Z]+$', 'An App ID looks like cli_a1b2c3d4e5f60718.')], verbose_name='App ID')),
                ('platform', models.CharField(choices=[('feishu', 'Feishu'), ('lark', 'Lark'), ('custom', 'Custom addresses')], default='feishu', max_length=10, verbose_name='platform')),
                ('open_url', models.CharField(blank=True, help_text='Only for custom addresses.', max_length=200, validators=[bots.validators.validate_address], verbose_name='OpenAPI address')),
                ('accounts_url', models.CharField(blank=True, help_text='Only for custom addresses.', max_length=200, validators=[bots.validators.validate_address], verbose_name='accounts address')),
                ('browser_url', models.CharField(blank=True, help_text="Only where people's browsers reach the consent page at another address than the portal reaches the accounts address, e.g. because servers have to go through a gateway.", max_length=200, validators=[bots.validators.validate_address], verbose_name='accounts address for browsers')),
                ('token_endpoint', models.CharField(choices=[('v3', 'v3 (current)'), ('v2', 'v2 (historic)'), ('v1', 'v1 (older private deployments)')], default='v3', max_length=2, verbose_name='token endpoint')),
                ('app_secret', core.vault.fields.EncryptedField(blank=True, default='', verbose_name='App Secret')),
                ('encrypt_key', core.vault.fields.EncryptedField(blank=True, default='', verbose_name='Encrypt Key')),
                ('verification_token', core.vault.fields.EncryptedField(blank=True, default='', verbose_name='Verification Token')),
                ('next_encrypt_key', core.vault.fields.EncryptedField(blank=True, default='', verbose_name='next Encrypt Key')),
                ('next_verification_token', core.vault.fields.EncryptedField(blank=True, default='', verbose_name='next Verification Token')),
                ('rotation_ends_at', models.DateTimeField(editable=False, null=True)),
                ('proxy_url', core.vault.fields.EncryptedField(blank=True, default='', validators=[bots.validators.validate_proxy], verbose_name='proxy')),
                ('transport', models.CharField(choices=[('websocket', 'Long connection'), ('webhook', 'Webhook')], default='websocket', max_length=10, verbose_name='events arrive by')),
                ('callback_transport', models.CharField(blank=True, choices=[('', 'The same way as events'), ('websocket', 'Long connection'), ('webhook', 'Webhook')], help_text='Clicks on cards and the like. The developer console sets events and callbacks on two tabs: choose here what the callback tab says.', max_length=10, verbose_name='callbacks arrive by')),
                ('slot_count', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(50)], verbose_name='connections')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('connect', models.BooleanField(default=True, help_text="Switch off to let another system receive this bot's events for a while.", verbose_name='hold long connections')),
                ('reconnect_asked_at', models.DateTimeField(editable=False, null=True)),
                ('asked_by', models.CharField(blank=True, editable=False, max_length=200)),
                ('asked_at', models.DateTimeField(editable=False, null=True)),
                ('stale_after_minutes', models.PositiveIntegerField(default=30, help_text='Minutes. Events that reach the portal later than that are stored but not handled. 0: never.', verbose_name='events too old after')),
                ('handlers_per_second', models.PositiveIntegerField(default=0, help_text='How many handlers may start for this bot in a second, on all workers together. 0: no limit.', verbose_name='handlers a second')),
                ('open_id', models.CharField(blank=True, editable=False, max_length=64)),
                ('answers_at_all', models.BooleanField(default=False, help_text='In a group the bot answers commands of messages that mention it. Switched on, it also answers those that mention everybody (@all).', verbose_name='answer when everybody is mentioned')),
                ('auth_scopes', models.JSONField(default=bots.models.bots.default_scopes, help_text='Permissions an authorization card asks for when nothing else is said.', validators=[bots.validators.validate_scopes], verbose_name='scopes to ask for')),
                ('asks_by_device_code', models.BooleanField(default=False, help_text='People confirm on a page of Feishu, and the app needs no redirect URL. Bots added by QR code begin this way; switch it off once the redirect URL is registered in the developer console. Without PUBLIC_URL it is always so.', verbose_name='consent by device code')),
                ('event_retention_days', models.PositiveSmallIntegerField(blank=True, help_text='Days, at least 2. Empty: as the portal is set up.', null=True, validators=[django.core.validators.MinValueValidator(2)], verbose_name='keep events for')),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('owners', models.ManyToManyField(blank=True, help_text='Operators who see this bot, and those of them who manage it. Administrators and auditors see every bot.', related_name='bots', to=settings.AUTH_USER_MODEL, verbose_name='owners')),
            ],
            options={
                'verbose_name': 'bot',
                'verbose_name_plural': 'bots',
                'ordering': ('name', 'app_id'),
            },
        ),
        migrations.CreateModel(
            name='Checkup',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='checkup', serialize=False, to='bots.bot', verbose_name='bot')),
                ('next_check_at', models.DateTimeField(db_index=True)),
                ('asked_at', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField(null=True, verbose_name='checked')),
                ('observed_at', models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                'verbose_name': 'checkup',
                'verbose_name_plural': 'checkups',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PeopleLookup',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='people_lookup', serialize=False, to='bots.bot', verbose_name='bot')),
                ('next_at', models.DateTimeField(db_index=True, editable=False, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('reason', models.CharField(blank=True, max_length=20, verbose_name='reason')),
                ('failed_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PlatformCount',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='platform_count', serialize=False, to='bots.bot', verbose_name='bot')),
                ('next_check_at', models.DateTimeField(db_index=True)),
                ('checked_at', models.DateTimeField(null=True, verbose_name='checked')),
                ('online', models.PositiveIntegerField(null=True, verbose_name='at the platform')),
                ('held', models.PositiveIntegerField(null=True, verbose_name='here')),
                ('more_counts', models.PositiveIntegerField(default=0)),
                ('fewer_counts', models.PositiveIntegerField(default=0)),
                ('renewals', models.PositiveIntegerField(default=0)),
                ('error_code', models.BigIntegerField(null=True, verbose_name='error code')),
                ('error_reason', models.CharField(blank=True, max_length=20)),
                ('error_message', models.CharField(blank=True, max_length=500, verbose_name='error')),
            ],
            options={
                'verbose_name': 'count of the platform',
                'verbose_name_plural': 'counts of the platform',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ConnectionLoss',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='connection')),
                ('node', models.CharField(blank=True, max_length=100, verbose_name='process')),
                ('at', models.DateTimeField(verbose_name='time')),
                ('reason', models.CharField(choices=[('silent', 'Nothing received'), ('closed', 'Closed by the platform'), ('network', 'Network'), ('refused', 'Refused by the platform'), ('half_open', 'Half open'), ('slept', 'The machine slept'), ('died', 'Its process fell silent'), ('moved', 'Moved to another process'), ('asked', 'By an operator'), ('changed', 'Settings changed'), ('ended', 'Its process ended'), ('error', 'Internal error')], max_length=12, verbose_name='cause')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='code')),
                ('message', models.CharField(blank=True, max_length=500, verbose_name='message')),
                ('lasted', models.FloatField(blank=True, null=True, verbose_name='lasted')),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='losses', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'lost connection',
                'verbose_name_plural': 'lost connections',
                'ordering': ('-at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='ConnectionSlot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='connection')),
                ('state', models.CharField(choices=[('stopped', 'Stopped'), ('connecting', 'Connecting'), ('connected', 'Connected'), ('backoff', 'Waiting to reconnect'), ('error', 'Error')], default='stopped', max_length=10, verbose_name='state')),
                ('node', models.CharField(blank=True, max_length=100, verbose_name='process')),
                ('connected_at', models.DateTimeField(blank=True, null=True, verbose_name='connected since')),
                ('down_since', models.DateTimeField(blank=True, null=True, verbose_name='down since')),
                ('last_frame_at', models.DateTimeField(blank=True, null=True, verbose_name='last received')),
                ('last_message_at', models.DateTimeField(blank=True, null=True, verbose_name='last event')),
                ('last_heartbeat_at', models.DateTimeField(blank=True, null=True, verbose_name='last heartbeat')),
                ('heartbeats', models.PositiveIntegerField(default=0, verbose_name='heartbeats')),
                ('heartbeat_intervals', models.JSONField(blank=True, default=list, verbose_name='heartbeat intervals')),
                ('heartbeat_average', models.FloatField(blank=True, null=True, verbose_name='average interval')),
                ('heartbeat_deviation', models.FloatField(blank=True, null=True, verbose_name='standard deviation')),
                ('heartbeat_due_at', models.DateTimeField(editable=False, null=True)),
                ('state_changed_at', models.DateTimeField(blank=True, null=True, verbose_name='state since')),
                ('reconnects', models.PositiveIntegerField(default=0, verbose_name='reconnects')),
                ('error_code', models.BigIntegerField(blank=True, null=True, verbose_name='error code')),
                ('error_reason', models.CharField(blank=True, editable=False, max_length=20)),
                ('error_message', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('error_at', models.DateTimeField(blank=True, null=True, verbose_name='error at')),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt')),
                ('holder', models.UUIDField(editable=False, null=True)),
                ('epoch', models.PositiveBigIntegerField(default=0, editable=False)),
                ('lease_until', models.DateTimeField(editable=False, null=True)),
                ('successor', models.UUIDField(editable=False, null=True)),
                ('successor_until', models.DateTimeField(editable=False, null=True)),
                ('half_open_at', models.DateTimeField(editable=False, null=True)),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'connection',
                'verbose_name_plural': 'connections',
                'ordering': ('bot__name', 'number'),
            },
        ),
        migrations.CreateModel(
            name='FleetProcess',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('web', 'Web'), ('runfeishu', 'Connections'), ('worker', 'Worker'), ('refresher', 'Refresher'), ('beat', 'Scheduler'), ('runportal', 'All in one')], default='runfeishu', max_length=10, verbose_name='kind')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('host', models.CharField(blank=True, max_length=100, verbose_name='host')),
                ('pid', models.PositiveIntegerField(null=True, verbose_name='PID')),
                ('version', models.CharField(blank=True, max_length=50, verbose_name='version')),
                ('roles', models.JSONField(default=list)),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('seen_at', models.DateTimeField(verbose_name='last heartbeat')),
                ('worked_at', models.DateTimeField(null=True, verbose_name='last pass')),
                ('stalled', models.JSONField(default=list)),
                ('stopped_at', models.DateTimeField(null=True)),
                ('watched_at', models.DateTimeField(null=True)),
                ('capacity', models.PositiveIntegerField(default=0)),
                ('draining', models.BooleanField(default=False)),
                ('only', models.JSONField(default=list)),
                ('clock_offset', models.FloatField(null=True)),
            ],
            options={
                'verbose_name': 'process',
                'verbose_name_plural': 'processes',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['web', 'runfeishu', 'worker', 'refresher', 'beat', 'runportal'])), name='process_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(blank=True, max_length=100, verbose_name='subject')),
                ('subject_id', models.UUIDField(editable=False, null=True)),
                ('cause', models.CharField(max_length=20, verbose_name='cause')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='error code')),
                ('reason', models.CharField(blank=True, editable=False, max_length=20)),
                ('message', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('began_at', models.DateTimeField(verbose_name='began')),
                ('opened_at', models.DateTimeField(auto_now_add=True, verbose_name='noticed')),
                ('recovered_at', models.DateTimeField(editable=False, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='over')),
                ('bot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='bots.bot', verbose_name='bot')),
                ('owner', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'incident',
                'verbose_name_plural': 'incidents',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('feishu', 'Feishu message')], max_length=6, verbose_name='channel')),
                ('problem_sent_at', models.DateTimeField(blank=True, null=True, verbose_name='problem sent')),
                ('recovery_sent_at', models.DateTimeField(blank=True, null=True, verbose_name='recovery sent')),
                ('due_at', models.DateTimeField(editable=False, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='bots.incident', verbose_name='incident')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('open_id', models.CharField(max_length=128, verbose_name='open_id')),
                ('union_id', models.CharField(blank=True, max_length=128, verbose_name='union_id')),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                ('en_name', models.CharField(blank=True, max_length=200, verbose_name='English name')),
                ('email', models.CharField(blank=True, max_length=254, verbose_name='e-mail')),
                ('avatar_url', models.CharField(blank=True, max_length=500, verbose_name='picture')),
                ('look_up_at', models.DateTimeField(editable=False, null=True)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='changed')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='people', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'person',
                'verbose_name_plural': 'people',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PersonKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(db_index=True, editable=False, max_length=60)),
                ('person', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='bots.person')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RefusedPush',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=32)),
                ('requests', models.PositiveBigIntegerField(default=0)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField(db_index=True)),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refused_pushes', to='bots.bot', verbose_name='bot')),
            ],
        ),
        migrations.CreateModel(
            name='Registration',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Registered'), ('denied', 'Denied'), ('expired', 'Expired'), ('replaced', 'Replaced by a new QR code'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('failure', models.CharField(blank=True, choices=[('refused', 'Refused by the platform'), ('other_app', 'Another app was confirmed'), ('not_yours', 'The bot belongs to others'), ('not_allowed', 'The operator may not add bots'), ('not_stored', 'The app could not be stored')], max_length=11)),
                ('detail', models.CharField(blank=True, max_length=200)),
                ('device_code', core.vault.fields.EncryptedField(blank=True, default='')),
                ('address', core.vault.fields.EncryptedField(blank=True, default='')),
                ('is_lark', models.BooleanField(default=False)),
                ('interval', models.PositiveSmallIntegerField()),
                ('next_poll_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('trouble', models.CharField(blank=True, max_length=20)),
                ('began_at', models.DateTimeField(auto_now_add=True)),
                ('bot', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='bots.bot')),
                ('extends', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='bots.bot')),
                ('operator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.CharField(choices=[('encrypt_key', 'Encrypt Key'), ('verification_token', 'Verification Token')], max_length=18)),
                ('is_next', models.BooleanField()),
                ('requests', models.PositiveBigIntegerField(default=0)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='secret_uses', to='bots.bot', verbose_name='bot')),
            ],
        ),
        migrations.CreateModel(
            name='Sending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
                ('actor', models.CharField(max_length=200, verbose_name='sent by')),
                ('kind', models.CharField(choices=[('message', 'Message'), ('reply', 'Reply'), ('update', 'Card update')], max_length=7, verbose_name='kind')),
                ('receive_id_type', models.CharField(blank=True, max_length=8, verbose_name='kind of address')),
                ('target', models.CharField(max_length=128, verbose_name='to')),
                ('msg_type', models.CharField(max_length=20, verbose_name='message type')),
                ('state', models.CharField(choices=[('sending', 'Being sent'), ('sent', 'Sent'), ('not_sent', 'Not sent'), ('unknown', 'Outcome unknown')], default='sending', max_length=8, verbose_name='state')),
                ('key_hash', models.CharField(editable=False, max_length=64, null=True)),
                ('fingerprint', models.CharField(editable=False, max_length=64)),
                ('attempts', models.PositiveIntegerField(default=1, verbose_name='attempts')),
                ('attempted_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last attempt')),
                ('doubtful_since', models.DateTimeField(editable=False, null=True)),
                ('message_id', models.CharField(blank=True, max_length=128, verbose_name='message ID')),
                ('chat_id', models.CharField(blank=True, max_length=128, verbose_name='chat ID')),
                ('code', models.BigIntegerField(blank=True, null=True, verbose_name='platform code')),
                ('reason', models.CharField(blank=True, editable=False, max_length=20)),
                ('said', models.CharField(blank=True, max_length=300, verbose_name='error')),
                ('log_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sendings', to='bots.bot', verbose_name='bot')),
                ('client', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient')),
            ],
            options={
                'verbose_name': 'sent message',
                'verbose_name_plural': 'sent messages',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='StoredFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('check_name', models.CharField(max_length=30)),
                ('result', models.CharField(choices=[('ok', 'In order'), ('warning', 'Should be better'), ('wrong', 'Wrong'), ('unknown', 'Not known'), ('waiting', 'Not yet')], max_length=10, verbose_name='result')),
                ('cause_zh', models.CharField(max_length=1000)),
                ('cause_en', models.CharField(max_length=1000)),
                ('cure_zh', models.CharField(blank=True, max_length=1000)),
                ('cure_en', models.CharField(blank=True, max_length=1000)),
                ('value', models.CharField(blank=True, max_length=4000)),
                ('code', models.BigIntegerField(null=True)),
                ('log_id', models.CharField(blank=True, max_length=128)),
                ('since', models.DateTimeField(verbose_name='since')),
                ('looked_at', models.DateTimeField(verbose_name='checked')),
                ('bot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'finding',
                'verbose_name_plural': 'findings',
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='bot',
            constraint=models.CheckConstraint(condition=models.Q(('platform__in', ['feishu', 'lark', 'custom'])), name='bot_platform_known'),
        ),
        migrations.AddConstraint(
            model_name='bot',
            constraint=models.CheckConstraint(condition=models.Q(('transport__in', ['websocket', 'webhook'])), name='bot_transport_known'),
        ),
        migrations.AddConstraint(
            model_name='bot',
            constraint=models.CheckConstraint(condition=models.Q(('callback_transport__in', ['', 'websocket', 'webhook'])), name='bot_callback_transport_known'),
        ),
        migrations.AddConstraint(
            model_name='bot',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('platform', 'custom'), _negated=True), models.Q(models.Q(('open_url', ''), _negated=True), models.Q(('accounts_url', ''), _negated=True)), _connector='OR'), name='bot_custom_has_addresses', violation_error_message='Custom addresses need both an OpenAPI and an accounts address.'),
        ),
        migrations.AddConstraint(
            model_name='bot',
            constraint=models.CheckConstraint(condition=models.Q(('slot_count__gte', 1), ('slot_count__lte', 50)), name='bot_slot_count_in_range'),
        ),
        migrations.AddIndex(
            model_name='connectionloss',
            index=models.Index(fields=['bot', 'at'], name='loss_by_bot'),
        ),
        migrations.AddIndex(
            model_name='connectionloss',
            index=models.Index(fields=['at'], name='loss_by_age'),
        ),
        migrations.AddConstraint(
            model_name='connectionloss',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['silent', 'closed', 'network', 'refused', 'half_open', 'slept', 'died', 'moved', 'asked', 'changed', 'ended', 'error'])), name='loss_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='connectionslot',
            constraint=models.UniqueConstraint(fields=('bot', 'number'), name='slot_once_per_bot'),
        ),
        migrations.AddConstraint(
            model_name='connectionslot',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['stopped', 'connecting', 'connected', 'backoff', 'error'])), name='slot_state_known'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['closed_at'], name='incident_by_age'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('bot', 'cause'), name='incident_open_once'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('subject_id', 'cause'), name='incident_of_subject_open_once'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('bot__isnull', False), ('subject_id', None)), models.Q(('bot', None), ('subject_id__isnull', False)), _connector='OR'), name='incident_of_bot_or_subject'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='notice_due'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['user', 'channel', 'problem_sent_at'], name='notice_by_user'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('incident', 'user', 'channel'), name='notice_once'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['email', 'feishu'])), name='notice_channel_known'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['updated_at'], name='person_by_age'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(condition=models.Q(('look_up_at__isnull', False)), fields=['bot', 'look_up_at'], name='person_to_look_up'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(fields=('bot', 'open_id'), name='person_once_per_bot'),
        ),
        migrations.AddConstraint(
            model_name='refusedpush',
            constraint=models.UniqueConstraint(fields=('bot', 'reason'), name='refused_push_once'),
        ),
        migrations.AddIndex(
            model_name='registration',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['next_poll_at'], name='registration_due'),
        ),
        migrations.AddIndex(
            model_name='registration',
            index=models.Index(fields=['began_at'], name='registration_by_age'),
        ),
        migrations.AddConstraint(
            model_name='registration',
            constraint=models.UniqueConstraint(condition=models.Q(('extends', None), ('state', 'waiting')), fields=('operator',), name='registration_waits_once'),
        ),
        migrations.AddConstraint(
            model_name='registration',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('operator', 'extends'), name='registration_of_bot_waits_once'),
        ),
        migrations.AddConstraint(
            model_name='registration',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'done', 'denied', 'expired', 'replaced', 'failed'])), name='registration_state_known'),
        ),
        migrations.AddConstraint(
            model_name='secretuse',
            constraint=models.UniqueConstraint(fields=('bot', 'secret', 'is_next'), name='secret_use_once'),
        ),
        migrations.AddConstraint(
            model_name='secretuse',
            constraint=models.CheckConstraint(condition=models.Q(('secret__in', ['encrypt_key', 'verification_token'])), name='secret_use_secret_known'),
        ),
        migrations.AddIndex(
            model_name='sending',
            index=models.Index(fields=['at'], name='sending_by_age'),
        ),
        migrations.AddIndex(
            model_name='sending',
            index=models.Index(fields=['bot', 'id'], name='sending_by_bot'),
        ),
        migrations.AddIndex(
            model_name='sending',
            index=models.Index(fields=['client', 'id'], name='sending_by_client'),
        ),
        migrations.AddIndex(
            model_name='sending',
            index=models.Index(fields=['target', 'id'], name='sending_by_target'),
        ),
        migrations.AddConstraint(
            model_name='sending',
            constraint=models.UniqueConstraint(fields=('bot', 'client', 'key_hash'), name='sending_once_per_key'),
        ),
        migrations.AddConstraint(
            model_name='sending',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['sending', 'sent', 'not_sent', 'unknown'])), name='sending_state_known'),
        ),
        migrations.AddConstraint(
            model_name='sending',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['message', 'reply', 'update'])), name='sending_kind_known'),
        ),
        migrations.AddIndex(
            model_name='storedfinding',
            index=models.Index(condition=models.Q(('result', 'ok'), _negated=True), fields=['since'], name='finding_not_in_order'),
        ),
        migrations.AddConstraint(
            model_name='storedfinding',
            constraint=models.UniqueConstraint(fields=('bot', 'check_name'), name='finding_once_per_check'),
        ),
        migrations.AddConstraint(
            model_name='storedfinding',
            constraint=models.CheckConstraint(condition=models.Q(('result__in', ['ok', 'warning', 'wrong', 'unknown', 'waiting'])), name='finding_result_known'),
        ),
    ]
