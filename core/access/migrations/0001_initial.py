import core.access.models.operators
import core.vault.fields
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiClient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('prefix', models.CharField(editable=False, max_length=16, verbose_name='key prefix')),
                ('key_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('scopes', models.JSONField(default=list, help_text='What this client may do.', verbose_name='scopes')),
                ('all_bots', models.BooleanField(default=False, verbose_name='all bots')),
                ('bot_ids', models.JSONField(blank=True, default=list, editable=False)),
                ('proxy_paths', models.JSONField(blank=True, default=list, help_text='Calls this client may send by the proxy; every call if there are none.', verbose_name='calls by the proxy')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last used')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'API client',
                'verbose_name_plural': 'API clients',
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='SignInAttempts',
            fields=[
                ('subject', models.CharField(editable=False, max_length=160, primary_key=True, serialize=False)),
                ('failures', models.PositiveIntegerField(default=0, editable=False)),
                ('last_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False)),
                ('blocked_until', models.DateTimeField(editable=False, null=True)),
                ('refusal_noted', models.BooleanField(default=False, editable=False)),
            ],
            options={
                'verbose_name': 'attempts to sign in',
                'verbose_name_plural': 'attempts to sign in',
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('role', models.CharField(blank=True, choices=[('administrator', 'Administrator'), ('operator', 'Operator'), ('auditor', 'Auditor'), ('viewer', 'Viewer')], help_text='Administrators see and manage everything. Operators add bots, and manage those they own. Auditors see everything, the audit log and the use of tokens included, and change nothing. Viewers see the bots they are given, and change nothing.', max_length=13, verbose_name='role')),
                ('language', models.CharField(blank=True, choices=[('zh-hans', '简体中文'), ('en', 'English')], help_text="Of the messages about this operator's bots; the portal's own when empty.", max_length=10, verbose_name='language')),
                ('feishu_address', models.CharField(blank=True, help_text="Where the portal's bots may write about bots that need a person: the e-mail address of the Feishu account, its union_id (on_…) or user_id, or the chat_id (oc_…) of a group that the bots are in.", max_length=100, verbose_name='Feishu account')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'operator',
                'verbose_name_plural': 'operators',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('is_staff', True), ('is_superuser', True), ('role', 'administrator')), models.Q(('is_staff', True), ('is_superuser', False), ('role__in', ('operator', 'auditor', 'viewer'))), models.Q(('is_staff', False), ('is_superuser', False), ('role', '')), _connector='OR'), name='user_flags_follow_role')],
            },
            managers=[
                ('objects', core.access.models.operators.Operators()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='time')),
                ('actor', models.CharField(max_length=200, verbose_name='actor')),
                ('address', models.CharField(blank=True, max_length=39, verbose_name='client address')),
                ('action', models.CharField(max_length=80, verbose_name='action')),
                ('bot_id', models.UUIDField(blank=True, editable=False, null=True, verbose_name='bot')),
                ('app_id', models.CharField(blank=True, max_length=64, verbose_name='App ID')),
                ('target', models.CharField(blank=True, max_length=200, verbose_name='target')),
                ('detail', models.JSONField(blank=True, default=dict, verbose_name='detail')),
                ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='access.apiclient', verbose_name='API client')),
                ('operator', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['bot_id', '-id'], name='audit_by_bot'), models.Index(fields=['action', '-id'], name='audit_by_action'), models.Index(fields=['operator', '-id'], name='audit_by_operator'), models.Index(fields=['app_id'], name='audit_by_app_id'), models.Index(fields=['target'], name='audit_by_target'), models.Index(fields=['actor'], name='audit_by_actor'), models.Index(fields=['address'], name='audit_by_address')],
            },
        ),
        migrations.CreateModel(
            name='DatabaseAnchor',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'verbose_name': 'database anchor',
                'verbose_name_plural': 'database anchors',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='anchor_is_alone')],
            },
        ),
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('identity', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('name', models.CharField(blank=True, editable=False, max_length=100)),
                ('host', models.CharField(blank=True, editable=False, max_length=255)),
                ('place', models.CharField(blank=True, editable=False, max_length=100)),
                ('marked_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('found_behind_at', models.DateTimeField(editable=False, null=True)),
                ('adopted_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'verbose_name': 'installation',
                'verbose_name_plural': 'installations',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='installation_is_alone')],
            },
        ),
        migrations.CreateModel(
            name='KeyCanary',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('sealed', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
            ],
            options={
                'verbose_name': 'key canary',
                'verbose_name_plural': 'key canaries',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='canary_is_alone')],
            },
        ),
        migrations.CreateModel(
            name='OperatorSession',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('method', models.CharField(blank=True, choices=[('password', 'Password'), ('second_factor', 'Password and second factor'), ('passkey', 'Passkey'), ('feishu', 'Feishu account'), ('setup_link', 'Setup link')], editable=False, max_length=20)),
                ('address', models.CharField(blank=True, editable=False, max_length=39)),
                ('browser', models.CharField(blank=True, editable=False, max_length=300)),
                ('started_at', models.DateTimeField(editable=False, null=True)),
                ('seen_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session of an operator',
                'verbose_name_plural': 'sessions of operators',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Passkey',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('credential_id', models.CharField(editable=False, max_length=1400, unique=True)),
                ('public_key', models.BinaryField()),
                ('sign_count', models.BigIntegerField(default=0, editable=False)),
                ('user_handle', models.BinaryField(max_length=64)),
                ('host', models.CharField(editable=False, max_length=255)),
                ('synced', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='passkeys', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'passkey',
                'verbose_name_plural': 'passkeys',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PasskeyChallenge',
            fields=[
                ('digest', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('session', models.CharField(editable=False, max_length=40)),
                ('purpose', models.CharField(editable=False, max_length=20)),
                ('user_handle', models.BinaryField(default=b'', max_length=64)),
                ('expires_at', models.DateTimeField(db_index=True, editable=False)),
                ('user', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'passkey challenge',
                'verbose_name_plural': 'passkey challenges',
                'default_permissions': (),
                'indexes': [models.Index(fields=['session', 'purpose'], name='challenge_of_session')],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('used_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'recovery code',
                'verbose_name_plural': 'recovery codes',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'digest'), name='recovery_code_once')],
            },
        ),
        migrations.CreateModel(
            name='SetupLink',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('digest', models.CharField(editable=False, max_length=64)),
                ('expires_at', models.DateTimeField(editable=False)),
            ],
            options={
                'verbose_name': 'setup link',
                'verbose_name_plural': 'setup links',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='setup_link_is_alone')],
            },
        ),
        migrations.CreateModel(
            name='TotpDevice',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, max_length=60, verbose_name='name')),
                ('secret', core.vault.fields.EncryptedField(blank=True, default='', editable=False)),
                ('last_step', models.BigIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('confirmed_at', models.DateTimeField(db_index=True, editable=False, null=True)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='totp_devices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'authenticator app',
                'verbose_name_plural': 'authenticator apps',
                'default_permissions': (),
            },
        ),
    ]
