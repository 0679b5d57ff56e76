
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
        ('bots', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BotQueue',
            fields=[
                ('bot', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='queue', serialize=False, to='bots.bot')),
                ('scheduled_at', models.DateTimeField(editable=False, null=True)),
                ('next_start_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HandledBot',
            fields=[
            ],
            options={
                'verbose_name': 'handlers of a bot',
                'verbose_name_plural': 'handlers',
                'proxy': True,
                'default_permissions': ('view', 'change'),
                'indexes': [],
                'constraints': [],
            },
            bases=('bots.bot',),
        ),
        migrations.CreateModel(
            name='CountedHour',
            fields=[
                ('start', models.DateTimeField(primary_key=True, serialize=False)),
                ('counted_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'counted hour',
                'verbose_name_plural': 'counted hours',
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='counted_hour_due')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('dedupe_key', models.CharField(editable=False, max_length=200)),
                ('event_id', models.CharField(blank=True, max_length=128, verbose_name='event ID')),
                ('event_type', models.CharField(blank=True, max_length=128, verbose_name='type')),
                ('arrived_by', models.CharField(choices=[('websocket', 'Long connection'), ('webhook', 'Webhook')], max_length=10, verbose_name='arrived by')),
                ('status', models.CharField(choices=[('received', 'Received'), ('dispatched', 'Being handled'), ('done', 'Done'), ('dead', 'Failed'), ('ignored', 'No handler'), ('stale', 'Too old'), ('quarantined', 'Quarantined')], default='received', max_length=12, verbose_name='status')),
                ('payload', models.BinaryField(verbose_name='payload')),
                ('tenant_key', models.CharField(blank=True, max_length=64, verbose_name='tenant')),
                ('trace_id', models.CharField(blank=True, max_length=128, verbose_name='platform log ID')),
                ('created_at', models.DateTimeField(help_text="As the platform says, by the portal's clock.", verbose_name='created')),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='received')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('duplicates', models.PositiveIntegerField(db_default=0, default=0, verbose_name='duplicates')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('summary', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict, editable=False)),
                ('answered_late', models.BooleanField(db_default=False, help_text='A click whose handler was not done in time: the person was told that it is being worked on.', verbose_name='answered late')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='EventCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField()),
                ('minutes', models.PositiveSmallIntegerField()),
                ('done', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('ignored', models.PositiveIntegerField(default=0)),
                ('stale', models.PositiveIntegerField(default=0)),
                ('quarantined', models.PositiveIntegerField(default=0)),
                ('unfinished', models.PositiveIntegerField(default=0)),
                ('duplicates', models.PositiveIntegerField(default=0)),
                ('clicks', models.PositiveIntegerField(default=0)),
                ('late_clicks', models.PositiveIntegerField(default=0)),
                ('within_100ms', models.PositiveIntegerField(default=0)),
                ('within_250ms', models.PositiveIntegerField(default=0)),
                ('within_500ms', models.PositiveIntegerField(default=0)),
                ('within_1s', models.PositiveIntegerField(default=0)),
                ('within_2s', models.PositiveIntegerField(default=0)),
                ('within_3s', models.PositiveIntegerField(default=0)),
                ('within_5s', models.PositiveIntegerField(default=0)),
                ('within_10s', models.PositiveIntegerField(default=0)),
                ('within_30s', models.PositiveIntegerField(default=0)),
                ('within_1min', models.PositiveIntegerField(default=0)),
                ('within_10min', models.PositiveIntegerField(default=0)),
                ('within_1h', models.PositiveIntegerField(default=0)),
                ('longer', models.PositiveIntegerField(default=0)),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='event_counts', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'event count',
                'verbose_name_plural': 'event counts',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HandlerRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveSmallIntegerField(default=0, verbose_name='round')),
                ('is_current', models.BooleanField(default=True, editable=False)),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('run_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='next attempt')),
                ('claim_id', models.UUIDField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('fingerprint', models.CharField(blank=True, editable=False, max_length=16)),
                ('handler', models.CharField(max_length=200, verbose_name='handler')),
                ('order_key', models.CharField(blank=True, editable=False, max_length=128)),
                ('status', models.CharField(choices=[('queued', 'Waiting for its turn'), ('pending', 'Pending'), ('running', 'Running'), ('retrying', 'Waiting to retry'), ('succeeded', 'Succeeded'), ('dead', 'Failed'), ('skipped', 'Switched off')], default='pending', max_length=10, verbose_name='status')),
                ('failure', models.CharField(blank=True, choices=[('raised', 'The handler raised an error'), ('timed_out', 'The handler took too long'), ('worker_lost', 'Its worker was gone'), ('not_installed', 'The handler is not installed'), ('misregistered', 'The handler is registered wrongly'), ('restored', 'Set aside when a backup was restored')], max_length=13, verbose_name='cause')),
                ('unknown_since', models.DateTimeField(editable=False, null=True)),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='bots.bot', verbose_name='bot')),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='events.event', verbose_name='event')),
            ],
            options={
                'verbose_name': 'handler run',
                'verbose_name_plural': 'handler runs',
                'ordering': ('id',),
                'default_permissions': (),
                'default_related_name': 'handler_runs',
            },
        ),
        migrations.CreateModel(
            name='HandlerAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='attempt')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('finished_at', models.DateTimeField(verbose_name='finished')),
                ('outcome', models.CharField(choices=[('succeeded', 'Succeeded'), ('failed', 'Failed')], max_length=9, verbose_name='outcome')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempt_log', to='events.handlerrun', verbose_name='handler run')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
                'ordering': ('number',),
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HandlerSwitch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('handler', models.CharField(max_length=200, verbose_name='handler')),
                ('is_on', models.BooleanField(verbose_name='on')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='handler_switches', to='bots.bot', verbose_name='bot')),
            ],
            options={
                'verbose_name': 'handler switch',
                'verbose_name_plural': 'handlers',
                'default_permissions': ('view', 'change'),
            },
        ),
        migrations.CreateModel(
            name='ReplayJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('requested_by', models.CharField(max_length=200, verbose_name='requested by')),
                ('criteria', models.JSONField(default=dict, verbose_name='filter')),
                ('mode', models.CharField(choices=[('failed', 'Those that failed'), ('all', 'All')], default='failed', max_length=6, verbose_name='handlers')),
                ('handlers', models.JSONField(default=list)),
                ('subscriptions', models.JSONField(default=list)),
                ('rate', models.PositiveIntegerField(verbose_name='events a second')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled')], default='waiting', max_length=9, verbose_name='state')),
                ('cursor', models.BigIntegerField(default=0, editable=False)),
                ('last', models.BigIntegerField(editable=False)),
                ('expected', models.PositiveIntegerField(default=0, verbose_name='matching events')),
                ('is_expected_bounded', models.BooleanField(default=False, editable=False)),
                ('replayed', models.PositiveIntegerField(default=0, verbose_name='replayed')),
                ('skipped', models.PositiveIntegerField(default=0, verbose_name='skipped')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('next_step_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('client', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient', verbose_name='API client')),
                ('operator', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
            ],
            options={
                'verbose_name': 'replay',
                'verbose_name_plural': 'replays',
                'ordering': ('-id',),
            },
        ),
        migrations.AddField(
            model_name='handlerrun',
            name='replay',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='events.replayjob', verbose_name='replay'),
        ),
        migrations.CreateModel(
            name='ShedCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(verbose_name='hour')),
                ('work', models.CharField(choices=[('notices', 'Notifications to the workers'), ('duplicates', 'Counting of duplicates'), ('live', 'Live messages'), ('refused', 'Events refused, to be pushed again')], max_length=10, verbose_name='shed work')),
                ('count', models.PositiveIntegerField(default=0, verbose_name='times')),
            ],
            options={
                'verbose_name': 'shed work',
                'verbose_name_plural': 'load shedding',
                'ordering': ('-hour', 'work'),
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('hour', 'work'), name='shed_once_an_hour'), models.CheckConstraint(condition=models.Q(('work__in', ['notices', 'duplicates', 'live', 'refused'])), name='shed_work_known')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('all_bots', models.BooleanField(default=False, help_text='Every bot of the owner of this subscription, also those added later.', verbose_name='all bots')),
                ('event_types', models.JSONField(default=list, verbose_name='event types')),
                ('filter', models.JSONField(blank=True, default=list, verbose_name='filter')),
                ('kind', models.CharField(choices=[('push', 'Pushed to an address'), ('pull', 'Fetched by the receiver'), ('answer', 'Asked to answer card clicks')], default='push', max_length=6, verbose_name='delivery')),
                ('url', models.CharField(blank=True, max_length=500, verbose_name='address')),
                ('secret', core.vault.fields.EncryptedField(blank=True, default='', editable=False, verbose_name='signing secret')),
                ('previous_secret', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('previous_until', models.DateTimeField(editable=False, null=True)),
                ('per_second', models.PositiveSmallIntegerField(blank=True, help_text='At most so many; as many as the receiver takes when empty.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='pushes a second')),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('failing', 'Paused: it keeps failing'), ('gone', 'Off: the receiver said it is gone'), ('off', 'Off')], default='active', editable=False, max_length=7, verbose_name='state')),
                ('state_since', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='since')),
                ('failures', models.PositiveIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('probe_at', models.DateTimeField(editable=False, null=True, verbose_name='next probe')),
                ('last_success_at', models.DateTimeField(editable=False, null=True, verbose_name='last success')),
                ('last_failure_at', models.DateTimeField(editable=False, null=True, verbose_name='last failure')),
                ('last_error', models.CharField(blank=True, editable=False, max_length=500, verbose_name='last error')),
                ('served_at', models.DateTimeField(editable=False, null=True)),
                ('next_start_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created')),
                ('removed_at', models.DateTimeField(editable=False, null=True)),
                ('bots', models.ManyToManyField(blank=True, related_name='subscriptions', to='bots.bot', verbose_name='bots')),
                ('owner', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='subscriptions', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'subscription',
                'verbose_name_plural': 'subscriptions',
                'ordering': ('name', 'created_at'),
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveSmallIntegerField(default=0, verbose_name='round')),
                ('is_current', models.BooleanField(default=True, editable=False)),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('run_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='next attempt')),
                ('claim_id', models.UUIDField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('fingerprint', models.CharField(blank=True, editable=False, max_length=16)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('retrying', 'Waiting to retry'), ('succeeded', 'Succeeded'), ('dead', 'Failed'), ('skipped', 'Switched off')], default='pending', max_length=10, verbose_name='status')),
                ('failure', models.CharField(blank=True, choices=[('refused', 'The receiver did not take it'), ('unreachable', 'The receiver was not reached'), ('worker_lost', 'Its worker was gone'), ('expired', 'Nobody took it in time'), ('bad_filter', 'The filter of its subscription failed'), ('restored', 'Set aside when a backup was restored'), ('bad_answer', "The receiver's answer cannot be shown"), ('not_asked', 'The subscription was paused')], max_length=13, verbose_name='cause')),
                ('bot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='bots.bot', verbose_name='bot')),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='events.event', verbose_name='event')),
                ('replay', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='events.replayjob', verbose_name='replay')),
                ('subscription', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, to='events.subscription', verbose_name='subscription')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'ordering': ('id',),
                'default_permissions': (),
                'default_related_name': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='attempt')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('finished_at', models.DateTimeField(verbose_name='finished')),
                ('outcome', models.CharField(choices=[('succeeded', 'Succeeded'), ('failed', 'Failed')], max_length=9, verbose_name='outcome')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('status_code', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='status code')),
                ('response', models.CharField(blank=True, max_length=1000, verbose_name='response')),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempt_log', to='events.delivery', verbose_name='delivery')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
                'ordering': ('number',),
                'abstract': False,
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('delivery', 'number'), name='delivery_attempt_once'), models.CheckConstraint(condition=models.Q(('outcome__in', ['succeeded', 'failed'])), name='delivery_attempt_outcome_known')],
            },
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['event_type', '-id'], include=('status',), name='event_type_newest'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['bot', '-id'], include=('status',), name='event_bot_newest'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['bot', 'event_type', '-id'], include=('status',), name='event_bot_type_newest'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['status', '-id'], name='event_status_newest'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['received_at'], name='event_received'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['event_id'], name='event_by_event_id'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('trace_id', ''), _negated=True), fields=['trace_id'], name='event_by_trace'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('status', 'received')), fields=['bot', 'id'], name='event_undispatched'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('answered_late', True)), fields=['bot', '-id'], name='event_answered_late'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.UniqueConstraint(fields=('bot', 'dedupe_key'), name='event_once_per_bot'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['received', 'dispatched', 'done', 'dead', 'ignored', 'stale', 'quarantined'])), name='event_status_known'),
        ),
        migrations.AddIndex(
            model_name='eventcount',
            index=models.Index(fields=['minutes', 'start'], name='event_count_span'),
        ),
        migrations.AddConstraint(
            model_name='eventcount',
            constraint=models.UniqueConstraint(fields=('bot', 'minutes', 'start'), name='event_count_once'),
        ),
        migrations.AddConstraint(
            model_name='eventcount',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__in', (5, 60))), name='event_count_minutes_known'),
        ),
        migrations.AddConstraint(
            model_name='handlerattempt',
            constraint=models.UniqueConstraint(fields=('run', 'number'), name='handler_attempt_once'),
        ),
        migrations.AddConstraint(
            model_name='handlerattempt',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['succeeded', 'failed'])), name='handler_attempt_outcome_known'),
        ),
        migrations.AddConstraint(
            model_name='handlerswitch',
            constraint=models.UniqueConstraint(fields=('bot', 'handler'), name='switch_once'),
        ),
        migrations.AddIndex(
            model_name='replayjob',
            index=models.Index(fields=['state', '-id'], name='replay_state_newest'),
        ),
        migrations.AddIndex(
            model_name='replayjob',
            index=models.Index(fields=['operator', '-id'], name='replay_by_operator'),
        ),
        migrations.AddConstraint(
            model_name='replayjob',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'done', 'cancelled'])), name='replay_state_known'),
        ),
        migrations.AddConstraint(
            model_name='replayjob',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['failed', 'all'])), name='replay_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='replayjob',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gte', 1)), name='replay_rate_positive'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('status__in', ('pending', 'retrying'))), fields=['bot', 'run_at'], name='run_due'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('status__in', ('pending', 'retrying')), ('unknown_since__isnull', False)), fields=['unknown_since'], name='run_unknown'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['lease_until'], name='run_running'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['bot', 'handler', 'order_key', 'id'], name='run_queued'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['handler', 'fingerprint', '-event'], name='run_dead_alike'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['handler', '-event'], name='run_dead_of_handler'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['-id'], include=('handler', 'fingerprint', 'bot'), name='run_dead_newest'),
        ),
        migrations.AddIndex(
            model_name='handlerrun',
            index=models.Index(condition=models.Q(('replay__isnull', False)), fields=['replay'], name='run_replay'),
        ),
        migrations.AddConstraint(
            model_name='handlerrun',
            constraint=models.UniqueConstraint(fields=('event', 'handler', 'round'), name='run_once_per_round'),
        ),
        migrations.AddConstraint(
            model_name='handlerrun',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('pending', 'running', 'retrying')), models.Q(('order_key', ''), _negated=True)), fields=('bot', 'handler', 'order_key'), name='run_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='handlerrun',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'pending', 'running', 'retrying', 'succeeded', 'dead', 'skipped'])), name='run_status_known'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(condition=models.Q(('kind__in', ('push', 'answer')), ('removed_at', None)), fields=['served_at'], name='subscription_sending'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['push', 'pull', 'answer'])), name='subscription_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['active', 'paused', 'failing', 'gone', 'off'])), name='subscription_state_known'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'pull'), models.Q(('url', ''), _negated=True), _connector='OR'), name='subscription_push_has_address', violation_error_message='The receiver has an address: enter it.'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('per_second', None), ('per_second__gte', 1), _connector='OR'), name='subscription_rate_positive'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status__in', ('pending', 'retrying'))), fields=['subscription', 'run_at'], name='delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status__in', ('pending', 'retrying'))), fields=['subscription', 'id'], name='delivery_waiting'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['subscription', '-id'], name='delivery_newest'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['lease_until'], name='delivery_running'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['subscription', 'fingerprint', '-event'], name='delivery_dead_alike'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['subscription', '-event'], name='delivery_dead_of_receiver'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('is_current', True), ('status', 'dead')), fields=['-id'], include=('subscription', 'fingerprint', 'bot'), name='delivery_dead_newest'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('replay__isnull', False)), fields=['replay'], name='delivery_replay'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('event', 'subscription', 'round'), name='delivery_once_per_round'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'running', 'retrying', 'succeeded', 'dead', 'skipped'])), name='delivery_status_known'),
        ),
    ]
